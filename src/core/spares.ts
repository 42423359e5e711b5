/**
 * References to handles that a thread has over: an operation whose packet it takes
 * leaves one, an operation that it starts takes one, and so a thread that goes on with the
 * same handles touches no word that other threads write.
 *
 * They keep the handle's place, and through it that of its port, but nothing of the
 * system's. They are given back when the thread closes the handle, when it finds it
 * closed, also by a look at its next takes, and when it has ended.
 *
 * @module
 */

import { isMarkedClosed } from "./calls.ts";
import { dropHandle } from "./handle.ts";
import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { enrolled } from "./threads.ts";
import { addReference } from "./references.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { H_CALLS, H_REFERENCES, HANDLE_WORDS, LIMITS, SPARES, T_SPARE } = ledgers;

/** The most that are left over of one handle. */
const MOST = 256;

/** Handles that a thread looks at before a take. */
const LOOKS = 4;

/** A handle's place has 2 to the power of this many words, and so neighbours have slots of their own. */
const SHIFT = Math.log2(HANDLE_WORDS);

/** Where the spare references to the handle at `handle` are, if this thread has any: its place, their number. */
function slotOf(thread: number, handle: number): number {
  return thread + T_SPARE + (handle >> SHIFT & SPARES - 1) * 2;
}

/**
 * The caller, which has found the handle open in its life, keeps its place for an operation; false if
 * the place has been given back meanwhile.
 */
export function keepForOperation(words: Int32Array<ArrayBuffer>, handle: number): boolean {
  const thread = enrolled();
  const slot = slotOf(thread, handle);
  if (thread !== 0 && words[slot] === handle && words[slot + 1] > 0) {
    words[slot + 1]--;
    return true;
  }
  return addReference(words, handle + H_REFERENCES);
}

/** This thread has taken the packet of an operation that kept the handle at `handle`. */
export function leaveSpare(words: Int32Array<ArrayBuffer>, handle: number): void {
  const thread = enrolled();
  const isKept = thread !== 0 && !isMarkedClosed(words, handle + H_CALLS) &&
    words[LIMITS + 1] === 0;
  if (!isKept) return dropHandle(handle, 1 + takeSpares(words, handle));
  const slot = slotOf(thread, handle);
  if (words[slot] === handle && words[slot + 1] < MOST) {
    words[slot + 1]++;
    return;
  }
  // Too many of this one, or another's, which has not been used for as long.
  giveSlot(words, slot);
  words[slot] = handle;
  words[slot + 1] = 1;
}

/** This thread has found the handle at `handle` closed. */
export function dropSpares(words: Int32Array<ArrayBuffer>, handle: number): void {
  const count = takeSpares(words, handle);
  if (count > 0) dropHandle(handle, count);
}

/** The references to the handle that this thread has over, which are the caller's now. */
export function takeSpares(words: Int32Array<ArrayBuffer>, handle: number): number {
  const thread = enrolled();
  const slot = slotOf(thread, handle);
  if (thread === 0 || words[slot] !== handle) return 0;
  const count = words[slot + 1];
  words[slot + 1] = 0;
  return count;
}

function giveSlot(words: Int32Array<ArrayBuffer>, slot: number): void {
  const count = words[slot + 1];
  // Before they are given back: should the thread end in between, too much is kept and not too little.
  words[slot + 1] = 0;
  if (count > 0) dropHandle(words[slot], count);
}

let nextLook = 0;

/** Gives back what this thread has over of handles that others have closed: of a few at each call. */
export function lookAtSpares(words: Int32Array<ArrayBuffer>, thread: number): void {
  for (let i = 0; i < LOOKS; i++) {
    const slot = thread + T_SPARE + nextLook * 2;
    nextLook = nextLook + 1 & SPARES - 1;
    if (words[slot + 1] > 0 && isMarkedClosed(words, words[slot] + H_CALLS)) giveSlot(words, slot);
  }
}

/** Gives back all that the thread at `thread` has over: the calling one, or one that has ended. */
export function giveSpares(thread: number): void {
  const { words } = ledger();
  for (let i = 0; i < SPARES; i++) giveSlot(words, thread + T_SPARE + i * 2);
}
