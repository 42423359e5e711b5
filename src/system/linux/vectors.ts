/**
 * Several buffers of one operation, as `struct iovec` wants them: up to four in
 * the request's annex, more in a table of their own. Any thread can take from
 * their front what has been transferred.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { readAddress, writeAddress } from "./requests.ts";

/** An iovec: the address, then the length, 64 bits each. */
const IOVEC_WORDS = 4;
const LENGTH = 2;

/**
 * Room for `length` buffers, at most `MAX_VECTOR_LENGTH`. Returns false if there
 * is none left: ERROR_NO_SYSTEM_RESOURCES. Every end of the request must be
 * preceded by `closeVector`.
 */
export function openVector(request: number, length: number): boolean {
  const { words, vectors } = region();
  const annex = layout.annexOf(request);
  words[annex + layout.X_VECTOR] = 0;
  words[annex + layout.X_VECTOR_LENGTH] = length;
  if (length <= layout.SHORT_VECTOR_LENGTH) return true;
  const place = vectors.acquire();
  words[annex + layout.X_VECTOR] = place + 1;
  return place >= 0;
}

/** Gives the room back. */
export function closeVector(request: number): void {
  const { words, vectors } = region();
  const at = layout.annexOf(request) + layout.X_VECTOR;
  const place = words[at];
  // Forgotten first: should the thread end in between, nobody gives it back twice.
  words[at] = 0;
  if (place !== 0) vectors.release(place - 1);
}

/** The first word of the vector. */
function vectorOf(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const place = words[annex + layout.X_VECTOR];
  return place === 0
    ? annex + layout.X_SHORT_VECTOR
    : layout.VECTORS + (place - 1) * layout.VECTOR_WORDS;
}

/** The address of the vector, for the kernel. */
export function vectorAddress(request: number): number {
  return region().address + vectorOf(request) * 4;
}

/** How many buffers it has. */
export function vectorLength(request: number): number {
  return region().words[layout.annexOf(request) + layout.X_VECTOR_LENGTH];
}

/** Sets buffer `index` of the vector. */
export function setBuffer(
  request: number,
  index: number,
  address: number,
  byteLength: number,
): void {
  const { words } = region();
  const at = vectorOf(request) + index * IOVEC_WORDS;
  writeAddress(words, at, address);
  writeAddress(words, at + LENGTH, byteLength);
}

/** Takes the `bytes` that have been transferred from the front of the vector. */
export function advanceVector(request: number, bytes: number): void {
  const { words } = region();
  const end = vectorOf(request) + vectorLength(request) * IOVEC_WORDS;
  for (let at = vectorOf(request); bytes > 0 && at < end; at += IOVEC_WORDS) {
    const length = readAddress(words, at + LENGTH);
    const part = Math.min(length, bytes);
    writeAddress(words, at, readAddress(words, at) + part);
    writeAddress(words, at + LENGTH, length - part);
    bytes -= part;
  }
}
