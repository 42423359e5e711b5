/**
 * Time limits of a serial line's reads and writes: one timer for each direction,
 * which is a request that no caller knows and that has no packet.
 *
 * A timer is not set anew for every byte. It rings, looks whether the limit was
 * moved meanwhile, and then sets itself again or ends the operation. Under the
 * lock of the handle's port.
 *
 * @module
 */

import { deviceCalls } from "../../ffi/libc.ts";
import { ECANCELED } from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { acquireRequest, releaseRequest } from "./request-places.ts";
import { goOn, readAddress, writeAddress } from "./requests.ts";
import { define, SERIAL_LINES, TIMER } from "./rules.ts";
import { L_READ_LIMIT, L_WRITE_LIMIT, lineOf, lines } from "./serial-line.ts";
import { setTimer } from "./timers.ts";

const LIMIT_TIMER = SERIAL_LINES + 9;
const CLOCK_MONOTONIC = 1;

/** Words of a limit: the request it is of (0: none), which life of that, when it is over. */
const REQUEST = 0;
const LIFE = 1;
const END = 2;
/** The timer, and when it rings. */
const CLOCK = 4;
const RING = 5;

/** In a timer's annex: which limit it is of, and which life of the handle. */
const X_LIMIT = layout.X_OWN;
const X_HANDLE_LIFE = layout.X_OWN + 1;
/** In the annex of a read or write: its time is over. */
export const X_IS_OVER = layout.X_OWN;

/** Milliseconds of a clock that all threads share. */
export function now(): number {
  const time = new Uint8Array(new ArrayBuffer(16));
  deviceCalls().clock_gettime(CLOCK_MONOTONIC, time);
  const fields = new DataView(time.buffer);
  return Number(fields.getBigInt64(0, true)) * 1000 +
    Math.floor(Number(fields.getBigInt64(8, true)) / 1e6);
}

/**
 * The operation is to end at `end`, if it has not by then. It is the oldest of its
 * direction. False if there is no timer to be had.
 */
export function setLimit(port: Port, limit: number, request: number, end: number): boolean {
  const table = lines();
  const { words } = region();
  table[limit + REQUEST] = request;
  table[limit + LIFE] = words[request + layout.R_GENERATION];
  writeAddress(table, limit + END, end);
  if (table[limit + CLOCK] !== 0) {
    if (readAddress(table, limit + RING) <= end) return true;
    stopTimer(port, limit);
  }
  return startTimer(port, limit, words[request + layout.R_HANDLE], end);
}

/** The operation has ended: its time does not count any more. */
export function clearLimit(limit: number, request: number): void {
  if (lines()[limit + REQUEST] === request) lines()[limit + REQUEST] = 0;
}

/** The handle is being closed. */
export function stopTimers(port: Port, handle: number): void {
  stopTimer(port, lineOf(handle) + L_READ_LIMIT);
  stopTimer(port, lineOf(handle) + L_WRITE_LIMIT);
}

function startTimer(port: Port, limit: number, handle: number, end: number): boolean {
  const { words } = region();
  const timer = acquireRequest(port);
  if (timer < 0) return false;
  const life = words[timer + layout.R_GENERATION] + 1 | 0;
  words.fill(0, timer, timer + layout.REQUEST_WORDS);
  words[timer + layout.R_GENERATION] = life;
  words[timer + layout.R_HANDLE] = handle;
  words[timer + layout.R_OPCODE] = TIMER;
  words[timer + layout.R_KIND] = LIMIT_TIMER;
  const annex = layout.annexOf(timer);
  words[annex + X_LIMIT] = limit;
  words[annex + X_HANDLE_LIFE] = words[handle + layout.H_LIVES];
  // Last: whoever finds it so finds it whole.
  words[timer + layout.R_STATE] = layout.REQUEST_STARTED;
  // It works on the port until it rings, also when the handle is gone.
  port.addReference();
  wind(port, limit, timer, end);
  return true;
}

/** Sets the timer. */
function wind(port: Port, limit: number, timer: number, end: number): void {
  const table = lines();
  setTimer(timer, end - now());
  goOn(port, timer);
  // Not before: a timer that is known and never rings would be taken for this one's and the next one's.
  writeAddress(table, limit + RING, end);
  table[limit + CLOCK] = timer;
}

function stopTimer(port: Port, limit: number): void {
  const { words } = region();
  const timer = lines()[limit + CLOCK];
  if (timer === 0) return;
  lines()[limit + CLOCK] = 0;
  words[timer + layout.R_STATE] = layout.REQUEST_CANCELLED;
  port.engine().cancel(timer);
  port.submitLater();
}

function forget(port: Port, timer: number): void {
  const { words } = region();
  words[timer + layout.R_STATE] = 0;
  words[timer + layout.R_GENERATION] = words[timer + layout.R_GENERATION] + 1 | 0;
  releaseRequest(port, timer);
  port.dropReferenceLater();
}

/** The timer has rung, or was stopped. */
function complete(port: Port, timer: number, result: number): void {
  const { words } = region();
  const table = lines();
  const annex = layout.annexOf(timer);
  const limit = words[annex + X_LIMIT];
  const handle = words[timer + layout.R_HANDLE];
  const isCurrent = words[handle + layout.H_LIVES] === words[annex + X_HANDLE_LIFE] &&
    words[handle + layout.H_FD] >= 0 && table[limit + CLOCK] === timer;
  if (result === -ECANCELED || !isCurrent) return forget(port, timer);
  const request = table[limit + REQUEST];
  const end = readAddress(table, limit + END);
  if (request !== 0 && now() < end) return wind(port, limit, timer, end);
  table[limit + CLOCK] = 0;
  forget(port, timer);
  if (request !== 0 && words[request + layout.R_GENERATION] === table[limit + LIFE]) {
    expire(port, request);
  }
}

/** The operation's time is over: it ends with what it has done. */
function expire(port: Port, request: number): void {
  const { words } = region();
  if (words[request + layout.R_STATE] !== layout.REQUEST_STARTED) return;
  words[layout.annexOf(request) + X_IS_OVER] = 1;
  words[request + layout.R_STATE] = layout.REQUEST_CANCELLED;
  port.engine().cancel(request);
  port.submitLater();
}

define(LIMIT_TIMER, { opcode: TIMER, events: 0, perform: () => 0, complete });
