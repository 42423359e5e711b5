/**
 * How an operation is started on a handle, whatever it is.
 *
 * @module
 */

import * as code from "../codes.ts";
import { findHandle } from "./handles.ts";
import { launching, opened } from "./journal.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { acquireRequest, NO_PLACE, recallIdle } from "./request-places.ts";
import { openRequest } from "./requests.ts";
import { startInOrder } from "./order.ts";
import { started } from "./submission.ts";
import { self } from "./threads.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { H_FLAGS, H_KIND, H_PORT, KIND_PORT, R_ADDRESS, R_DONE } = layout;

/** What `H_FLAGS` keeps of how a handle was opened, beside `FILE_FLAG_…`. */
export const READABLE = 1;
export const WRITABLE = 2;

/**
 * Makes a request of `kind` on `handle` and lets `prepare` fill it and say what
 * happens to it: `launch`, `park`, or an end. `prepare` runs under the port's lock,
 * after which one packet will come. Returns ERROR_IO_PENDING, or why nothing was
 * started. `handleKind` is the `KIND_` the handle must be of, 0 for any but a port's;
 * `right` one of `READABLE`, `WRITABLE` that it must have one of, or 0.
 */
export function startOn(
  handle: number,
  handleKind: number,
  right: number,
  kind: number,
  overlapped: number,
  prepare: (port: Port, request: number, at: number) => void,
): number {
  const { words } = region();
  const at = findHandle(handle);
  if (at < 0) return code.ERROR_INVALID_HANDLE;
  const refusal = refusalOf(at, handleKind, right, overlapped);
  if (refusal !== 0) return refusalFor(handle, at, refusal);
  const place = words[at + H_PORT];
  if (place === 0) return code.ERROR_INVALID_HANDLE;
  const port = portAt(place - 1);
  const request = beginStart(port, handle, at);
  if (request < 0) return -request;
  openRequest(port, at, request, kind, overlapped);
  words.fill(0, request + R_ADDRESS, request + R_DONE);
  prepare(port, request, at);
  opened(port.at);
  // What has ended at once has its packet in the queue.
  port.queue.release();
  port.unlock();
  return code.ERROR_IO_PENDING;
}

/**
 * Takes the lock of the port of the open handle at `at` and reserves the place of a
 * request, which is returned. Or a negative Win32 code, with the lock given back:
 * nothing is started.
 */
export function beginStart(port: Port, handle: number, at: number): number {
  let request = tryStart(port, handle, at);
  if (request === NO_PLACE) {
    recallIdle();
    request = tryStart(port, handle, at);
  }
  return request === NO_PLACE ? -code.ERROR_NO_SYSTEM_RESOURCES : request;
}

function tryStart(port: Port, handle: number, at: number): number {
  port.lock(self());
  let request = -code.ERROR_INVALID_HANDLE;
  // Closed meanwhile, it may be another one's place already.
  if (findHandle(handle) === at) {
    request = port.hasRoom() ? acquireRequest(port) : -code.ERROR_NO_SYSTEM_RESOURCES;
  }
  if (request < 0) port.unlock();
  return request;
}

function refusalOf(at: number, handleKind: number, right: number, overlapped: number): number {
  const { words } = region();
  const kind = words[at + H_KIND];
  if (kind === KIND_PORT) return code.ERROR_INVALID_HANDLE;
  if (handleKind !== 0 && kind !== handleKind) return code.ERROR_INVALID_FUNCTION;
  if (right !== 0 && (words[at + H_FLAGS] & right) === 0) return code.ERROR_ACCESS_DENIED;
  if (words[at + H_PORT] === 0 || overlapped === 0) return code.ERROR_INVALID_PARAMETER;
  return 0;
}

/**
 * Why nothing is started on the handle at `at`: `reason`, if that was read of this handle.
 * Closed meanwhile, its place may be another one's already, and the words with it.
 */
export function refusalFor(handle: number, at: number, reason: number): number {
  return findHandle(handle) === at ? reason : code.ERROR_INVALID_HANDLE;
}

/** Hands a request that has just been prepared to the engine. */
export function launch(port: Port, request: number): void {
  launching(port.at, request, port.engine().position());
  startInOrder(port, request);
  opened(port.at);
  started(port);
}
