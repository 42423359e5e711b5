/** Takes packets until it is told to stop, and does with each what its key says. */

import { CompletionPort, type PortToken } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Act {
  port: PortToken;
  /** A second port, for `ELSEWHERE`. */
  other: PortToken;
  /** Packets begun, packets done with, and 1 when what holds a thread back is over. */
  counts: Int32Array;
}

/** What stands where in `counts`. */
export const BEGUN = 0;
export const DONE = 1;
export const GO = 2;

/** What the keys say. */
export const STOP = 0;
/** Run without ever blocking, until told to go on. */
export const SPIN = 1;
/** Sleep until told to go on, without a word to the port. */
export const SLEEP = 2;
/** As before, but say so. */
export const BLOCKING = 3;
/** Wait on the other port. */
export const ELSEWHERE = 4;
/** End the thread by an error. */
export const THROW = 5;
/** Nothing. */
export const NOTHING = 6;

job(({ port, other, counts }: Act): number => {
  const attached = CompletionPort.attach(port);
  const elsewhere = CompletionPort.attach(other);
  const acts: Record<number, () => void> = {
    [SPIN]: () => {
      while (Atomics.load(counts, GO) === 0);
    },
    [SLEEP]: () => void Atomics.wait(counts, GO, 0),
    [BLOCKING]: () => void attached.blocking(() => Atomics.wait(counts, GO, 0)),
    [ELSEWHERE]: () => void elsewhere.get(),
    [THROW]: () => {
      throw new Error("as it was told");
    },
    [NOTHING]: () => {},
  };
  for (let taken = 0;; taken++) {
    const key = attached.get()?.key ?? STOP;
    if (key === STOP) return taken;
    Atomics.add(counts, BEGUN, 1);
    acts[key]();
    Atomics.add(counts, DONE, 1);
  }
});
