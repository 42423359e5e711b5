/**
 * Operations in flight: what the engine keeps of each one between its start and
 * its packet, in the shared table, so that any thread can complete, cancel or
 * submit it again.
 *
 * All functions are called with the lock of the handle's port held.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import { STATUS_PENDING } from "../codes.ts";
import { errorOfErrno, statusOfError } from "../status.ts";
import { ECANCELED, EINTR, ENOSPC } from "./errno.ts";
import { freeHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { leaveDescriptor } from "./transfer.ts";
import { followerOf, goOn, startInOrder } from "./order.ts";
import { region } from "./region.ts";
import { NO_REQUEST, READ } from "./engine.ts";

const STATUS_END_OF_FILE = 0xC0000011;
const STATUS_PIPE_BROKEN = 0xC000014B;

/** pwritev2(2): what an offset of all ones means to WriteFile, at the end of the file. */
const RWF_APPEND = 0x10;

/** Reserves the place of an operation; -1 if all are in flight. */
export function acquireRequest(): number {
  const place = region().requests.acquire();
  return place < 0 ? -1 : layout.REQUESTS + place * layout.REQUEST_WORDS;
}

/** Gives a place of `acquireRequest` back. */
export function releaseRequest(request: number): void {
  region().requests.release(layout.requestPlace(request));
}

/**
 * Starts an operation on the handle at `handle`: `request` is in flight from here
 * on and one packet will come. The OVERLAPPED and the `length` bytes at `address`
 * belong to the engine until that packet is taken.
 */
export function startRequest(
  port: Port,
  handle: number,
  request: number,
  opcode: number,
  address: number,
  length: number,
  overlapped: number,
): void {
  const { words } = region();
  const at = wordIndex(overlapped);
  const status = wordsAround(overlapped);
  status[at] = STATUS_PENDING;
  const isStream = words[handle + layout.H_KIND] === layout.KIND_STREAM;
  let low = status[at + 4] | 0;
  let high = status[at + 5] | 0;
  let flags = 0;
  if (isStream) low = high = -1;
  else if (low === -1 && high === -1) flags = RWF_APPEND;
  words[request + layout.R_GENERATION] = words[request + layout.R_GENERATION] + 1 | 0;
  words[request + layout.R_STATE] = layout.REQUEST_STARTED;
  words[request + layout.R_HANDLE] = handle;
  setAddress(words, request + layout.R_OVERLAPPED, overlapped);
  words[request + layout.R_OPCODE] = opcode;
  setAddress(words, request + layout.R_ADDRESS, address);
  words[request + layout.R_LENGTH] = length | 0;
  words[request + layout.R_OFFSET] = low;
  words[request + layout.R_OFFSET + 1] = high;
  words[request + layout.R_FLAGS] = flags;
  words[request + layout.R_DONE] = 0;
  link(words, handle, request);
  words[port.at + layout.P_IN_FLIGHT]++;
  port.addReference();
  startInOrder(port, request);
}

/**
 * A completion of the engine: the packet is queued, or the request is started
 * again because it was not done with.
 */
export function completeRequest(port: Port, low: number, high: number, result: number): void {
  if (low === NO_REQUEST) return;
  const { words } = region();
  const request = layout.REQUESTS + (low - 1) * layout.REQUEST_WORDS;
  if (words[request + layout.R_GENERATION] !== high) return;
  if (mustSubmitAgain(words, request, result)) {
    port.engine().start(request);
    port.submitLater();
    return;
  }
  const follower = followerOf(request);
  endRequest(port, request, result);
  if (follower !== 0) goOn(port, follower);
}

/** The operation is over, and its packet is queued. */
function endRequest(port: Port, request: number, result: number): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  const done = words[request + layout.R_DONE] >>> 0;
  const bytes = done + Math.max(result, 0);
  const isRead = words[request + layout.R_OPCODE] === READ;
  let status = 0;
  let errno = 0;
  if (result < 0 && !(isRead && done > 0)) {
    errno = -result;
    status = statusOfError(errorOfErrno(errno));
  } else if (bytes === 0 && words[request + layout.R_LENGTH] !== 0) {
    // Nothing read is the end (69). Nothing written is what no file system should answer.
    if (!isRead) errno = ENOSPC;
    status = isRead ? endOf(words, handle) : statusOfError(errorOfErrno(ENOSPC));
  }
  unlink(words, handle, request);
  words[port.at + layout.P_IN_FLIGHT]--;
  port.deliver(handle, request, status, bytes, errno);
  words[request + layout.R_STATE] = 0;
  releaseRequest(request);
  if (words[handle + layout.H_IN_FLIGHT] === 0 && words[handle + layout.H_FD] < 0) {
    freeHandle(handle);
  }
  port.dropReferenceLater();
}

/**
 * A file's transfer that came short goes on, so that a count below the length
 * means the end of the file and nothing else. And an operation that nobody asked
 * to cancel is "cancelled" when the thread that submitted it ends: it goes on too.
 */
function mustSubmitAgain(
  words: Int32Array<ArrayBuffer>,
  request: number,
  result: number,
): boolean {
  if (result === -EINTR || result === -ECANCELED) {
    return words[request + layout.R_STATE] === layout.REQUEST_STARTED;
  }
  if (result <= 0) return false;
  const handle = words[request + layout.R_HANDLE];
  if (words[handle + layout.H_KIND] !== layout.KIND_FILE) return false;
  const done = (words[request + layout.R_DONE] >>> 0) + result;
  if (done >= words[request + layout.R_LENGTH] >>> 0) return false;
  if (words[request + layout.R_STATE] !== layout.REQUEST_STARTED) return false;
  words[request + layout.R_DONE] = done | 0;
  return true;
}

/**
 * The handle is closed: its place is given back once nothing is in flight on it.
 * True if the caller must close the descriptor.
 */
export function closeRequests(port: Port, handle: number): boolean {
  cancelRequests(port, handle, 0);
  const mustClose = leaveDescriptor(handle);
  if (region().words[handle + layout.H_IN_FLIGHT] === 0) freeHandle(handle);
  return mustClose;
}

/** Asks that the handle's operation of `overlapped`, or with 0 all of them, end. True if any. */
export function cancelRequests(port: Port, handle: number, overlapped: number): boolean {
  const { words } = region();
  let any = false;
  for (let next = words[handle + layout.H_NEWEST]; next !== 0;) {
    const request = next;
    next = words[request + layout.R_OLDER];
    if (overlapped !== 0 && getAddress(words, request + layout.R_OVERLAPPED) !== overlapped) {
      continue;
    }
    any = true;
    if (words[request + layout.R_STATE] === layout.REQUEST_WAITING) {
      endRequest(port, request, -ECANCELED);
      port.queue.release();
      continue;
    }
    if (words[request + layout.R_STATE] !== layout.REQUEST_STARTED) continue;
    words[request + layout.R_STATE] = layout.REQUEST_CANCELLED;
    port.engine().cancel(request);
    port.submitLater();
  }
  return any;
}

function endOf(words: Int32Array<ArrayBuffer>, handle: number): number {
  return words[handle + layout.H_KIND] === layout.KIND_FILE
    ? STATUS_END_OF_FILE
    : STATUS_PIPE_BROKEN;
}

function link(words: Int32Array<ArrayBuffer>, handle: number, request: number): void {
  const older = words[handle + layout.H_NEWEST];
  words[request + layout.R_NEWER] = 0;
  words[request + layout.R_OLDER] = older;
  if (older !== 0) words[older + layout.R_NEWER] = request;
  words[handle + layout.H_NEWEST] = request;
  words[handle + layout.H_IN_FLIGHT]++;
}

function unlink(words: Int32Array<ArrayBuffer>, handle: number, request: number): void {
  const newer = words[request + layout.R_NEWER];
  const older = words[request + layout.R_OLDER];
  if (newer !== 0) words[newer + layout.R_OLDER] = older;
  else words[handle + layout.H_NEWEST] = older;
  if (older !== 0) words[older + layout.R_NEWER] = newer;
  words[handle + layout.H_IN_FLIGHT]--;
}

function getAddress(words: Int32Array<ArrayBuffer>, at: number): number {
  return (words[at] >>> 0) + (words[at + 1] >>> 0) * 0x100000000;
}

function setAddress(words: Int32Array<ArrayBuffer>, at: number, address: number): void {
  words[at] = address | 0;
  words[at + 1] = address / 0x100000000 | 0;
}
