/**
 * The numbers that a pool's options may have.
 *
 * @module
 */

import { checkNumber, described } from "../core/errors.ts";

/** @throws {RangeError} if `value` is no whole number from `min` to `max`. */
export function checkRange(value: number, name: string, min: number, max: number): void {
  checkNumber(value, name, max);
  if (value < min) {
    throw new RangeError(`Cannot use ${value} as ${name}: it must be at least ${min}`);
  }
}

/** @throws {RangeError} if `value` is no number of milliseconds from 0 on. */
export function checkTime(value: number, name: string): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(
    `Cannot use ${described(value)} as ${name}: it must be milliseconds from 0 on`,
  );
}
