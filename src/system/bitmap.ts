/**
 * Which places of a table in shared memory are taken: one bit a place, set and
 * cleared by single atomic instructions. A thread that ends in the middle
 * leaves at worst one place unused, and there is no order of events in which
 * two threads get the same place.
 *
 * @module
 */

/** A thread's view of one bitmap. Any number of threads may use the bitmap at once. */
export class Bitmap {
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #base: number;
  readonly #length: number;
  /** The word where this thread last found or left a free place. */
  #hint: number;

  /** The bitmap of `places` places (a multiple of 32) that begins at word `base` of `words`. */
  constructor(words: Int32Array<ArrayBuffer>, base: number, places: number) {
    this.#words = words;
    this.#base = base;
    this.#length = places >>> 5;
    this.#hint = 0;
  }

  /** Takes a free place below `limit` and returns its number; -1 if there is none. */
  acquire(limit: number = this.#length * 32): number {
    const words = this.#words;
    const length = Math.min(this.#length, limit + 31 >>> 5);
    let at = this.#hint < length ? this.#hint : 0;
    for (let looked = 0; looked < length; looked++) {
      const beyond = at === limit >>> 5 ? -1 << (limit & 31) : 0;
      // A guess: what is taken by now shows when the bit is set.
      let word = words[this.#base + at] | beyond;
      while (word !== -1) {
        const lowestFree = ~word & (word + 1);
        const before = Atomics.or(words, this.#base + at, lowestFree);
        if ((before & lowestFree) === 0) {
          this.#hint = at;
          return at * 32 + 31 - Math.clz32(lowestFree);
        }
        word = before | beyond;
      }
      if (++at === length) at = 0;
    }
    return -1;
  }

  /**
   * Takes up to `max` free places of one word, below `limit`, by one instruction.
   * Returns their bits, 0 if there are none; the word is `foundAt`.
   */
  acquireSome(limit: number, max: number): number {
    const first = this.acquire(limit);
    if (first < 0) return 0;
    const at = first >>> 5;
    let mask = 1 << (first & 31);
    if (max === 1) return mask;
    const words = this.#words;
    const beyond = at === limit >>> 5 ? -1 << (limit & 31) : 0;
    let free = ~(words[this.#base + at] | beyond);
    let wanted = 0;
    for (let count = 1; count < max && free !== 0; count++) {
      const lowest = free & -free;
      wanted |= lowest;
      free &= ~lowest;
    }
    if (wanted !== 0) mask |= wanted & ~Atomics.or(words, this.#base + at, wanted);
    return mask;
  }

  /** The word where this thread last took places. */
  get foundAt(): number {
    return this.#hint;
  }

  /** Gives `place` back; false if it was not taken. */
  release(place: number): boolean {
    const at = place >>> 5;
    const bit = 1 << (place & 31);
    this.#hint = at;
    return (Atomics.and(this.#words, this.#base + at, ~bit) & bit) !== 0;
  }

  /** Whether `place` is taken. */
  has(place: number): boolean {
    return (Atomics.load(this.#words, this.#base + (place >>> 5)) & 1 << (place & 31)) !== 0;
  }

  /** The first place from `place` on that is taken; -1 if there is none. Looked for often: not a generator. */
  nextTaken(place: number): number {
    let mask = -1 << (place & 31);
    for (let at = place >>> 5; at < this.#length; at++, mask = -1) {
      const word = Atomics.load(this.#words, this.#base + at) & mask;
      if (word !== 0) return at * 32 + 31 - Math.clz32(word & -word);
    }
    return -1;
  }

  /** The places that are taken; each is looked at when its turn comes. */
  *taken(): Generator<number> {
    for (let at = 0; at < this.#length; at++) {
      let word = Atomics.load(this.#words, this.#base + at);
      for (; word !== 0; word &= word - 1) yield at * 32 + 31 - Math.clz32(word & -word);
    }
  }

  /** How many places are taken; reads the whole bitmap. */
  count(): number {
    let taken = 0;
    for (let at = 0; at < this.#length; at++) {
      let word = Atomics.load(this.#words, this.#base + at);
      for (; word !== 0; word &= word - 1) taken++;
    }
    return taken;
  }
}
