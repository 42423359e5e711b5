/** Uses ports for the first time when it is told to, and lives until it is told again. */

import { lifeOfThread } from "../../../src/core/threads.ts";
import { job } from "./job.ts";

/** What stands where in `counts`: that the thread is here, when it may begin and end, and that it has begun. */
const [HERE, BEGIN, END, BEGUN] = [0, 1, 2, 3];

job(({ counts, lives }: { counts: Int32Array; lives: Float64Array }): void => {
  Atomics.store(counts, HERE, 1);
  Atomics.wait(counts, BEGIN, 0);
  lives[0] = lifeOfThread();
  Atomics.store(counts, BEGUN, 1);
  Atomics.notify(counts, BEGUN);
  Atomics.wait(counts, END, 0);
});
