/**
 * What the thread that has a port's lock is just doing with a request, noted
 * before it is done: who inherits the lock from a thread that has ended goes on
 * with it to the end. One request is opened, finished or reaped at a time.
 *
 * What is given back is given back last and without a note: a thread that ends
 * right there keeps a place too long, and nobody gives one back twice.
 *
 * All functions are called with the lock of the port held.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { region } from "./region.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  J_BYTES,
  J_DONE,
  J_ERRNO,
  J_FINISHING,
  J_FINISHING_TAIL,
  J_GOING_ON,
  J_GOING_ON_POSITION,
  J_LAUNCHING,
  J_LIFE,
  J_OPENING,
  J_OPENING_POSITION,
  J_POSITION,
  J_REAPING,
  J_RESULT,
  J_RUN_END,
  J_RUN_HEAD,
  J_RUN_TAIL,
  J_STATUS,
  R_DONE,
} = layout;

/** A request is being made: until `opened` it may or may not be among its handle's. */
export function opening(port: number, request: number): void {
  const { words } = region();
  words[port + J_LAUNCHING] = 0;
  words[port + J_OPENING] = request;
}

/** The request being made is handed to the engine for the first time. */
export function launching(port: number, request: number, position: number): void {
  const { words } = region();
  words[port + J_OPENING_POSITION] = position;
  words[port + J_LAUNCHING] = request;
}

/** The request is with the engine, parked or over. */
export function opened(port: number): void {
  region().words[port + J_OPENING] = 0;
}

/** The request is over: this is its packet, which goes to the queue's `tail`. */
export function finishing(
  port: number,
  request: number,
  tail: number,
  status: number,
  bytes: number,
  errno: number,
): void {
  const { words } = region();
  words[port + J_FINISHING_TAIL] = tail;
  words[port + J_STATUS] = status;
  words[port + J_BYTES] = bytes;
  words[port + J_ERRNO] = errno;
  words[port + J_FINISHING] = request;
}

/** Nothing but its place is left of the request. */
export function finished(port: number, request: number): void {
  const { words } = region();
  if (words[port + J_OPENING] === request) words[port + J_OPENING] = 0;
  words[port + J_FINISHING] = 0;
}

/** A request that is whole is handed to the engine again, or for the first time in its turn. */
export function goingOn(port: number, request: number, position: number): void {
  const { words } = region();
  if (words[port + J_OPENING] === request) launching(port, request, position);
  words[port + J_GOING_ON_POSITION] = position;
  words[port + J_GOING_ON] = request;
}

/** The engine has it. */
export function goneOn(port: number): void {
  region().words[port + J_GOING_ON] = 0;
}

/** The engine's result of a request in its life `life` is about to be taken from the engine. */
export function reaping(
  port: number,
  request: number,
  life: number,
  result: number,
  position: number,
): void {
  const { words } = region();
  words[port + J_LIFE] = life;
  words[port + J_RESULT] = result;
  words[port + J_DONE] = words[request + R_DONE];
  words[port + J_POSITION] = position;
  words[port + J_REAPING] = request;
}

/**
 * Completions from number `head` to before `end` are about to end their requests. Their packets
 * become the queue's together, from its number `tail` on: until then nothing has happened.
 */
export function beginRun(port: number, head: number, end: number, tail: number): void {
  const { words } = region();
  words[port + J_RUN_TAIL] = tail;
  words[port + J_RUN_END] = end;
  words[port + J_RUN_HEAD] = head;
}

/** How many of the completions from `head` on have their packets in the queue, which now ends at `tail`. */
export function runLength(port: number, head: number, tail: number): number {
  const { words } = region();
  if (words[port + J_RUN_HEAD] !== head || words[port + J_RUN_TAIL] === tail) return 0;
  return words[port + J_RUN_END] - head | 0;
}

/** The run has been seen to. */
export function endRun(port: number): void {
  const { words } = region();
  words[port + J_RUN_END] = words[port + J_RUN_HEAD];
}

/** What the result comes to has been seen to. */
export function reaped(port: number): void {
  region().words[port + J_REAPING] = 0;
}
