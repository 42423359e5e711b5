/**
 * What the threads of the tool share.
 *
 * A lane is the way of one task: a row of slots, each of which has a read in flight or
 * its bytes. Reads of all lanes complete on the pool's port; whichever thread takes the
 * packet writes into the slot's word what has come, and wakes the one that hashes.
 *
 * @module
 */

/** Reads in flight in a lane, over all its files. */
export const SLOTS = 32;

/** Bytes of one read. */
export const BLOCK_BYTES = 256 * 1024;

/**
 * Bytes in flight in a lane. Enough to be ahead of the hashing, and no more than
 * a processor's cache holds: what was read is hashed while it is there.
 */
export const AHEAD_BYTES = 4 * BLOCK_BYTES;

/** What each thread is handed. */
export interface Shared {
  /** A word for each slot of each lane: 0 while its read is in flight; else see `outcomeOf`. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Bytes hashed in each lane. */
  readonly hashed: Float64Array<SharedArrayBuffer>;
}

/** The memory of so many lanes. */
export function makeShared(lanes: number): Shared {
  return {
    words: new Int32Array(new SharedArrayBuffer(lanes * SLOTS * 4)),
    hashed: new Float64Array(new SharedArrayBuffer(lanes * 8)),
  };
}

/** What a task is told to hash, and in which lane. */
export interface Work {
  readonly lane: number;
  readonly paths: readonly string[];
}

/** The word of a slot whose read has brought `bytes` bytes. */
export function wordOfBytes(bytes: number): number {
  return bytes + 1;
}

/** The word of a slot whose read has failed with this code. */
export function wordOfFailure(code: number): number {
  return -code;
}

/** The bytes that a word tells of; negative: the code of a failure. */
export function outcomeOf(word: number): number {
  return word > 0 ? word - 1 : word;
}

/** How a task says that a file could not be read: a digest begins otherwise. */
export const FAILURE = "!";
