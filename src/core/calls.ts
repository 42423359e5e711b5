/**
 * Calls on a handle or port, held apart from its closing.
 *
 * Windows gives the number of a closed handle again at once (case 57). A call
 * that had looked the number up before another thread closed it would then act
 * on something else. So calls are counted there, and closing waits for none of
 * them: if there are any, the last one closes. Takes from a port are not counted
 * but noted by their threads, and are woken (`port-life.ts`). Where numbers do not
 * come again, nothing is counted.
 *
 * @module
 */

import { system } from "../system/system.ts";

/** Set in a word of calls when the thing is closed, and when that has been seen to. */
const CLOSED = 0x40000000;
const DONE = 0x20000000;
/** Set when the system has closed it, after which no packet of it is given to anybody. */
const GONE = 0x10000000;

/**
 * Begins a call on the thing whose word of calls is at `at`; false if it is
 * closed. `endCall` must follow, whatever the answer.
 */
export function beginCall(words: Int32Array<ArrayBuffer>, at: number): boolean {
  if (!system.reusesHandles) return (words[at] & CLOSED) === 0;
  return (Atomics.add(words, at, 1) & CLOSED) === 0;
}

/** Ends a call. True if the caller must close the thing. */
export function endCall(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return endLastCall(words, at) && isCloser(words, at);
}

/** Ends a call. True if the thing is closed and this was the last call under way. */
export function endLastCall(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return system.reusesHandles && Atomics.sub(words, at, 1) === CLOSED + 1;
}

/** Marks the thing closed, once for all threads. True if the caller must close it. */
export function markClosed(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return Atomics.or(words, at, CLOSED) === 0 && isCloser(words, at);
}

/** Of all that find it closed and without calls, one is the closer: true for it alone. */
export function isCloser(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return Atomics.compareExchange(words, at, CLOSED, CLOSED | DONE) === CLOSED;
}

/**
 * The place begins a new life: open. Calls that belong to its last one may still
 * be on their way out, so their count stays.
 */
export function markOpen(words: Int32Array<ArrayBuffer>, at: number): void {
  Atomics.and(words, at, ~(CLOSED | DONE | GONE));
}

/** Whether it is marked closed. */
export function isMarkedClosed(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return (words[at] & CLOSED) !== 0;
}

/** Whether it is marked closed, and nobody has become the closer yet. */
export function isLeftOpen(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return (Atomics.load(words, at) & (CLOSED | DONE)) === CLOSED;
}

/** Notes that the system has closed it, and that whoever did is done with what was in it. */
export function markGone(words: Int32Array<ArrayBuffer>, at: number): void {
  Atomics.or(words, at, GONE);
}

/** Whether the system has closed it, in this life of its place. */
export function isGone(words: Int32Array<ArrayBuffer>, at: number): boolean {
  return (Atomics.load(words, at) & GONE) !== 0;
}
