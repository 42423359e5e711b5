/**
 * Reads and writes of serial lines, which end by their count or by the time that
 * COMMTIMEOUTS give them.
 *
 * @module
 */

import { plain } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { MAXDWORD } from "../comm.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import {
  failRequest,
  finishRequest,
  goOn,
  mustEnd,
  readAddress,
  writeAddress,
} from "./requests.ts";
import { define, IN, OUT, POLL, SERIAL_LINES } from "./rules.ts";
import { clearLimit, now, setLimit, X_IS_OVER } from "./serial-limits.ts";
import * as lineTable from "./serial-line.ts";
import { lineOf, lines } from "./serial-line.ts";
import { launch } from "./start.ts";

export const SERIAL_READ: number = SERIAL_LINES;
export const SERIAL_WRITE: number = SERIAL_LINES + 1;

/** In the annex: when the whole operation is to end; 0 if never. */
const X_END = layout.X_OWN + 2;

/** What is longer than this, three weeks, is for ever, as .NET's infinite timeout wants it. */
const FOR_EVER_MS = 0x7fffffff;

function isRead(request: number): boolean {
  return region().words[request + layout.R_KIND] === SERIAL_READ;
}

function limitOf(request: number): number {
  const line = lineOf(region().words[request + layout.R_HANDLE]);
  return line + (isRead(request) ? lineTable.L_READ_LIMIT : lineTable.L_WRITE_LIMIT);
}

/** A timeout of the request's line. */
function timeout(request: number, which: number): number {
  return lines()[lineOf(region().words[request + layout.R_HANDLE]) + which] >>> 0;
}

/** A read takes what there is and does not wait for more. */
function takesAny(request: number): boolean {
  return isRead(request) && timeout(request, lineTable.L_INTERVAL) === MAXDWORD &&
    (waitsForFirst(request) || isImmediate(request));
}

/** A read that waits for the first bytes only. */
function waitsForFirst(request: number): boolean {
  return timeout(request, lineTable.L_READ_MULTIPLIER) === MAXDWORD;
}

/** A read that does not wait at all. */
function isImmediate(request: number): boolean {
  return isRead(request) && timeout(request, lineTable.L_INTERVAL) === MAXDWORD &&
    timeout(request, lineTable.L_READ_MULTIPLIER) === 0 &&
    timeout(request, lineTable.L_READ_CONSTANT) === 0;
}

/** How long the whole operation may take, in milliseconds. */
function totalTime(request: number): number {
  if (isImmediate(request)) return 0;
  const [first, second] = isRead(request)
    ? [lineTable.L_READ_MULTIPLIER, lineTable.L_READ_CONSTANT]
    : [lineTable.L_WRITE_MULTIPLIER, lineTable.L_WRITE_CONSTANT];
  const multiplier = takesAny(request) ? 0 : timeout(request, first);
  const constant = timeout(request, second);
  const length = region().words[request + layout.R_LENGTH] >>> 0;
  const total = multiplier * length + constant;
  return total === 0 || total > FOR_EVER_MS ? Infinity : total;
}

/** The request is the oldest of its direction: its time begins to count. False if nothing can count it. */
function begin(port: Port, request: number): boolean {
  const { words } = region();
  const total = totalTime(request);
  const end = layout.annexOf(request) + X_END;
  writeAddress(words, end, 0);
  if (total === Infinity) return true;
  const at = now() + total;
  writeAddress(words, end, at);
  return setLimit(port, limitOf(request), request, at);
}

/** After each part of a read the pause before the next one counts. */
function beginPause(port: Port, request: number): boolean {
  const interval = timeout(request, lineTable.L_INTERVAL);
  if (!isRead(request) || interval === 0 || interval > FOR_EVER_MS) return true;
  const end = readAddress(region().words, layout.annexOf(request) + X_END);
  const pause = now() + interval;
  return setLimit(port, limitOf(request), request, end === 0 ? pause : Math.min(end, pause));
}

/** Another operation of the same direction on the handle: the oldest; 0 if there is none. */
function oldestBut(request: number): number {
  const { words } = region();
  const kind = words[request + layout.R_KIND];
  let oldest = 0;
  let at = words[words[request + layout.R_HANDLE] + layout.H_NEWEST];
  for (; at !== 0; at = words[at + layout.R_OLDER]) {
    if (at !== request && words[at + layout.R_KIND] === kind) oldest = at;
  }
  return oldest;
}

/** Whether an operation of the same direction was started before, and is not over. */
function hasOlder(request: number): boolean {
  const { words } = region();
  const kind = words[request + layout.R_KIND];
  let at = words[request + layout.R_OLDER];
  while (at !== 0 && words[at + layout.R_KIND] !== kind) at = words[at + layout.R_OLDER];
  return at !== 0;
}

/** The operation has ended. If it was the oldest of its direction, the next one is now. */
function end(port: Port, request: number, reason: number): void {
  const { words } = region();
  clearLimit(limitOf(request), request);
  const next = hasOlder(request) ? 0 : oldestBut(request);
  const done = words[request + layout.R_DONE] >>> 0;
  if (reason === 0) finishRequest(port, request, 0, done, 0);
  else failRequest(port, request, reason, done);
  if (next === 0 || mustEnd(next)) return;
  const isUnderWay = words[next + layout.R_STATE] === layout.REQUEST_STARTED;
  if (isUnderWay && !begin(port, next)) end(port, next, errno.ENOBUFS);
}

/** An operation was started on the line. */
function start(port: Port, request: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  words[annex + X_IS_OVER] = 0;
  writeAddress(words, annex + X_END, 0);
  if (words[request + layout.R_LENGTH] === 0) return end(port, request, 0);
  if (oldestBut(request) === 0) {
    const result = perform(request);
    const isPart = result > 0 && result < words[request + layout.R_LENGTH] >>> 0;
    if (isPart ? takesAny(request) : result !== -errno.EAGAIN) {
      return complete(port, request, result);
    }
    if (isImmediate(request)) return end(port, request, 0);
    if (!begin(port, request)) return end(port, request, errno.ENOBUFS);
    if (isPart) return complete(port, request, result, launch);
  }
  launch(port, request);
}

/** Moves bytes. Under the lock, so that who counts what has come does not count them twice. */
function perform(request: number): number {
  const { words } = region();
  if (mustEnd(request)) return -errno.EAGAIN;
  const handle = words[request + layout.R_HANDLE];
  const done = words[request + layout.R_DONE] >>> 0;
  const address = word(readAddress(words, request + layout.R_ADDRESS) + done);
  const length = word((words[request + layout.R_LENGTH] >>> 0) - done);
  const fd = descriptorOf(request);
  const transfer = isRead(request) ? plain().read : plain().write;
  for (;;) {
    const count = Number(transfer(fd, address, length));
    if (count > 0) {
      note(request, lineOf(handle), count);
      return count;
    }
    // A line that was torn off reads as at its end.
    if (count === 0) return -errno.EIO;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

function note(request: number, line: number, count: number): void {
  const table = lines();
  if (isRead(request)) table[line + lineTable.L_TAKEN] += count;
  else table[line + lineTable.L_SENDING] = 1;
}

/** A part has been moved, or nothing more will be. `again` hands the rest to the engine. */
function complete(
  port: Port,
  request: number,
  result: number,
  again: (port: Port, request: number) => void = goOn,
): void {
  const { words } = region();
  const isOver = words[layout.annexOf(request) + X_IS_OVER] !== 0;
  if (result < 0) {
    return end(port, request, isOver && result === -errno.ECANCELED ? 0 : -result);
  }
  const done = (words[request + layout.R_DONE] >>> 0) + result;
  words[request + layout.R_DONE] = done | 0;
  if (done === words[request + layout.R_LENGTH] >>> 0 || takesAny(request) || isOver) {
    end(port, request, 0);
  } else if (mustEnd(request)) end(port, request, errno.ECANCELED);
  else if (beginPause(port, request)) again(port, request);
  else end(port, request, errno.ENOBUFS);
}

for (const [kind, events] of [[SERIAL_READ, IN], [SERIAL_WRITE, OUT]]) {
  define(kind, { opcode: POLL, events, perform, complete, begin: start });
}
