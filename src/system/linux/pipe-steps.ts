/**
 * What a read or a write of a pipe has done so far, in its annex, so that whoever goes on
 * for a thread that has ended in the middle does nothing a second time.
 *
 * It is a string of steps. Where a step leads is noted first; then comes the one call that
 * takes from the socket or gives to it; then what was noted becomes true. Whether the
 * call was still made is not for the thread to note, which may end right behind it: the
 * kernel does, by the count that recvmmsg(2) and sendmmsg(2) write beside their message.
 *
 * All functions are called with the lock of the handle's port held.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { IN_MESSAGE, PIPE_OFFSET, setFlag } from "./pipe-rows.ts";
import { region } from "./region.ts";

// In the annex, behind what a transaction keeps.
/** Which life and kind of the request the rest is of: a transaction becomes a read. */
const S_LIFE: number = layout.X_OWN + 4;
const S_KIND: number = layout.X_OWN + 5;
/** Bytes so far, and what it comes to: 0 while it goes on, `ENDED`, or a negated errno. */
const S_DONE: number = layout.X_OWN + 6;
const S_RESULT: number = layout.X_OWN + 7;
/** The step under way: one of the values below, or 0. */
const S_STEP: number = layout.X_OWN + 8;
/** What will be true of the request and of its handle. */
const S_NEXT_DONE: number = layout.X_OWN + 9;
const S_NEXT_RESULT: number = layout.X_OWN + 10;
const S_NEXT_FLAGS: number = layout.X_OWN + 11;
const S_NEXT_OFFSET: number = layout.X_OWN + 12;
const S_NEXT_IN_MESSAGE: number = layout.X_OWN + 13;
/** The step's `struct mmsghdr`, which has pointers in it. */
const S_MESSAGE: number = layout.X_OWN + 16;
const MESSAGE_WORDS = 16;
const MESSAGE_LENGTH = 14;

const WITHOUT_CALL = 1;
const BY_CALL = 2;
/** As `BY_CALL`, and the bytes that the kernel counts come to those before. */
const BY_COUNT = 3;

/** The kernel has not written how many bytes there were. */
const NOT_YET = -1;

/** A result: the request ends with the bytes it has. */
export const ENDED = 1;

/** In place of an offset in the next packet: the step is not a read of the handle's messages. */
export const KEEP = -1;

function isOfThisLife(request: number, annex: number): boolean {
  const { words } = region();
  return words[annex + S_LIFE] === words[request + layout.R_GENERATION] &&
    words[annex + S_KIND] === words[request + layout.R_KIND];
}

/**
 * The request begins, or goes on where it was left, also by a thread that has ended.
 * True if it has come to its result.
 */
export function resume(request: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  if (isOfThisLife(request, annex)) {
    settle(request, annex);
    return words[annex + S_RESULT] !== 0;
  }
  words[annex + S_KIND] = 0;
  words[annex + S_STEP] = 0;
  words[annex + S_DONE] = 0;
  words[annex + S_RESULT] = 0;
  words[annex + S_LIFE] = words[request + layout.R_GENERATION];
  words[annex + S_KIND] = words[request + layout.R_KIND];
  return false;
}

/** Whether anything may have come of the request; then it must go on. */
export function hasBegun(request: number): boolean {
  return isOfThisLife(request, layout.annexOf(request));
}

/** Bytes that the request has read or written. */
export function doneOf(request: number): number {
  const annex = layout.annexOf(request);
  if (!isOfThisLife(request, annex)) return 0;
  settle(request, annex);
  return region().words[annex + S_DONE] >>> 0;
}

/** Whether the request, which has been resumed, has come to its result. */
export function hasEnded(request: number): boolean {
  return region().words[layout.annexOf(request) + S_RESULT] !== 0;
}

/** What the request has come to: a count, or a negated errno; 0 as well while it goes on. */
export function resultOf(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const result = words[annex + S_RESULT];
  return result === ENDED ? words[annex + S_DONE] >>> 0 : result;
}

/**
 * Notes where the next step leads: to `done` bytes and to `result`; to `flags` among the
 * request's; and, unless `offset` is `KEEP`, to this offset in the handle's next packet, and
 * into or out of a message.
 */
export function note(
  request: number,
  done: number,
  result: number,
  flags: number = 0,
  offset: number = KEEP,
  isInMessage: boolean = false,
): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  words[annex + S_NEXT_DONE] = done;
  words[annex + S_NEXT_RESULT] = result;
  words[annex + S_NEXT_FLAGS] = flags;
  words[annex + S_NEXT_OFFSET] = offset;
  words[annex + S_NEXT_IN_MESSAGE] = isInMessage ? 1 : 0;
}

/** The noted step needs no call: it is true from here on. */
export function take(request: number): void {
  const annex = layout.annexOf(request);
  region().words[annex + S_STEP] = WITHOUT_CALL;
  settle(request, annex);
}

/**
 * The noted step is made by the call that is to follow, which must be given this message:
 * the first word of a `struct mmsghdr` of zeros. With `isCounted` the bytes of the call
 * come to those of the note. Then `called` must follow.
 */
export function calling(request: number, isCounted: boolean): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const message = annex + S_MESSAGE;
  words.fill(0, message, message + MESSAGE_WORDS);
  words[message + MESSAGE_LENGTH] = NOT_YET;
  words[annex + S_STEP] = isCounted ? BY_COUNT : BY_CALL;
  return message;
}

/** The call is over: if it was one, its step is true. */
export function called(request: number): void {
  settle(request, layout.annexOf(request));
}

/** A step that is under way becomes true, unless its call was not made. */
function settle(request: number, annex: number): void {
  const { words } = region();
  const step = words[annex + S_STEP];
  if (step === 0) return;
  const count = words[annex + S_MESSAGE + MESSAGE_LENGTH];
  if (step === WITHOUT_CALL || count !== NOT_YET) {
    const handle = words[request + layout.R_HANDLE];
    words[request + layout.R_FLAGS] |= words[annex + S_NEXT_FLAGS];
    if (words[annex + S_NEXT_OFFSET] !== KEEP) {
      words[handle + PIPE_OFFSET] = words[annex + S_NEXT_OFFSET];
      setFlag(handle, IN_MESSAGE, words[annex + S_NEXT_IN_MESSAGE] !== 0);
    }
    words[annex + S_DONE] = words[annex + S_NEXT_DONE] + (step === BY_COUNT ? count : 0);
    words[annex + S_RESULT] = words[annex + S_NEXT_RESULT];
  }
  words[annex + S_STEP] = 0;
}
