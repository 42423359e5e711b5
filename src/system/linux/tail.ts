/**
 * The end of a port's queue, where packets are appended: one word that counts the
 * packets ever put in and is the lock of those who put them in. So posting takes
 * nothing away from those that take.
 *
 * Who appends takes the word with `beginAppend` and gives it back with the new count
 * in `endAppend`, which is also what makes the packet seen. Whoever has the port's
 * lock may append as well: it takes that lock first and this one second.
 *
 * Beside count and owner stands `AWAITED`, set and cleared under the port's lock:
 * the queue is empty and a thread waits. It is set by an atomic access that answers the
 * count, so everybody who appends after that finds it when giving the word back; who
 * posts then takes the port's lock and hands the packet over.
 *
 * @module
 */

import { threadAt } from "./layout.ts";
import type { LockMemory } from "./lock.ts";

/** The count, which begins anew after so many: more than a queue ever holds. */
export const TAIL_MASK = 0x7ffff;
const OWNER_SHIFT = 19;
const OWNER_MASK = 0x7ff << OWNER_SHIFT;
/** Somebody waits beside an empty queue. */
export const AWAITED = 0x40000000;
/** Set beside the owner when others may sleep on the word. */
const CONTENDED = -0x80000000;

/** The accesses the word is used by. */
export interface TailMemory extends LockMemory {
  /** A plain read: what it answers may be old. */
  peek(at: number): number;
  or(at: number, bits: number): number;
  and(at: number, bits: number): number;
}

/** Answer of `beginAppend`: the thread that has the word has ended. */
export const IS_GONE = -1;

/**
 * Takes the word at `at` for the thread at `place` and returns the count. One who has
 * the port's lock inherits it from a thread that has ended; others get `IS_GONE`: that
 * one may have had the port's lock too, and what it was doing comes first.
 */
export function beginAppend(
  memory: TailMemory,
  at: number,
  place: number,
  spins: number,
  mayInherit: boolean,
): number {
  const owner = place + 1 << OWNER_SHIFT;
  const seen = memory.peek(at);
  const isFree = (seen & OWNER_MASK) === 0;
  if (isFree && memory.compareExchange(at, seen, seen | owner) === seen) return seen & TAIL_MASK;
  return beginContended(memory, at, owner, spins, mayInherit);
}

function beginContended(
  memory: TailMemory,
  at: number,
  owner: number,
  spins: number,
  mayInherit: boolean,
): number {
  for (let spin = 0; spin < spins; spin++) {
    const seen = memory.load(at);
    const isFree = (seen & OWNER_MASK) === 0;
    if (isFree && memory.compareExchange(at, seen, seen | owner) === seen) return seen & TAIL_MASK;
    memory.pause();
  }
  for (;;) {
    const seen = memory.load(at);
    const taken = seen & ~OWNER_MASK | owner | CONTENDED;
    if ((seen & OWNER_MASK) === 0) {
      // Whoever got here cannot know who else sleeps: it takes the mark along.
      if (memory.compareExchange(at, seen, taken) === seen) return seen & TAIL_MASK;
    } else if (memory.isGone(ownerOf(seen))) {
      if (!mayInherit) return IS_GONE;
      if (memory.compareExchange(at, seen, taken) === seen) return seen & TAIL_MASK;
    } else if (seen < 0 || memory.compareExchange(at, seen, seen | CONTENDED) === seen) {
      memory.wait(at, seen | CONTENDED);
    }
  }
}

/**
 * Gives the word, which is `held` by the caller, back with the count `tail`. True if what
 * was appended is awaited.
 */
export function endAppend(memory: TailMemory, at: number, held: number, tail: number): boolean {
  let seen = held;
  for (;;) {
    const before = memory.compareExchange(at, seen, seen & AWAITED | tail);
    if (before === seen) break;
    seen = before;
  }
  if (seen < 0) memory.wake(at);
  return (seen & AWAITED) !== 0;
}

/** Everybody who appends from here on is told that it is awaited. Returns the count. */
export function setAwaited(memory: TailMemory, at: number): number {
  return memory.or(at, AWAITED) & TAIL_MASK;
}

/** Nobody waits any more, or not for the next packet. */
export function clearAwaited(memory: TailMemory, at: number): void {
  memory.and(at, ~AWAITED);
}

/** The first word of the thread that has the word `value`; -1 if none has. */
export function ownerOf(value: number): number {
  const owner = (value & OWNER_MASK) >>> OWNER_SHIFT;
  return owner === 0 ? -1 : threadAt(owner - 1);
}

/** How many packets were put in since the count was `head`. */
export function countOf(value: number, head: number): number {
  return value - head & TAIL_MASK;
}
