/** Counts in shared memory as many threads do at once, each step under an exclusive lock. */

import { CompletionPort, FileHandle } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to count in, and how far. */
export interface Exclude {
  path: string;
  counts: Int32Array;
  rounds: number;
}

job(({ path, counts, rounds }: Exclude): number => {
  using port = new CompletionPort();
  using file = FileHandle.open(path, { read: true, write: true });
  port.associate(file, 1);
  for (let round = 0; round < rounds; round++) {
    const range = { offset: round % 3, length: 7 };
    file.lock(range, round);
    const packet = port.get();
    if (packet?.error) throw packet.error;
    // In two steps: a thread that comes between them spoils it.
    const seen = counts[0];
    for (let i = 0; i < 200; i++) Atomics.load(counts, 1);
    counts[0] = seen + 1;
    file.unlock(range);
  }
  return rounds;
});
