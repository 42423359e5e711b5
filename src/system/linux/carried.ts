/**
 * Requests that a thread carries out itself, by system calls that do not wait for other
 * programs but take their time: without the port's lock, so that nobody waits for it
 * meanwhile. The handle's descriptor stays open for them. Should the thread end, the one
 * that buries it goes on where it was.
 *
 * The first two words of the annex that are the kind's own are used here; its rules say
 * `isCarried`, and call `adoptCarried` where a thread is `orphaned`.
 *
 * @module
 */

import { closeDescriptor, openDescriptor } from "./descriptors.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { self } from "./threads.ts";

/** The place plus one of the thread; negative once the descriptor is not needed any more. */
const CARRIER = layout.X_OWN;
/** In which life of the request. */
const CARRIER_LIFE: number = layout.X_OWN + 1;
/** What the kind has of the annex for itself begins here. */
export const X_CARRIED: number = layout.X_OWN + 2;

/** Carries a request out as far as it goes, without the lock; must call `endCarrying`. */
export type Carrying = (port: Port, request: number) => void;

/**
 * The calling thread does `work` for the request as soon as it has given the lock back. Until then
 * and meanwhile no engine has the request. Under the lock.
 */
export function carry(port: Port, request: number, work: Carrying): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  // It may be taken over from a thread that has ended.
  if (!isCarried(request) || words[annex + CARRIER] <= 0) {
    openDescriptor(words[request + layout.R_HANDLE]);
  }
  const life = words[request + layout.R_GENERATION];
  words[annex + CARRIER] = layout.placeOf(self()) + 1;
  words[annex + CARRIER_LIFE] = life;
  if (words[request + layout.R_STATE] !== layout.REQUEST_CANCELLED) {
    words[request + layout.R_STATE] = layout.REQUEST_CARRIED;
  }
  port.later(() => {
    // What was noted twice is done once.
    const isStill = words[annex + CARRIER] > 0 && words[request + layout.R_GENERATION] === life;
    if (isStill && isCarried(request)) work(port, request);
  });
}

/** Whether the request is, in this life of it, with a thread, or was and has been cancelled since. */
function isCarried(request: number): boolean {
  const { words } = region();
  const state = words[request + layout.R_STATE];
  return (state === layout.REQUEST_CARRIED || state === layout.REQUEST_CANCELLED) &&
    words[layout.annexOf(request) + CARRIER_LIFE] === words[request + layout.R_GENERATION];
}

/**
 * The thread is done with its calls, and takes the lock: the request must be ended, handed to
 * the engine or carried again by `then`.
 */
export function endCarrying(port: Port, request: number, then: () => void): void {
  const { words } = region();
  const carrier = layout.annexOf(request) + CARRIER;
  port.lock(self());
  // In this order a thread that ends in between leaves it open, and nobody closes it twice.
  words[carrier] = -words[carrier];
  closeDescriptor(words[request + layout.R_HANDLE]);
  then();
  port.queue.release();
  port.unlock();
}

/** The thread at `thread` has ended: if it was carrying the request, the calling thread goes on. */
export function adoptCarried(request: number, thread: number, work: Carrying): void {
  const { words } = region();
  const carrier = layout.annexOf(request) + CARRIER;
  const isIts = () => Math.abs(words[carrier]) === thread + 1 && isCarried(request);
  if (!isIts()) return;
  const port = portAt(words[words[request + layout.R_HANDLE] + layout.H_PORT] - 1);
  port.lock(self());
  if (isIts()) carry(port, request, work);
  port.unlock();
}
