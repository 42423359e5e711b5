/**
 * Places for operations. A thread keeps those it has done with for the operations it
 * starts next, so that most starts and ends touch nothing that other threads write.
 *
 * A thread that asks to cancel an operation holds its place back meanwhile, or else the
 * next operation there might be cancelled. It says so (`O_ASKING`), and looks whether the
 * operation is still the one that it means; who is done with an operation ends the life of
 * its place, and looks whether somebody asks before a new one begins. Between the two steps
 * there must be a barrier: each thread needs one for a whole batch, at its next take.
 *
 * The places stand in the thread's own in the ledger: whoever buries the thread gives them
 * back. While there is a limit other than the table's nothing is kept, so that what one
 * thread does not use another has.
 *
 * @module
 */

import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { enrolled, selfIfRoom } from "./threads.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { GENERATION, LIMITS, MAX_FREE, O_ASKING, T_FREE, T_FREE_COUNT, T_READY } = ledgers;

/** A place for an operation, in a new life; -1 at the limit. */
export function takePlace(words: Int32Array<ArrayBuffer>): number {
  const thread = selfIfRoom();
  const ready = words[thread + T_READY];
  if (ready === 0 || thread === 0 || words[LIMITS] !== 0) return takeMore(words, thread);
  const at = thread + T_FREE + ready - 1;
  const place = words[at];
  if (words[place + O_ASKING] !== 0) return takeOther(words, thread, at);
  const left = words[thread + T_FREE_COUNT] - 1;
  const last = words[thread + T_FREE + left];
  // Should the thread end in between, one is lost, and none stands in the list twice.
  words[thread + T_FREE_COUNT] = left;
  words[thread + T_READY] = ready - 1;
  words[at] = last;
  words[place + GENERATION] = words[place + GENERATION] + 1 | 0;
  return place;
}

/** There is none that is ready: several are taken, of which the thread keeps what it does not need yet. */
function takeMore(words: Int32Array<ArrayBuffer>, thread: number): number {
  const { operations } = ledger();
  if (thread === 0) return operations.tryAcquire();
  if (words[LIMITS] !== 0) giveKept(words, thread);
  if (words[LIMITS] !== 0 || words[thread + T_FREE_COUNT] !== 0) return operations.tryAcquire();
  const count = operations.acquireSome(thread + T_FREE, MAX_FREE / 2);
  words[thread + T_FREE_COUNT] = count;
  words[thread + T_READY] = count;
  return count === 0 ? -1 : takePlace(words);
}

/** Somebody is asking to cancel what was in the place at `at` of the list: it is the last one to be looked at again. */
function takeOther(words: Int32Array<ArrayBuffer>, thread: number, at: number): number {
  const place = words[at];
  words[at] = words[thread + T_FREE];
  words[thread + T_FREE] = place;
  return ledger().operations.tryAcquire();
}

/** The operation at `place` is over: the place's life ends, and the thread keeps it. */
export function givePlace(words: Int32Array<ArrayBuffer>, place: number): void {
  // The next life's number must not be taken for this one's by an object left over.
  words[place + GENERATION] = words[place + GENERATION] + 1 | 0;
  const thread = enrolled();
  const count = words[thread + T_FREE_COUNT];
  if (thread === 0 || count === MAX_FREE || words[LIMITS] !== 0) {
    return giveNow(words, thread, place);
  }
  words[thread + T_FREE + count] = place;
  words[thread + T_FREE_COUNT] = count + 1;
}

/** The thread at `thread` does not keep the place, but for one that nobody asks about. */
function giveNow(words: Int32Array<ArrayBuffer>, thread: number, place: number): void {
  if (giveIfUnasked(words, place) || thread === 0) return;
  const count = words[thread + T_FREE_COUNT];
  if (count < MAX_FREE) {
    words[thread + T_FREE + count] = place;
    words[thread + T_FREE_COUNT] = count + 1;
    return;
  }
  for (let at = thread + T_FREE; at < thread + T_FREE + count; at++) {
    const other = words[at];
    words[at] = place;
    if (!giveIfUnasked(words, other)) {
      words[at] = other;
      continue;
    }
    // It is not ready, and neither are those that stand behind it.
    words[thread + T_READY] = Math.min(words[thread + T_READY], at - thread - T_FREE);
    return;
  }
}

function giveIfUnasked(words: Int32Array<ArrayBuffer>, place: number): boolean {
  // Adding nothing is a look with a barrier before it.
  if (Atomics.add(words, place + O_ASKING, 0) !== 0) return false;
  ledger().operations.giveBack(place);
  return true;
}

/** Whatever the calling thread, at `thread`, has done with before its last atomic store may be used again. */
export function readyPlaces(words: Int32Array<ArrayBuffer>, thread: number): void {
  if (words[thread + T_READY] === words[thread + T_FREE_COUNT]) return;
  // No plain look may come before that store is seen: an atomic one does not.
  Atomics.load(words, thread + T_FREE_COUNT);
  words[thread + T_READY] = words[thread + T_FREE_COUNT];
}

/**
 * Gives back the places that the thread at `thread` has kept: the calling one, or one that has
 * ended. What somebody asks about stays with the calling thread, or with nobody.
 */
export function giveKept(words: Int32Array<ArrayBuffer>, thread: number): void {
  const count = words[thread + T_FREE_COUNT];
  words[thread + T_READY] = 0;
  words[thread + T_FREE_COUNT] = 0;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const place = words[thread + T_FREE + i];
    if (!giveIfUnasked(words, place)) words[thread + T_FREE + kept++] = place;
  }
  words[thread + T_FREE_COUNT] = kept;
}
