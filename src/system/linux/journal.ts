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

/** A request is being made: until `opened` it may or may not be among its handle's. */
export function opening(port: number, request: number): void {
  const { words } = region();
  words[port + layout.J_LAUNCHING] = 0;
  words[port + layout.J_OPENING] = request;
}

/** The request being made is handed to the engine for the first time. */
export function launching(port: number, request: number, position: number): void {
  const { words } = region();
  words[port + layout.J_OPENING_POSITION] = position;
  words[port + layout.J_LAUNCHING] = request;
}

/** The request is with the engine, parked or over. */
export function opened(port: number): void {
  region().words[port + layout.J_OPENING] = 0;
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
  words[port + layout.J_FINISHING_TAIL] = tail;
  words[port + layout.J_STATUS] = status;
  words[port + layout.J_BYTES] = bytes;
  words[port + layout.J_ERRNO] = errno;
  words[port + layout.J_FINISHING] = request;
}

/** Nothing but its place is left of the request. */
export function finished(port: number, request: number): void {
  const { words } = region();
  if (words[port + layout.J_OPENING] === request) words[port + layout.J_OPENING] = 0;
  words[port + layout.J_FINISHING] = 0;
}

/** A request that is whole is handed to the engine again, or for the first time in its turn. */
export function goingOn(port: number, request: number, position: number): void {
  const { words } = region();
  if (words[port + layout.J_OPENING] === request) launching(port, request, position);
  words[port + layout.J_GOING_ON_POSITION] = position;
  words[port + layout.J_GOING_ON] = request;
}

/** The engine has it. */
export function goneOn(port: number): void {
  region().words[port + layout.J_GOING_ON] = 0;
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
  words[port + layout.J_LIFE] = life;
  words[port + layout.J_RESULT] = result;
  words[port + layout.J_DONE] = words[request + layout.R_DONE];
  words[port + layout.J_POSITION] = position;
  words[port + layout.J_REAPING] = request;
}

/** What the result comes to has been seen to. */
export function reaped(port: number): void {
  region().words[port + layout.J_REAPING] = 0;
}
