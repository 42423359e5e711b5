/**
 * The order of a stream's operations on a ring: each direction is filled in the
 * order of the starts (44). io_uring promises none between requests that wait for
 * the same pipe, and the kernel goes on with the newest first. So a ring is given
 * the oldest read and the oldest write of a stream only; the others wait here, and
 * each that ends lets the next one go.
 *
 * All functions are called with the lock of the handle's port held.
 *
 * @module
 */

import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";

/** Hands a request that was just entered among its handle's to the engine, or lets it wait. */
export function startInOrder(port: Port, request: number): void {
  const { words } = region();
  const isStream = words[words[request + layout.R_HANDLE] + layout.H_KIND] === layout.KIND_STREAM;
  const isRing = words[port.at + layout.P_ENGINE] === layout.ENGINE_RING;
  // Without io_uring the engine keeps the order itself: it is told of readiness, not of results.
  if (isStream && isRing && isBehind(words, request)) {
    words[request + layout.R_STATE] = layout.REQUEST_WAITING;
  } else {
    port.engine().start(request);
  }
}

/** Whether an older operation of the same direction is under way or waits. */
function isBehind(words: Int32Array<ArrayBuffer>, request: number): boolean {
  const opcode = words[request + layout.R_OPCODE];
  for (let at = words[request + layout.R_OLDER]; at !== 0; at = words[at + layout.R_OLDER]) {
    if (words[at + layout.R_OPCODE] === opcode) return true;
  }
  return false;
}

/** The request that waits for this one to end, or 0. */
export function followerOf(request: number): number {
  const { words } = region();
  const opcode = words[request + layout.R_OPCODE];
  let at = words[request + layout.R_NEWER];
  while (at !== 0 && words[at + layout.R_OPCODE] !== opcode) at = words[at + layout.R_NEWER];
  return at !== 0 && words[at + layout.R_STATE] === layout.REQUEST_WAITING ? at : 0;
}

/** The one before it has ended: it is the engine's now. */
export function goOn(port: Port, request: number): void {
  region().words[request + layout.R_STATE] = layout.REQUEST_STARTED;
  port.engine().start(request);
  port.submitLater();
}
