/**
 * What closed ports leave behind: operations whose packets go nowhere. Their
 * memory is kept on purpose until the kernel is done with it, and counted
 * (promise 5).
 *
 * @module
 */

import { isMarkedClosed } from "./calls.ts";
import { ledger, O_PORT, P_CALLS, P_IN_FLIGHT, P_TAKERS, RECOVERING } from "./ledger.ts";
import { finish, isDone } from "./operation.ts";

/** How many operations of closed ports still keep their memory, in the whole process. */
export function keptOperations(): number {
  const { words, ports } = ledger();
  let kept = 0;
  for (const port of ports.taken()) {
    if (isMarkedClosed(words, port + P_CALLS)) kept += Atomics.load(words, port + P_IN_FLIGHT);
  }
  return kept;
}

/**
 * Gives back what operations of closed ports have kept, as far as the kernel is
 * done with them: their status is written, and no thread is just taking their
 * packets. One thread at a time; a second one has nothing to add.
 */
export function recover(): void {
  const { words, operations } = ledger();
  if (keptOperations() === 0) return;
  if (Atomics.compareExchange(words, RECOVERING, 0, 1) !== 0) return;
  try {
    for (const place of operations.taken()) {
      const port = words[place + O_PORT];
      const isAbandoned = isMarkedClosed(words, port + P_CALLS) &&
        Atomics.load(words, port + P_TAKERS) === 0;
      if (isAbandoned && isDone(place)) finish(place);
    }
  } finally {
    Atomics.store(words, RECOVERING, 0);
  }
}
