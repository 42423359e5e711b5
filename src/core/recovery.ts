/**
 * What closed ports leave behind: operations whose packets go nowhere. Their
 * memory is kept on purpose until the kernel is done with it, and counted
 * (promise 5).
 *
 * @module
 */

import { type CompletionEntries, system } from "../system/system.ts";
import { isGone, isMarkedClosed } from "./calls.ts";
import { GENERATION, ledger, O_PORT, P_CALLS, RECOVERING } from "./ledger.ts";
import { inFlightOf } from "./flight.ts";
import { finishDropped, isDone, placeOf } from "./operation.ts";
import { entriesOfThread } from "./room.ts";
import { buryEnded, isTaken, selfIfRoom } from "./threads.ts";

/** How many operations of closed ports still keep their memory, in the whole process. */
export function keptOperations(): number {
  const { words, ports } = ledger();
  let kept = 0;
  for (const port of ports.taken()) {
    if (isMarkedClosed(words, port + P_CALLS)) kept += inFlightOf(port);
  }
  return kept;
}

/**
 * Takes what is queued on a port that is about to be closed, for nobody: those
 * operations are done with. Where the system drops packets without a word, their
 * status alone would have to tell, and it may never be written (31).
 */
export function discardQueued(port: number): void {
  const entries = entriesOfThread();
  while (system.getQueuedCompletionStatusEx(port, entries, entries.capacity, 0) === 0) {
    discard(entries);
  }
}

/** Ends the operations of packets that this thread has taken, and that nobody is given. */
export function discard(entries: CompletionEntries): void {
  for (let i = 0; i < entries.removed; i++) {
    const place = placeOf(entries.overlapped(i));
    if (place >= 0) finishDropped(place);
  }
}

/**
 * Gives back what operations of closed ports have kept, as far as the kernel is
 * done with them: their status is written, and no packet of theirs is in any
 * thread's hands. One thread at a time; a second one has nothing to add.
 */
export function recover(): void {
  const { words, operations } = ledger();
  if (keptOperations() === 0) return;
  buryEnded();
  const thread = selfIfRoom();
  // Closing a port must not fail for want of a place: others recover it later.
  if (thread === 0 || Atomics.compareExchange(words, RECOVERING, 0, thread) !== 0) return;
  try {
    const abandoned = new Map<number, number>();
    for (const place of operations.taken()) {
      if (isAbandoned(place, abandoned) && isDone(place)) finishDropped(place);
    }
  } finally {
    Atomics.store(words, RECOVERING, 0);
  }
}

/**
 * Whether nobody but `recover` can come to the operation at `place` any more. A
 * port marked closed is not enough: whoever closes it may just be looking at its
 * last packets. And the place may have been given to another port's operation
 * while we looked; only what is of a port that is gone stays so. `known` remembers
 * which life of a port was found so.
 */
function isAbandoned(place: number, known: Map<number, number>): boolean {
  const { words } = ledger();
  const port = Atomics.load(words, place + O_PORT);
  const generation = words[port + GENERATION];
  if (!isGone(words, port + P_CALLS)) return false;
  if (known.get(port) !== generation) {
    if (isTaken(port)) return false;
    known.set(port, generation);
  }
  return Atomics.load(words, place + O_PORT) === port;
}
