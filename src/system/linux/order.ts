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
import { rulesOf } from "./rules.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  H_KIND,
  H_NEWEST,
  KIND_FILE,
  REQUEST_PARKED,
  REQUEST_WAITING,
  R_HANDLE,
  R_KIND,
  R_NEWER,
  R_OLDER,
  R_STATE,
} = layout;

/** Hands a request that was just opened to the engine, or lets it wait for its turn. */
export function startInOrder(port: Port, request: number): void {
  // Without io_uring the engine keeps the order itself, of what it has: it is told of readiness, not
  // of results.
  if (port.isRing() ? isBehind(request) : isBehindCarried(request)) {
    region().words[request + R_STATE] = REQUEST_WAITING;
  } else {
    port.engine().start(request);
  }
}

/**
 * What the handle must be ready for before the request can be carried out; 0:
 * nothing, as a file always is, whose operations keep no order.
 */
export function eventsOf(request: number): number {
  const { words } = region();
  const kind = words[words[request + R_HANDLE] + H_KIND];
  return kind === KIND_FILE ? 0 : rulesOf(words[request + R_KIND]).events;
}

/** A file's operations keep no order. */
function isOfFile(request: number): boolean {
  const { words } = region();
  return words[words[request + R_HANDLE] + H_KIND] === KIND_FILE;
}

/** The direction it keeps the order of: the events it waits for; 0 if it keeps none. */
function directionOf(request: number): number {
  const rules = rulesOf(region().words[request + R_KIND]);
  return rules.isUnordered === true || rules.descriptor !== undefined ? 0 : eventsOf(request);
}

/** Whether an older operation of the same direction is under way or waits. */
export function isBehind(request: number): boolean {
  const { words } = region();
  let at = words[request + R_OLDER];
  if (at === 0 || isOfFile(request)) return false;
  const direction = directionOf(request);
  if (direction === 0) return false;
  for (; at !== 0; at = words[at + R_OLDER]) {
    const isParked = words[at + R_STATE] === REQUEST_PARKED;
    if (!isParked && directionOf(at) === direction) return true;
  }
  return false;
}

/** Whether an older operation of the same direction is of those that threads carry out themselves, or waits for one. */
function isBehindCarried(request: number): boolean {
  const { words } = region();
  let at = words[request + R_OLDER];
  if (at === 0) return false;
  const direction = directionOf(request);
  if (direction === 0) return false;
  for (; at !== 0; at = words[at + R_OLDER]) {
    const { isCarried } = rulesOf(words[at + R_KIND]);
    const isWaiting = words[at + R_STATE] === REQUEST_WAITING;
    if ((isCarried || isWaiting) && directionOf(at) === direction) return true;
  }
  return false;
}

/** Those of the handle's requests that still wait although it is their turn: who should have let them go has ended. */
export function nextOf(handle: number): number[] {
  const { words } = region();
  const next = new Map<number, number>();
  for (let at = words[handle + H_NEWEST]; at !== 0; at = words[at + R_OLDER]) {
    const state = words[at + R_STATE];
    const events = directionOf(at);
    if (events === 0 || state === REQUEST_PARKED) continue;
    next.set(events, state === REQUEST_WAITING && next.get(events) !== 0 ? at : 0);
  }
  return [...next.values()].filter((request) => request !== 0);
}

/** The oldest that waits behind this one, or 0. It may go if it is behind no other. */
export function followerOf(request: number): number {
  const { words } = region();
  let at = words[request + R_NEWER];
  if (at === 0 || isOfFile(request)) return 0;
  const direction = directionOf(request);
  if (direction === 0) return 0;
  for (; at !== 0; at = words[at + R_NEWER]) {
    const isWaiting = words[at + R_STATE] === REQUEST_WAITING;
    if (isWaiting && directionOf(at) === direction) return at;
  }
  return 0;
}
