/**
 * How long things took: counts by duration, two for each doubling, from a
 * microsecond to more than an hour.
 *
 * @module
 */

import { HISTOGRAM_WORDS } from "./board.ts";

/** A distribution of durations, of those that were measured: one of some. */
export interface Durations {
  /** How many were measured. */
  readonly count: number;
  /** Milliseconds that half of them did not exceed, to within a fifth. */
  readonly medianMs: number;
  /** Milliseconds that 99 of 100 did not exceed. */
  readonly p99Ms: number;
  /** Milliseconds that none of them exceeded. */
  readonly maxMs: number;
}

/** Counts `count` durations of `milliseconds` each in the histogram at `at`. */
export function addDuration(
  words: Int32Array<ArrayBuffer>,
  at: number,
  milliseconds: number,
  count: number,
): void {
  words[at + bucketOf(milliseconds * 1000)] += count;
}

/** Bucket 2n is for 2^n microseconds and more, 2n + 1 for 1.5 times that. */
function bucketOf(microseconds: number): number {
  const whole = Math.min(Math.max(microseconds, 1), 0xffff_ffff) >>> 0;
  const octave = 31 - Math.clz32(whole);
  const isUpper = octave > 0 && (whole >>> octave - 1 & 1) !== 0;
  return Math.min(octave * 2 + (isUpper ? 1 : 0), HISTOGRAM_WORDS - 1);
}

/** The durations that bucket `bucket` is for are shorter than this many milliseconds. */
function endOf(bucket: number): number {
  const start = 2 ** (bucket >>> 1);
  return (bucket % 2 === 0 ? start * 1.5 : start * 2) / 1000;
}

/** A histogram added up from several, read from anywhere. */
export class Histogram {
  readonly #counts: number[] = Array(HISTOGRAM_WORDS).fill(0);

  /** Adds the counts of the histogram at `at`. */
  add(words: Int32Array<ArrayBuffer>, at: number): void {
    for (let i = 0; i < HISTOGRAM_WORDS; i++) this.#counts[i] += words[at + i] >>> 0;
  }

  /** Adds another one. */
  addAll(other: Histogram): void {
    other.#counts.forEach((count, i) => this.#counts[i] += count);
  }

  /** What it comes to. */
  durations(): Durations {
    const count = this.#counts.reduce((sum, one) => sum + one, 0);
    const upTo = (share: number): number => {
      let left = Math.ceil(count * share);
      const bucket = this.#counts.findIndex((one) => (left -= one) <= 0);
      return count === 0 ? 0 : endOf(bucket);
    };
    return { count, medianMs: upTo(0.5), p99Ms: upTo(0.99), maxMs: upTo(1) };
  }
}
