/** Writes a byte to a FIFO each time it is told to in shared memory, and says there that it has. */

import { writeFileSync } from "node:fs";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Spill {
  path: string;
  /** Odd: a byte is asked for. One more: it is written. The first is 0, when the thread is there. */
  turn: Int32Array<SharedArrayBuffer>;
  count: number;
}

job(({ path, turn, count }: Spill): void => {
  Atomics.store(turn, 0, 0);
  for (let round = 0; round < count; round++) {
    while (Atomics.load(turn, 0) % 2 === 0);
    writeFileSync(path, "x");
    Atomics.add(turn, 0, 1);
  }
});
