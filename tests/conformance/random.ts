/**
 * Numbers that look random and come again with the same seed.
 *
 * @module
 */

import process from "node:process";

/** This run's seed: of the variable IOCP_SEED, or a new one. It is printed, so that it can be replayed. */
export function chooseSeed(test: string): number {
  const given = process.env.IOCP_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0;
  console.log(`${test}: IOCP_SEED=${seed}`);
  return seed;
}

/** A function that returns whole numbers from 0 to below `limit`: xorshift32. */
export function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 0 || 0x9e3779b9;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
