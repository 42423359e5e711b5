/**
 * One table of the ledger: places of one size, and which of them are taken.
 *
 * @module
 */

import { Bitmap } from "../system/bitmap.ts";

/** The word of every place that counts its beginnings and ends: odd while it is in a life. */
export const GENERATION = 8;

/** One kind of thing: where its places are and which are taken. */
export class Table {
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #base: number;
  /** A place has 2 to the power of this many words. */
  readonly #shift: number;
  readonly #bitmap: Bitmap;
  readonly #what: string;
  readonly #limitAt: number;
  /** How many places it has. */
  readonly places: number;

  /**
   * The table whose bitmap begins at word `bitmap` and whose places begin at word
   * `base`, each of a power of two of words. Word `limitAt` says how many may be taken, 0 that
   * all may; `what` they are.
   */
  constructor(
    words: Int32Array<ArrayBuffer>,
    bitmap: number,
    base: number,
    places: number,
    slotWords: number,
    what: string,
    limitAt: number,
  ) {
    this.#words = words;
    this.#base = base;
    this.#shift = Math.log2(slotWords);
    this.places = places;
    this.#bitmap = new Bitmap(words, bitmap, places);
    this.#what = what;
    this.#limitAt = limitAt;
  }

  /** How many of its places may be taken, by any thread. */
  get limit(): number {
    return this.#words[this.#limitAt] || this.places;
  }

  set limit(limit: number) {
    Atomics.store(this.#words, this.#limitAt, limit === this.places ? 0 : limit);
  }

  /**
   * Takes up to `max` free places that lie together, for a thread that begins and ends their
   * lives itself, and writes their first words to the ledger from word `to` on, the last one
   * first. Returns how many; 0 if there is none.
   */
  acquireSome(to: number, max: number): number {
    let taken = this.#bitmap.acquireSome(this.limit, max);
    const base = this.at(this.#bitmap.foundAt * 32);
    let count = 0;
    for (; taken !== 0; count++) {
      const place = 31 - Math.clz32(taken);
      this.#words[to + count] = base + (place << this.#shift);
      taken &= ~(1 << place);
    }
    return count;
  }

  /** Gives back a place whose life has ended. */
  giveBack(at: number): void {
    this.#bitmap.release(this.indexOf(at));
  }

  /** Takes a place and begins its next life; throws at the limit. Returns its first word. */
  acquire(): number {
    const at = this.tryAcquire();
    if (at < 0) throw this.limitReached();
    return at;
  }

  /** What `acquire` throws at the limit. */
  limitReached(): RangeError {
    return new RangeError(`The limit of ${this.limit} ${this.#what} is reached`);
  }

  /** As `acquire`, but -1 at the limit. */
  tryAcquire(): number {
    const place = this.#bitmap.acquire(this.limit);
    if (place < 0) return -1;
    const at = this.at(place);
    Atomics.add(this.#words, at + GENERATION, 1);
    return at;
  }

  /** Ends the life of the place at `at`. */
  release(at: number): void {
    // The next life's number must not be taken for this one's by an object left over.
    Atomics.add(this.#words, at + GENERATION, 1);
    this.#bitmap.release(this.indexOf(at));
  }

  /** Whether `at` is the first word of a place that is in its life `generation`. */
  isLive(at: number, generation: number): boolean {
    return this.isPlace(at) && Atomics.load(this.#words, at + GENERATION) === generation &&
      this.#bitmap.has(this.indexOf(at));
  }

  /** The number of the place at `at`: from 0, without gaps. */
  indexOf(at: number): number {
    return (at - this.#base) >> this.#shift;
  }

  /** The first word of the place of this number. */
  at(index: number): number {
    return this.#base + (index << this.#shift);
  }

  /** Whether `at` is the first word of a place of this table. */
  isPlace(at: number): boolean {
    const offset = at - this.#base;
    // What is no integer of 32 bits is no place; the rest is then done with integers.
    const whole = offset | 0;
    return whole === offset && whole >= 0 && whole >> this.#shift < this.places &&
      (whole & (1 << this.#shift) - 1) === 0;
  }

  /** The first word of the first place that is taken, from number `index` on; -1 if there is none. */
  nextTaken(index: number): number {
    const place = this.#bitmap.nextTaken(index);
    return place < 0 ? -1 : this.at(place);
  }

  /** The first words of all places that are taken. */
  *taken(): Generator<number> {
    for (const place of this.#bitmap.taken()) yield this.at(place);
  }

  /** How many places are in a life: all that are taken, but for those that threads keep. */
  count(): number {
    let count = 0;
    for (const at of this.taken()) count += this.#words[at + GENERATION] & 1;
    return count;
  }
}
