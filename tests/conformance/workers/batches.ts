/** The module of a pool that tells which batches its packets were handled in. */

import { type Packet, type PoolThread, serve } from "../../../src/pool/thread.ts";

/** What stands where in the pool's `data`. */
const [CLOCK, MAY_GO, BATCHES, TOO_LATE] = [0, 1, 2, 3];

/** The batch in hand, and what the clock said when its first packet was handled. */
let batch = -1;
let begun = 0;

serve({
  packet({ key }: Packet, thread: PoolThread) {
    const words = thread.data as Int32Array;
    if (thread.batch !== batch) {
      batch = thread.batch;
      begun = Atomics.add(words, CLOCK, 1);
      words[BATCHES]++;
    }
    // A key is what the clock said before the packet was posted.
    if (key > begun) words[TOO_LATE]++;
    while (Atomics.load(words, MAY_GO) === 0);
  },
});
