/**
 * The table of handles: what a number means, in every thread of the process.
 *
 * A handle is its place in the table and the life of that place. A number that
 * is not an open handle, however made, is told from one by two comparisons; a
 * closed handle's number does not come again before its place has been used
 * 2^31 times.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { region } from "./region.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { HANDLES, HANDLE_WORDS, H_FD, H_FLAGS, H_GENERATION, H_KIND, H_LIVES, H_OWN, MAX_HANDLES } =
  layout;

/** Handles are multiples of 4, as on Windows; this is the weight of a place's life. */
const LIFE = MAX_HANDLES * 4;

/** The last place stays unused, so that a place plus one fits in its bits. */
const LAST_PLACE = MAX_HANDLES - 1;

/** The first word of the handle's place; -1 if it is not open. Any number may be asked for. */
export function findHandle(handle: number): number {
  const place = (handle >>> 2 & MAX_HANDLES - 1) - 1;
  if (place < 0) return -1;
  const at = HANDLES + place * HANDLE_WORDS;
  // A plain read: who needs to be sure asks again under the port's lock. V8 calls
  // out for every Atomics function, 10 ns each, and this is on the way of every post.
  const life = region().words[at + H_GENERATION];
  return life !== 0 && handleOf(place, life) === handle ? at : -1;
}

/**
 * Makes a handle. Returns 0 if the table is full. `own`: which of the handle's own words begins
 * with `value`; nobody sees it without.
 */
export function openHandle(
  kind: number,
  fd: number,
  flags: number,
  own: number = H_OWN,
  value: number = 0,
): number {
  const { words, handles } = region();
  const place = handles.acquire();
  if (place < 0) return 0;
  if (place === LAST_PLACE) return 0;
  const at = HANDLES + place * HANDLE_WORDS;
  const life = words[at + H_LIVES] % 0x7fffffff + 1;
  words.fill(0, at, at + HANDLE_WORDS);
  words[at + H_LIVES] = life;
  words[at + H_KIND] = kind;
  words[at + H_FD] = fd;
  words[at + H_FLAGS] = flags;
  words[at + own] = value;
  Atomics.store(words, at + H_GENERATION, life);
  return handleOf(place, life);
}

/** Closes the handle for all threads; false if another one was faster. */
export function retireHandle(at: number, handle: number): boolean {
  const { words } = region();
  const life = lifeOf(handle);
  return Atomics.compareExchange(words, at + H_GENERATION, life, 0) === life;
}

/** Which life of its place a handle's number means. */
export function lifeOf(handle: number): number {
  return Math.floor(handle / LIFE);
}

/** Gives the place of a retired handle back, once nothing refers to it. */
export function freeHandle(at: number): void {
  region().handles.release((at - HANDLES) / HANDLE_WORDS);
}

function handleOf(place: number, life: number): number {
  return life * LIFE + (place + 1) * 4;
}
