/** Posts packets with keys of its own to a port, with pauses that a seed decides. */

import { CompletionPort, type PortToken } from "../../../src/pool/thread.ts";
import { randomFrom } from "../random.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Post {
  port: PortToken;
  /** The first key; the others follow. */
  first: number;
  count: number;
  seed: number;
}

job(({ port, first, count, seed }: Post): number => {
  const attached = CompletionPort.attach(port);
  const random = randomFrom(seed);
  for (let i = 0; i < count; i++) {
    attached.post({ key: first + i, bytesTransferred: i });
    if (random(16) === 0) pause(random(2000));
  }
  return count;
});

/** Some work, so that the threads do not keep step. */
function pause(rounds: number): void {
  const word = new Int32Array(1);
  for (let i = 0; i < rounds; i++) Atomics.add(word, 0, 1);
}
