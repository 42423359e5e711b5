/**
 * The accesses of the port's locks, on memory of a test: nobody sleeps and nobody ends.
 *
 * @module
 */

import type { TailMemory } from "../../../src/system/linux/tail.ts";

/** The words, used by one thread. */
export function memoryOf(words: Int32Array<ArrayBuffer>): TailMemory {
  return {
    peek: (at) => words[at],
    load: (at) => words[at],
    compareExchange: (at, expected, value) => Atomics.compareExchange(words, at, expected, value),
    exchange: (at, value) => Atomics.exchange(words, at, value),
    or: (at, bits) => Atomics.or(words, at, bits),
    and: (at, bits) => Atomics.and(words, at, bits),
    pause: () => {},
    wait: () => {
      throw new Error("Nobody would wake it");
    },
    wake: () => {},
    isGone: () => false,
  };
}
