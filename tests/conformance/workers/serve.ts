/** Says which thread it is in the kernel, then takes packets one by one until one with key 0 comes. */

import { libc } from "../../../src/ffi/libc.ts";
import { CompletionPort, type PortToken } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Serve {
  port: PortToken;
  /** Packets taken by all threads, and from 1 on the id of each thread. */
  counts: Int32Array;
  seat: number;
}

job(({ port, counts, seat }: Serve): number => {
  const attached = CompletionPort.attach(port);
  Atomics.store(counts, 1 + seat, libc().gettid());
  for (let taken = 0;; taken++) {
    if (attached.get()?.key === 0) return taken;
    Atomics.add(counts, 0, 1);
  }
});
