/**
 * What keeps the memory of a buffer: references that somebody gives back by a
 * call, and holds, which belong to the thread that shows the memory and go with
 * it when it ends.
 *
 * A thread may end between any two instructions (`Worker.terminate`). Everything
 * here is done in an order in which memory is then kept too long, never given
 * back too early.
 *
 * @module
 */

import { system } from "../system/system.ts";
import * as ledgers from "./ledger.ts";
import {
  B_ADDRESS,
  B_LENGTH,
  B_REFERENCES,
  GENERATION,
  HOLD_BUFFER,
  HOLD_THREAD,
  HOLDS,
  ledger,
} from "./ledger.ts";
import { addReference } from "./references.ts";

/** Keeps the memory for one more holder; false if it is already given back. */
export function keepBuffer(place: number, generation: number): boolean {
  const { words } = ledger();
  if (!addReference(words, place + B_REFERENCES)) return false;
  if (words[place + GENERATION] === generation) return true;
  dropBuffer(place);
  return false;
}

/** So many holders less; the last gives the memory back. */
export function dropBuffer(place: number, count: number = 1): void {
  const { words, buffers } = ledger();
  if (Atomics.sub(words, place + B_REFERENCES, count) !== count) return;
  const address = ledgers.readNumber(words, place + B_ADDRESS);
  system.virtualFree(address, ledgers.readNumber(words, place + B_LENGTH));
  buffers.release(place);
}

/**
 * The thread at `thread` keeps the memory until `letGo` or until it ends. Returns
 * the hold, 0 if the memory is already given back. Beyond `MAX_HOLDS` the hold is
 * the buffer's place itself, which does not go with the thread.
 */
export function holdBuffer(thread: number, place: number, generation: number): number {
  const { words, holds } = ledger();
  const hold = holds.tryAcquire();
  if (!keepBuffer(place, generation)) {
    if (hold >= 0) holds.release(hold);
    return 0;
  }
  if (hold < 0) return place;
  Atomics.add(words, HOLDS, 1);
  words[hold + HOLD_THREAD] = thread;
  Atomics.store(words, hold + HOLD_BUFFER, place);
  return hold;
}

/** The thread does not show the memory of this hold any more. */
export function letGo(hold: number): void {
  const { words, buffers, holds } = ledger();
  if (buffers.isPlace(hold)) return dropBuffer(hold);
  const buffer = Atomics.exchange(words, hold + HOLD_BUFFER, 0);
  words[hold + HOLD_THREAD] = 0;
  holds.release(hold);
  Atomics.sub(words, HOLDS, 1);
  dropBuffer(buffer);
}

/** Whether any thread has a hold. */
export function hasHolds(): boolean {
  return Atomics.load(ledger().words, HOLDS) !== 0;
}

/** Lets go what the thread at `thread` held, which has ended. */
export function letGoOf(thread: number): void {
  const { words, holds } = ledger();
  for (const hold of holds.taken()) {
    if (words[hold + HOLD_THREAD] !== thread) continue;
    // 0: it ended before its hold was one, or after it was none.
    if (Atomics.load(words, hold + HOLD_BUFFER) !== 0) letGo(hold);
  }
}
