/**
 * From a port's handle to the port. A thread mostly asks for the same one again.
 *
 * @module
 */

import { MUST_POST } from "./fifo.ts";
import { findHandle, lifeOf } from "./handles.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { IS_GONE } from "./tail.ts";
import { self } from "./threads.ts";

/** The handle this thread last asked for, and what it was. */
let lastHandle = NaN;
let lastAt = 0;
let lastLife = 0;
let lastPort: Port | undefined;

/** The port of `handle`, locked; null if it is not an open port. */
export function lockPort(handle: number): Port | null {
  if (handle !== lastHandle && !findPort(handle)) return null;
  const port = lastPort!;
  port.lock(self());
  // Only under the lock is it sure that the handle stays open.
  if (region().words[lastAt + layout.H_GENERATION] === lastLife) return port;
  port.unlock();
  lastHandle = NaN;
  return null;
}

/**
 * Posts a packet to the port of `handle` without its lock; answers as `Fifo.endPost`, and
 * `MUST_POST` also if it is not an open port.
 */
export function postTo(
  handle: number,
  keyLow: number,
  keyHigh: number,
  overlappedLow: number,
  overlappedHigh: number,
  bytes: number,
): number {
  if (handle !== lastHandle && !findPort(handle)) return MUST_POST;
  const { queue } = lastPort!;
  const tail = queue.beginPost(self());
  if (tail === IS_GONE) return MUST_POST;
  return queue.endPost(
    tail,
    lastAt + layout.H_GENERATION,
    lastLife,
    keyLow,
    keyHigh,
    overlappedLow,
    overlappedHigh,
    bytes,
  );
}

function findPort(handle: number): boolean {
  const { words } = region();
  const at = findHandle(handle);
  if (at < 0 || words[at + layout.H_KIND] !== layout.KIND_PORT) return false;
  const place = words[at + layout.H_FD] - 1;
  const life = lifeOf(handle);
  // Closed since, it would be remembered as open, or what came after it as this one.
  if (Atomics.load(words, at + layout.H_GENERATION) !== life) return false;
  lastHandle = handle;
  lastAt = at;
  lastLife = life;
  lastPort = portAt(place);
  return true;
}

/** Whether `handle` is the port that `lockPort` was last asked for, and its place that one. */
export function isLast(handle: number, place: number): boolean {
  return handle === lastHandle && lastPort!.queue.place === place;
}
