/**
 * Places for operations. A thread keeps those it has done with for the operations it
 * starts next, so that most starts and ends touch nothing that other threads write.
 *
 * Which they are stands in the thread's place in the ledger: whoever buries the
 * thread gives them back. At a limit that was set nothing is kept, so that what
 * one thread does not use another has.
 *
 * @module
 */

import { GENERATION, ledger, LIMITS, MAX_FREE, T_FREE, T_FREE_COUNT } from "./ledger.ts";
import { enrolled, selfIfRoom } from "./threads.ts";

/** A place for an operation, in a new life; -1 at the limit. */
export function takePlace(words: Int32Array<ArrayBuffer>): number {
  const thread = selfIfRoom();
  if (thread === 0 || words[LIMITS] !== 0) return takeOne(words, thread);
  let count = words[thread + T_FREE_COUNT];
  if (count === 0) count = ledger().operations.acquireSome(thread + T_FREE, MAX_FREE / 2);
  if (count === 0) return -1;
  const place = words[thread + T_FREE + count - 1];
  // From here on it is lost if the thread ends before the operation has started.
  words[thread + T_FREE_COUNT] = count - 1;
  words[place + GENERATION] = words[place + GENERATION] + 1 | 0;
  return place;
}

/** The operation at `place` is over: the place's life ends, and the thread keeps it. */
export function givePlace(words: Int32Array<ArrayBuffer>, place: number): void {
  // The next life's number must not be taken for this one's by an object left over.
  words[place + GENERATION] = words[place + GENERATION] + 1 | 0;
  const thread = enrolled();
  const count = words[thread + T_FREE_COUNT];
  if (thread === 0 || count >= MAX_FREE || words[LIMITS] !== 0) {
    return ledger().operations.giveBack(place);
  }
  words[thread + T_FREE + count] = place;
  words[thread + T_FREE_COUNT] = count + 1;
}

/** As the limit says, of which all threads have a part; what this one has kept is everybody's first. */
function takeOne(words: Int32Array<ArrayBuffer>, thread: number): number {
  if (thread !== 0) giveKept(words, thread);
  return ledger().operations.tryAcquire();
}

/** Gives back the places that the thread at `thread` has kept: the calling one, or one that has ended. */
export function giveKept(words: Int32Array<ArrayBuffer>, thread: number): void {
  const count = words[thread + T_FREE_COUNT];
  words[thread + T_FREE_COUNT] = 0;
  for (let i = 0; i < count; i++) ledger().operations.giveBack(words[thread + T_FREE + i]);
}
