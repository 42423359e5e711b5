/**
 * When started operations are handed to the kernel: at once, or together, while
 * the thread gathers.
 *
 * @module
 */

import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { self } from "./threads.ts";

let depth = 0;

/** The place of the port whose starts are kept back also when the depth is 0, plus one. */
let gathered = 0;

/**
 * Ports with entries kept back by this thread. It holds none of them: what is kept back does, until
 * another thread has handed it over and it is done.
 */
const kept: Port[] = [];

/** Until `submitGathered`, this thread's starts are kept back. May be nested. */
export function gather(): void {
  depth++;
}

/**
 * The same for starts on the port of this place, plus one; until the thread waits or this is called
 * with 0. Another thread may hand them over meanwhile. So where only the thread that starts an
 * operation can carry it out, nothing is kept back.
 */
export function gatherOn(place: number): void {
  gathered = place;
  if (place === 0) submitKept();
}

/**
 * An operation was put on the port's ring. Called under the port's lock; it is
 * handed over when the lock is given back, or kept.
 */
export function started(port: Port): void {
  const isGathered = port.queue.place + 1 === gathered && !port.engine().completesOnSubmit;
  if (depth === 0 && !isGathered) {
    port.submitLater();
  } else if (!kept.includes(port)) {
    kept.push(port);
    region().words[self() + layout.T_UNFINISHED] |= layout.UNFINISHED_BATCH;
  }
}

/** Ends a `gather`; the outermost one hands over what was kept. */
export function submitGathered(): void {
  if (depth > 0 && --depth > 0) return;
  submitKept();
}

/** Hands over what this thread has kept; also before it waits, perhaps for just that. */
export function submitKept(): void {
  if (kept.length === 0) return;
  for (const port of kept) port.submitIfAlive(self());
  kept.length = 0;
  region().words[self() + layout.T_UNFINISHED] &= ~layout.UNFINISHED_BATCH;
}
