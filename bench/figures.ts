/**
 * What many passes come to.
 *
 * @module
 */

/** The middle and the two ends of some samples. */
export interface Spread {
  readonly median: number;
  /** The smallest and the largest. */
  readonly low: number;
  readonly high: number;
}

/** The median: of an even number, the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The spread of at least one sample. */
export function spreadOf(samples: readonly number[]): Spread {
  return { median: median(samples), low: Math.min(...samples), high: Math.max(...samples) };
}

/**
 * How many times as good ours is: the median over the rounds of the two figures' ratio. The
 * two of one round were measured right after each other, so that what slows the machine
 * down for a while slows both.
 */
export function ratioOf(
  ours: readonly number[],
  rival: readonly number[],
  isMoreBetter: boolean,
): number {
  const ratios = ours.slice(0, rival.length).map((own, round) =>
    isMoreBetter ? own / rival[round] : rival[round] / own
  );
  return median(ratios);
}

/** Whole numbers below `bound` that look random and are the same in each run. */
export function randoms(count: number, bound: number, seed: number = 1): Uint32Array<ArrayBuffer> {
  const numbers = new Uint32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    numbers[i] = Math.floor(state / 2 ** 32 * bound);
  }
  return numbers;
}
