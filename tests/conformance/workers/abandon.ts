/** Leaves the ledger as a thread does that is terminated in the middle of a take and of a recovery. */

import { ledger, RECOVERING, T_TAKING } from "../../../src/core/ledger.ts";
import { self } from "../../../src/core/threads.ts";
import type { PortToken } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Abandon {
  port: PortToken;
  /** 1 once the ledger says that it takes; and 1 when the thread is to end. */
  counts: Int32Array;
}

job(({ port, counts }: Abandon): void => {
  const { words } = ledger();
  Atomics.store(words, self() + T_TAKING, port.place);
  Atomics.store(counts, 0, 1);
  Atomics.wait(counts, 1, 0);
  Atomics.store(words, RECOVERING, self());
});
