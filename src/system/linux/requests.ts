/**
 * Operations in flight: what the engine keeps of each one between its start and
 * its packet, in the shared table, so that any thread can complete, cancel or
 * submit it again. What differs from kind to kind is in `rules.ts`.
 *
 * All functions are called with the lock of the handle's port held.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import { STATUS_PENDING } from "../codes.ts";
import { errorOfErrno, statusOfError } from "../status.ts";
import { EAGAIN, ECANCELED, EINTR } from "./errno.ts";
import { freeHandle } from "./handles.ts";
import * as journal from "./journal.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { leaveDescriptor } from "./descriptors.ts";
import { region } from "./region.ts";
import { releaseRequest } from "./request-places.ts";
import { NO_REQUEST } from "./engine.ts";
import { followerOf, isBehind } from "./order.ts";
import { handleRulesOf, POLL, rulesOf } from "./rules.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  H_FD,
  H_IN_FLIGHT,
  H_KIND,
  H_NEWEST,
  P_IN_FLIGHT,
  REQUEST_CANCELLED,
  REQUEST_CARRIED,
  REQUEST_ENDED,
  REQUEST_PARKED,
  REQUEST_STARTED,
  R_DONE,
  R_GENERATION,
  R_HANDLE,
  R_KIND,
  R_NEWER,
  R_OLDER,
  R_OPCODE,
  R_OVERLAPPED,
  R_STATE,
} = layout;

/**
 * An operation begins on the handle at `handle`: `request` is in flight from here
 * on and one packet will come. The OVERLAPPED and the memory it works on belong to
 * the engine until that packet is taken. The caller fills in `R_ADDRESS` to
 * `R_FLAGS`, which hold what an earlier request has left there, and hands the
 * request to the engine, parks it, or ends it.
 */
export function openRequest(
  port: Port,
  handle: number,
  request: number,
  kind: number,
  overlapped: number,
): void {
  const { words } = region();
  const fields = wordsAround(overlapped);
  const status = wordIndex(overlapped);
  journal.opening(port.at, request);
  words[request + R_GENERATION] = words[request + R_GENERATION] + 1 | 0;
  words[request + R_HANDLE] = handle;
  writeAddress(words, request + R_OVERLAPPED, overlapped);
  words[request + R_OPCODE] = rulesOf(kind).opcode;
  words[request + R_DONE] = 0;
  words[request + R_KIND] = kind;
  link(words, handle, request);
  words[port.at + P_IN_FLIGHT]++;
  port.keepForOperations();
  // Last: whoever finds it so finds it whole, and gives it its packet; and only then it is pending.
  fields[status] = STATUS_PENDING;
  words[request + R_STATE] = REQUEST_STARTED;
}

/** A completion of the engine: the request's rules say what comes of it. */
export function completeRequest(port: Port, request: number, life: number, result: number): void {
  if (request === NO_REQUEST) return;
  const { words } = region();
  if (words[request + R_GENERATION] !== life) return;
  const state = words[request + R_STATE];
  if (result === -EINTR || result === -ECANCELED) {
    // What nobody asked to cancel is "cancelled" when the thread that submitted it ends.
    if (state === REQUEST_STARTED) return goOn(port, request);
    // A thread of the kernel's own that waits in a call is disturbed by the cancelling.
    result = -ECANCELED;
  }
  const rules = rulesOf(words[request + R_KIND]);
  if (words[request + R_OPCODE] === POLL && result >= 0 && port.isRing()) {
    result = rules.perform(request);
    if (result === -EAGAIN && state === REQUEST_STARTED) return goOn(port, request);
    if (result === -EAGAIN) result = -ECANCELED;
  }
  rules.complete(port, request, result);
}

/** Hands the request to the engine again, as its words say now. Not if it `mustEnd`. */
export function goOn(port: Port, request: number): void {
  const engine = port.engine();
  journal.goingOn(port.at, request, engine.position());
  region().words[request + R_STATE] = REQUEST_STARTED;
  engine.start(request);
  journal.goneOn(port.at);
  port.submitLater();
}

/** Whether the request was asked to end, or its handle is closed: it must not go on. */
export function mustEnd(request: number): boolean {
  const { words } = region();
  return words[request + R_STATE] === REQUEST_CANCELLED ||
    words[words[request + R_HANDLE] + H_FD] < 0;
}

/**
 * No engine has the request: it waits for something that its rules know, and that
 * calls `unpark`. The engine must be done with it.
 */
export function park(request: number): void {
  region().words[request + R_STATE] = REQUEST_PARKED;
}

/** The request is no longer parked: it goes on or ends now. */
export function unpark(request: number): void {
  region().words[request + R_STATE] = REQUEST_STARTED;
}

/** The request has failed with this errno, after `bytes` bytes. */
export function failRequest(port: Port, request: number, errno: number, bytes: number = 0): void {
  finishRequest(port, request, statusOfError(errorOfErrno(errno)), bytes, errno);
}

/**
 * The operation is over: its packet is queued, and everything it kept is given
 * back. `errno` is the reason of a failure, or 0.
 */
export function finishRequest(
  port: Port,
  request: number,
  status: number,
  bytes: number,
  errno: number,
): void {
  const { words } = region();
  const handle = words[request + R_HANDLE];
  const follower = followerOf(request);
  // Nobody else moves it until the packet is in: so it tells whether that is so.
  const tail = port.queue.closeTail();
  journal.finishing(port.at, request, tail, status, bytes, errno);
  port.deliver(handle, request, status, bytes, errno);
  words[request + R_STATE] = 0;
  unlink(words, handle, request);
  words[port.at + P_IN_FLIGHT]--;
  endFinished(port, request, handle);
  if (follower !== 0 && !isBehind(follower)) follow(port, follower);
}

/** It is the turn of a request that waited for it. */
export function follow(port: Port, request: number): void {
  const rules = rulesOf(region().words[request + R_KIND]);
  if (rules.follow === undefined) goOn(port, request);
  else rules.follow(port, request);
}

/** What a request that is over has kept is given back. */
export function endFinished(port: Port, request: number, handle: number): void {
  const { words } = region();
  // A completion that still comes, of a timer for instance, is nobody's.
  words[request + R_GENERATION] = words[request + R_GENERATION] + 1 | 0;
  journal.finished(port.at, request);
  releaseRequest(port, request);
  if (words[handle + H_IN_FLIGHT] === 0 && words[handle + H_FD] < 0) {
    freeHandle(handle);
  }
}

/**
 * The handle is closed: its place is given back once nothing is in flight on it.
 * True if the caller must close the descriptor.
 */
export function closeRequests(port: Port, handle: number): boolean {
  const { words } = region();
  cancelRequests(port, handle, 0);
  const isKept = handleRulesOf(words[handle + H_KIND])?.closing?.(handle, port) === true;
  const mustClose = leaveDescriptor(handle) && !isKept;
  if (words[handle + H_IN_FLIGHT] === 0) freeHandle(handle);
  return mustClose;
}

/** Asks that the handle's operation of `overlapped`, or with 0 all of them, end. True if any. */
export function cancelRequests(port: Port, handle: number, overlapped: number): boolean {
  const { words } = region();
  let any = false;
  for (let next = words[handle + H_NEWEST]; next !== 0;) {
    const request = next;
    next = words[request + R_OLDER];
    if (overlapped !== 0 && readAddress(words, request + R_OVERLAPPED) !== overlapped) {
      continue;
    }
    any = true;
    cancelRequest(port, request);
  }
  if (any) port.queue.release();
  return any;
}

/** Asks that the request, which is in flight, end; `port.queue.release` after it. */
export function cancelRequest(port: Port, request: number): void {
  const { words } = region();
  const state = words[request + R_STATE];
  // It is cancelled already, or has ended and will be told.
  if (state === REQUEST_CANCELLED || state === REQUEST_ENDED) return;
  words[request + R_STATE] = REQUEST_CANCELLED;
  // The thread that carries it out looks whether it must end.
  if (state === REQUEST_CARRIED) return;
  if (state === REQUEST_STARTED) {
    port.engine().cancel(request);
    port.submitLater();
  } else {
    const rules = rulesOf(words[request + R_KIND]);
    if (state === REQUEST_PARKED) rules.cancel!(port, request);
    else rules.complete(port, request, -ECANCELED);
  }
}

function link(words: Int32Array<ArrayBuffer>, handle: number, request: number): void {
  const older = words[handle + H_NEWEST];
  words[request + R_NEWER] = 0;
  words[request + R_OLDER] = older;
  if (older !== 0) words[older + R_NEWER] = request;
  words[handle + H_NEWEST] = request;
  words[handle + H_IN_FLIGHT]++;
}

/** The request is none of its handle's any more. */
export function unlink(words: Int32Array<ArrayBuffer>, handle: number, request: number): void {
  const newer = words[request + R_NEWER];
  const older = words[request + R_OLDER];
  if (newer !== 0) words[newer + R_OLDER] = older;
  else words[handle + H_NEWEST] = older;
  if (older !== 0) words[older + R_NEWER] = newer;
  words[handle + H_IN_FLIGHT]--;
}

/** An address, or another number below 2^53, from two words. */
export function readAddress(words: Int32Array<ArrayBuffer>, at: number): number {
  return (words[at] >>> 0) + (words[at + 1] >>> 0) * 0x100000000;
}

/** Puts an address, or another number below 2^53, into two words. */
export function writeAddress(words: Int32Array<ArrayBuffer>, at: number, address: number): void {
  words[at] = address | 0;
  words[at + 1] = address / 0x100000000 | 0;
}
