/**
 * The array that taking packets fills: OVERLAPPED_ENTRY structures in native
 * memory, the same 32 bytes on both systems.
 *
 * @module
 */

import { view } from "../ffi/memory.ts";

/** 32-bit words of one OVERLAPPED_ENTRY. */
export const ENTRY_WORDS = 8;

// Offsets in 32-bit words; 64-bit fields have their low half first.
const KEY = 0;
const OVERLAPPED = 2;
const INTERNAL = 4;
const BYTES = 6;
const EXTRA = 7;

const HIGH = 0x100000000;

/**
 * Room for `capacity` packets. One thread uses it at a time: the thread that
 * passes it to `getQueuedCompletionStatusEx`.
 *
 * In a room of the thread's own (`openEntries`) one more row says how many of the
 * packets the program has got, so that a thread that is ended in between takes no
 * others with it.
 */
export class CompletionEntries {
  /** How many packets there is room for. */
  readonly capacity: number;
  /** Where the array lies; the maker keeps it mapped while this object is used. */
  readonly address: number;
  /** The array itself. */
  readonly words: Int32Array<ArrayBuffer>;
  /** How many packets the last call that answered 0 has put there. */
  removed = 0;
  /** The word behind all entries that says how many the program has got; see `give`. */
  readonly givenAt: number;

  /**
   * Entries in `capacity` × 32 bytes of native memory at `address`; if they are a
   * thread's own room, in one row more.
   */
  constructor(address: number, capacity: number, isRoom: boolean = false) {
    this.capacity = capacity;
    this.address = address;
    this.words = new Int32Array(view(address, (capacity + (isRoom ? 1 : 0)) * ENTRY_WORDS * 4));
    this.givenAt = isRoom ? capacity * ENTRY_WORDS : -1;
  }

  /** The program has got, or is just getting, the first `count` packets. */
  give(count: number): void {
    if (this.givenAt >= 0) this.words[this.givenAt] = count;
  }

  /** The completion key of packet `index`. */
  key(index: number): number {
    const at = index * ENTRY_WORDS + KEY;
    return (this.words[at] >>> 0) + (this.words[at + 1] >>> 0) * HIGH;
  }

  /** The OVERLAPPED address of packet `index`, or whatever was posted there. */
  overlapped(index: number): number {
    const at = index * ENTRY_WORDS + OVERLAPPED;
    return (this.words[at] >>> 0) + (this.words[at + 1] >>> 0) * HIGH;
  }

  /** The NTSTATUS of packet `index`. The upper half of the field is not defined (case 36). */
  status(index: number): number {
    return this.words[index * ENTRY_WORDS + INTERNAL] >>> 0;
  }

  /** The bytes transferred of packet `index`. */
  bytes(index: number): number {
    return this.words[index * ENTRY_WORDS + BYTES] >>> 0;
  }

  /** On Linux the errno behind the status of packet `index`, or 0; not defined on Windows. */
  errno(index: number): number {
    return this.words[index * ENTRY_WORDS + EXTRA] >>> 0;
  }
}
