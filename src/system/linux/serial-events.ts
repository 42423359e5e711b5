/**
 * WaitCommEvent: what happens on a serial line.
 *
 * Bytes that come are told by the engine. For everything else the kernel has only a
 * call that holds its thread, so that the wait looks from time to time: at the
 * driver's counters, which miss nothing that happens in between.
 *
 * @module
 */

import { deviceCalls } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import * as comm from "../comm.ts";
import { statusOfError } from "../status.ts";
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
  park,
  readAddress,
  unpark,
  writeAddress,
} from "./requests.ts";
import { define, IN, POLL, PRIORITY, SERIAL_LINES, TIMER } from "./rules.ts";
import * as lineTable from "./serial-line.ts";
import { ioctlOf, lineOf, lines, unread, unsent } from "./serial-line.ts";
import { launch, startOn } from "./start.ts";
import { setTimer } from "./timers.ts";

const WAIT = SERIAL_LINES + 2;
/** How often a wait looks at what cannot be waited for. */
const LOOK_MS = 10;
/** In the annex: 1 if SetCommMask has ended the wait. */
const X_IS_OVER = layout.X_OWN;

const TIOCGICOUNT = 0x545D;
const TIOCMGET = 0x5415;
const POLLERR_HUP = 0x18;

/** Modem lines as TIOCMGET tells them. */
const TIOCM_CTS = 0x20;
const TIOCM_CD = 0x40;
const TIOCM_RI = 0x80;
const TIOCM_DSR = 0x100;

/** Events of the line itself, beside its bytes. */
const LINE_EVENTS = comm.EV_CTS | comm.EV_DSR | comm.EV_RLSD | comm.EV_RING | comm.EV_BREAK |
  comm.EV_ERR;
/** Which event a change of each counter is: cts, dsr, rng, dcd, rx, tx, frame, overrun, parity, brk, buf_overrun. */
const EVENT_OF_COUNT: readonly number[] = [
  comm.EV_CTS,
  comm.EV_DSR,
  comm.EV_RING,
  comm.EV_RLSD,
  0,
  0,
  comm.EV_ERR,
  comm.EV_ERR,
  comm.EV_ERR,
  comm.EV_BREAK,
  comm.EV_ERR,
];
/** The events that can be chosen. */
const KNOWN_EVENTS = comm.EV_RXCHAR | comm.EV_TXEMPTY | LINE_EVENTS;
/** Every event that Windows knows. */
const ALL_EVENTS = 0x1fff;

/** Which events lie between two states of the counters. */
export function eventsOfCounts(before: Int32Array, after: Int32Array): number {
  return EVENT_OF_COUNT.reduce((all, event, i) => before[i] === after[i] ? all : all | event, 0);
}

/** Which events lie between two states of the modem lines. */
export function eventsOfLines(before: number, after: number): number {
  const changed = before ^ after;
  return ((changed & TIOCM_CTS) !== 0 ? comm.EV_CTS : 0) |
    ((changed & TIOCM_DSR) !== 0 ? comm.EV_DSR : 0) |
    ((changed & TIOCM_CD) !== 0 ? comm.EV_RLSD : 0) |
    ((changed & TIOCM_RI) !== 0 ? comm.EV_RING : 0);
}

/** The modem lines in Windows' bits. */
export function statusOfLines(bits: number): number {
  return ((bits & TIOCM_CTS) !== 0 ? comm.MS_CTS_ON : 0) |
    ((bits & TIOCM_DSR) !== 0 ? comm.MS_DSR_ON : 0) |
    ((bits & TIOCM_RI) !== 0 ? comm.MS_RING_ON : 0) |
    ((bits & TIOCM_CD) !== 0 ? comm.MS_RLSD_ON : 0);
}

/** The modem lines; a negated errno where there are none. */
export function modemLines(fd: number): number {
  const bytes = new Uint8Array(new ArrayBuffer(8));
  const answer = ioctlOf(fd, TIOCMGET, bytes);
  return answer < 0 ? answer : new DataView(bytes.buffer).getInt32(0, true);
}

/** struct serial_icounter_struct: twenty words; `null` if the driver counts nothing. */
function counts(fd: number): Int32Array | null {
  const bytes = new Uint8Array(new ArrayBuffer(80));
  return ioctlOf(fd, TIOCGICOUNT, bytes) < 0
    ? null
    : new Int32Array(bytes.buffer, 0, lineTable.COUNTS);
}

/** What has happened from `mask` since that was last told; tells it. */
function takeEvents(fd: number, line: number, mask: number): number {
  const table = lines();
  let events = 0;
  if ((mask & comm.EV_RXCHAR) !== 0) {
    const come = table[line + lineTable.L_TAKEN] + unread(fd) | 0;
    if (come !== table[line + lineTable.L_TOLD]) events |= comm.EV_RXCHAR;
    table[line + lineTable.L_TOLD] = come;
  }
  const isSending = table[line + lineTable.L_SENDING] !== 0;
  if ((mask & comm.EV_TXEMPTY) !== 0 && isSending && unsent(fd) === 0) {
    events |= comm.EV_TXEMPTY;
    table[line + lineTable.L_SENDING] = 0;
  }
  return (mask & LINE_EVENTS) === 0 ? events : events | takeLineEvents(fd, line) & mask;
}

function takeLineEvents(fd: number, line: number): number {
  const table = lines();
  if (table[line + lineTable.L_HAS_COUNTS] !== 0) {
    const now = counts(fd);
    if (now === null) return 0;
    const last = table.subarray(line + lineTable.L_COUNTS, line + lineTable.L_COUNTS + now.length);
    const events = eventsOfCounts(last, now);
    last.set(now);
    return events;
  }
  if (table[line + lineTable.L_HAS_MODEM] === 0) return 0;
  const now = modemLines(fd);
  if (now < 0) return 0;
  const events = eventsOfLines(table[line + lineTable.L_MODEM], now);
  table[line + lineTable.L_MODEM] = now;
  return events;
}

/** Whether the other side is gone for good. */
function isTornOff(fd: number): boolean {
  const entry = new Uint8Array(new ArrayBuffer(8));
  const fields = new DataView(entry.buffer);
  fields.setInt32(0, fd, true);
  return deviceCalls().poll(entry, word(1), 0) > 0 &&
    (fields.getUint16(6, true) & POLLERR_HUP) !== 0;
}

/**
 * Chooses events; under the lock of the handle's port, if it has one. What has
 * happened before does not count. Returns the code.
 */
export function chooseEvents(
  port: Port | null,
  handle: number,
  fd: number,
  mask: number,
): number {
  if ((mask & ~ALL_EVENTS) !== 0) return code.ERROR_INVALID_PARAMETER;
  if ((mask & ~KNOWN_EVENTS) !== 0) return code.ERROR_NOT_SUPPORTED;
  const table = lines();
  const line = lineOf(handle);
  table[line + lineTable.L_MASK] = mask;
  table[line + lineTable.L_TOLD] = table[line + lineTable.L_TAKEN] + unread(fd);
  table[line + lineTable.L_SENDING] = unsent(fd) > 0 ? 1 : 0;
  const now = counts(fd);
  table[line + lineTable.L_HAS_COUNTS] = now === null ? 0 : 1;
  if (now !== null) table.set(now, line + lineTable.L_COUNTS);
  const modem = modemLines(fd);
  table[line + lineTable.L_HAS_MODEM] = modem < 0 ? 0 : 1;
  table[line + lineTable.L_MODEM] = modem;
  if (port !== null) endWait(port, line);
  return 0;
}

/** The pending wait ends with no event (75), and another may begin. */
function endWait(port: Port, line: number): void {
  const { words } = region();
  const request = lines()[line + lineTable.L_WAIT];
  if (request === 0) return;
  lines()[line + lineTable.L_WAIT] = 0;
  if (words[request + layout.R_STATE] === layout.REQUEST_PARKED) {
    unpark(request);
    finish(port, request, 0);
  } else if (words[request + layout.R_STATE] === layout.REQUEST_STARTED) {
    words[layout.annexOf(request) + X_IS_OVER] = 1;
    words[request + layout.R_STATE] = layout.REQUEST_CANCELLED;
    port.engine().cancel(request);
    port.submitLater();
  }
}

/** Starts a wait that writes its events to the word at `mask`. */
export function startWait(serial: number, mask: number, overlapped: number): number {
  return startOn(serial, layout.KIND_SERIAL, 0, WAIT, overlapped, (port, request, at) => {
    const { words } = region();
    const table = lines();
    const line = lineOf(at);
    words[layout.annexOf(request) + X_IS_OVER] = 0;
    writeAddress(words, request + layout.R_ADDRESS, mask);
    if (table[line + lineTable.L_WAIT] !== 0 || table[line + lineTable.L_MASK] === 0) {
      const status = statusOfError(code.ERROR_INVALID_PARAMETER);
      return finishRequest(port, request, status, 0, 0);
    }
    table[line + lineTable.L_WAIT] = request;
    const result = look(request);
    if (result !== 0) complete(port, request, result);
    else waitFor(port, request, launch);
  });
}

/** The events that have come, 0 if none, or a negated errno if none will. */
function look(request: number): number {
  const line = lineOf(region().words[request + layout.R_HANDLE]);
  const fd = descriptorOf(request);
  const events = takeEvents(fd, line, lines()[line + lineTable.L_MASK]);
  return events !== 0 ? events : isTornOff(fd) ? -errno.EIO : 0;
}

/** What the next event of the line can be seen by. Nothing has happened so far. */
function waitFor(port: Port, request: number, go: (port: Port, request: number) => void): void {
  const { words } = region();
  const table = lines();
  const line = lineOf(words[request + layout.R_HANDLE]);
  const mask = table[line + lineTable.L_MASK];
  const seesLines = table[line + lineTable.L_HAS_COUNTS] !== 0 ||
    table[line + lineTable.L_HAS_MODEM] !== 0;
  const mustLook = (mask & comm.EV_TXEMPTY) !== 0 || (mask & LINE_EVENTS) !== 0 && seesLines;
  if (!mustLook && (mask & comm.EV_RXCHAR) === 0) return park(request);
  // Bytes that lie there unread would make the line ready at once, again and again.
  const isEmpty = unread(descriptorOf(request)) === 0;
  words[request + layout.R_OPCODE] = mustLook || !isEmpty ? TIMER : POLL;
  if (mustLook || !isEmpty) setTimer(request, LOOK_MS);
  go(port, request);
}

/** The line is ready, or may be. */
function perform(request: number): number {
  if (mustEnd(request)) return -errno.EAGAIN;
  const result = look(request);
  if (result !== 0) return result;
  return unread(descriptorOf(request)) === 0 ? -errno.EAGAIN : 0;
}

function complete(port: Port, request: number, result: number): void {
  const { words } = region();
  const isOver = words[layout.annexOf(request) + X_IS_OVER] !== 0;
  if (isOver) return finish(port, request, 0);
  if (result === -errno.ETIME && !mustEnd(request)) result = look(request);
  if (result > 0) finish(port, request, result);
  else if (mustEnd(request)) fail(port, request, errno.ECANCELED);
  else if (result < 0) fail(port, request, -result);
  else waitFor(port, request, goOn);
}

function leave(request: number): void {
  const at = lineOf(region().words[request + layout.R_HANDLE]) + lineTable.L_WAIT;
  if (lines()[at] === request) lines()[at] = 0;
}

function fail(port: Port, request: number, reason: number): void {
  leave(request);
  failRequest(port, request, reason);
}

/** The word belongs to the operation until its packet is taken. */
function finish(port: Port, request: number, events: number): void {
  leave(request);
  const address = readAddress(region().words, request + layout.R_ADDRESS);
  wordsAround(address)[wordIndex(address)] = events;
  finishRequest(port, request, 0, 4, 0);
}

define(WAIT, {
  opcode: POLL,
  // Not what a read waits for, which it would have to wait behind.
  events: IN | PRIORITY,
  perform,
  complete,
  cancel: (port, request) => fail(port, request, errno.ECANCELED),
});
