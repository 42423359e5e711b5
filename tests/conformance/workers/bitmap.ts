/** Takes and releases places of a bitmap that others use too, and counts those it did not have alone. */

import { view } from "../../../src/ffi/memory.ts";
import { Bitmap } from "../../../src/system/bitmap.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Share {
  address: number;
  places: number;
  /** How many places to hold at most. */
  wanted: number;
  /** Who has each place. */
  owners: Int32Array;
  own: number;
}

const ROUNDS = 3000;

job(({ address, places, wanted, owners, own }: Share): number => {
  const bitmap = new Bitmap(new Int32Array(view(address, 4096)), 0, places);
  const held: number[] = [];
  let collisions = 0;
  for (let round = 0; round < ROUNDS; round++) {
    while (held.length < wanted) {
      const place = bitmap.acquire();
      if (place < 0) break;
      if (Atomics.compareExchange(owners, place, 0, own) !== 0) collisions++;
      held.push(place);
    }
    for (const place of held.splice(0, 1 + round % wanted)) {
      if (Atomics.compareExchange(owners, place, own, 0) !== own) collisions++;
      if (!bitmap.release(place)) collisions++;
    }
  }
  for (const place of held) {
    Atomics.store(owners, place, 0);
    bitmap.release(place);
  }
  return collisions;
});
