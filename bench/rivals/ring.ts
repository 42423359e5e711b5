/**
 * The rival that knows no port: a bare queue of packets in a SharedArrayBuffer, with
 * `Atomics.wait` for those that find it empty. Bounded, for any number of threads on
 * both sides (after Dmitry Vyukov's queue: each cell says whose turn it is); with a
 * shorter way for one producer.
 *
 * It has no concurrency value, no LIFO release, no close, and nothing comes from a kernel.
 *
 * @module
 */

const HEAD = 0;
const TAIL = 32;
/** Threads that wait, and the word they wait on. */
const WAITING = 64;
const WAKE = 96;
const CELLS = 128;
/** Turn, key, bytes, overlapped. */
const CELL_WORDS = 4;

/** One thread's view of the ring. */
export class Ring {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #mask: number;
  /** Of the only producer: where it is. */
  #tail = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#mask = (this.#words.length - CELLS) / CELL_WORDS - 1;
    this.#tail = this.#words[TAIL];
  }

  /** Memory for a ring of `capacity` packets, a power of two. */
  static allocate(capacity: number): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer((CELLS + capacity * CELL_WORDS) * 4);
    const words = new Int32Array(buffer);
    for (let i = 0; i < capacity; i++) words[CELLS + i * CELL_WORDS] = i;
    return buffer;
  }

  /** Queues a packet; false if the ring is full. For the only producer. */
  pushAlone(key: number, bytes: number): boolean {
    const words = this.#words;
    const tail = this.#tail;
    const cell = CELLS + (tail & this.#mask) * CELL_WORDS;
    if (Atomics.load(words, cell) !== tail) return false;
    this.#tail = tail + 1 | 0;
    words[TAIL] = this.#tail; // Before the cell, for those that push when this one is done.
    this.#fill(cell, tail, key, bytes);
    return true;
  }

  /** As `pushAlone`, for any number of producers. */
  push(key: number, bytes: number): boolean {
    const words = this.#words;
    for (;;) {
      const tail = Atomics.load(words, TAIL);
      const cell = CELLS + (tail & this.#mask) * CELL_WORDS;
      const turn = Atomics.load(words, cell);
      if ((turn - tail | 0) < 0) return false;
      if (turn !== tail) continue;
      if (Atomics.compareExchange(words, TAIL, tail, tail + 1 | 0) !== tail) continue;
      this.#fill(cell, tail, key, bytes);
      return true;
    }
  }

  #fill(cell: number, tail: number, key: number, bytes: number): void {
    const words = this.#words;
    words[cell + 1] = key;
    words[cell + 2] = bytes;
    words[cell + 3] = 0;
    Atomics.store(words, cell, tail + 1 | 0);
    if (Atomics.load(words, WAITING) === 0) return;
    Atomics.add(words, WAKE, 1);
    Atomics.notify(words, WAKE, 1);
  }

  /** Takes up to `max` packets into `into`, three words each; waits until there is one. */
  take(into: Int32Array<ArrayBuffer>, max: number): number {
    const words = this.#words;
    for (;;) {
      const count = this.#tryTake(into, max);
      if (count > 0) return count;
      const seen = Atomics.load(words, WAKE);
      Atomics.add(words, WAITING, 1);
      const late = this.#tryTake(into, max);
      if (late === 0) Atomics.wait(words, WAKE, seen);
      Atomics.sub(words, WAITING, 1);
      if (late > 0) return late;
    }
  }

  #tryTake(into: Int32Array<ArrayBuffer>, max: number): number {
    const words = this.#words;
    for (;;) {
      const head = Atomics.load(words, HEAD);
      let count = 0;
      for (; count < max; count++) {
        const at = head + count | 0;
        const cell = CELLS + (at & this.#mask) * CELL_WORDS;
        if (Atomics.load(words, cell) !== (at + 1 | 0)) break;
        into[count * 3] = words[cell + 1];
        into[count * 3 + 1] = words[cell + 2];
        into[count * 3 + 2] = words[cell + 3];
      }
      if (count === 0) {
        if (Atomics.load(words, HEAD) === head) return 0;
        continue;
      }
      if (Atomics.compareExchange(words, HEAD, head, head + count | 0) !== head) continue;
      for (let i = 0; i < count; i++) {
        const at = head + i | 0;
        Atomics.store(words, CELLS + (at & this.#mask) * CELL_WORDS, at + this.#mask + 1 | 0);
      }
      return count;
    }
  }
}
