/**
 * The pool's threads: add two numbers, count packets.
 *
 * @module
 */

import { serve } from "../../../src/pool/thread.ts";

serve({
  tasks: {
    add: ([a, b]: [number, number]): number => a + b,
  },
  packet(_, { data }): void {
    Atomics.add(data as Int32Array<SharedArrayBuffer>, 0, 1);
  },
});
