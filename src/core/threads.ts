/**
 * The threads that use ports: a place in the ledger each, in which stands what
 * others must give back when the thread has ended without doing so itself, by an
 * error, by `Worker.terminate` or before its garbage was collected.
 *
 * @module
 */

import { system } from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import { letGoOf } from "./holds.ts";
import * as ledgers from "./ledger.ts";
import { ledger, readNumber, writeNumber } from "./ledger.ts";
import { MAX_BATCH } from "./limits.ts";
import { giveCount } from "./flight.ts";
import { finish } from "./operation.ts";
import { giveKept } from "./places.ts";
import { giveSpares } from "./spares.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  GENERATION,
  NOT_STARTED,
  O_INTERNAL,
  RECOVERING,
  SPARES,
  T_FREE_COUNT,
  T_HAND,
  T_LIVES,
  T_MARK,
  T_PORT,
  T_READY,
  T_ROOM,
  T_SPARE,
  T_STARTING,
  T_STARTING_LIFE,
  T_TAKING,
} = ledgers;

let own = 0;

/**
 * The place of the calling thread.
 *
 * @throws {RangeError} if too many threads use ports.
 */
export function self(): number {
  const thread = selfIfRoom();
  if (thread === 0) throw ledger().threads.limitReached();
  return thread;
}

/** The place of the calling thread; 0 if too many threads use ports. */
export function selfIfRoom(): number {
  return own !== 0 ? own : enroll();
}

/** The place of the calling thread, if it has used ports; else 0. */
export function enrolled(): number {
  return own;
}

function enroll(): number {
  buryEnded();
  const { words, threads } = ledger();
  const thread = threads.tryAcquire();
  if (thread < 0) return 0;
  words[thread + T_TAKING] = 0;
  words[thread + T_HAND] = 0;
  words[thread + T_FREE_COUNT] = 0;
  words[thread + T_READY] = 0;
  words.fill(0, thread + T_PORT, thread + T_STARTING_LIFE + 1);
  words.fill(0, thread + T_SPARE, thread + T_SPARE + SPARES * 2);
  writeNumber(words, thread + T_ROOM, 0);
  const code = system.openThread(markOf(thread));
  if (code !== 0) {
    threads.release(thread);
    throw new Win32Error(code, "OpenThread");
  }
  Atomics.store(words, thread + T_LIVES, lifeIn(words[thread + GENERATION]));
  return own = thread;
}

/** What stands in `T_LIVES` of a thread in life `generation` of its place: positive, another one each time. */
function lifeIn(generation: number): number {
  // A place in use has an odd generation, so that this is never 0.
  return generation & 0x7fffffff;
}

function markOf(thread: number): number {
  return ledger().address + (thread + T_MARK) * 4;
}

/**
 * Gives back what ended threads have held: a look at each thread's mark if there
 * are none. Of several threads that see an ended one, exactly one buries it.
 */
export function buryEnded(): void {
  const { words, threads } = ledger();
  for (
    let thread = threads.nextTaken(0);
    thread >= 0;
    thread = threads.nextTaken(threads.indexOf(thread) + 1)
  ) {
    const lives = Atomics.load(words, thread + T_LIVES);
    // Somebody else buries it, unless that thread has ended meanwhile.
    if (lives === 0 || lives < 0 && !hasEnded(-lives) || !hasEnded(thread)) continue;
    // Not if it has been buried since, and another thread lives in its place.
    if (Atomics.compareExchange(words, thread + T_LIVES, lives, -own) !== lives) continue;
    letGoOf(thread);
    if (words[thread + T_HAND] !== 0) finish(words[thread + T_HAND]);
    if (hasUnstarted(words, thread)) finish(words[thread + T_STARTING]);
    giveKept(words, thread);
    giveSpares(thread);
    giveCount(words, thread);
    Atomics.store(words, thread + T_TAKING, 0);
    Atomics.compareExchange(words, RECOVERING, thread, 0);
    const room = readNumber(words, thread + T_ROOM);
    if (room !== 0) system.closeEntries(room, MAX_BATCH);
    system.closeThread(markOf(thread));
    Atomics.store(words, thread + T_LIVES, 0);
    threads.release(thread);
  }
}

/** Whether the thread, which has ended, was about to start an operation of which the system has not heard. */
function hasUnstarted(words: Int32Array<ArrayBuffer>, thread: number): boolean {
  const place = words[thread + T_STARTING];
  return place !== 0 && words[place + GENERATION] === words[thread + T_STARTING_LIFE] &&
    words[place + O_INTERNAL] === NOT_STARTED;
}

/** The calling thread has an operation whose packet it took no longer in its hands. */
export function emptyHand(): void {
  if (own !== 0) ledger().words[own + T_HAND] = 0;
}

/** Whether the living thread of this place has ended since. */
function hasEnded(thread: number): boolean {
  return thread !== own && system.hasThreadEnded(markOf(thread));
}

/**
 * Whether a thread is between asking for packets of the port at `port` and being
 * done with those it got. Once false of a closed port it stays so: who comes
 * later finds the port closed.
 */
export function isTaken(port: number): boolean {
  const { words, threads } = ledger();
  for (const thread of threads.taken()) {
    if (Atomics.load(words, thread + T_TAKING) === port) return true;
  }
  return false;
}

/**
 * A number for the calling thread, by which every thread can tell whether it has
 * ended. Not 0.
 *
 * @throws {RangeError} if too many threads use ports.
 */
export function lifeOfThread(): number {
  const { words, threads } = ledger();
  const thread = self();
  return threads.indexOf(thread) * LIVES + (words[thread + GENERATION] >>> 0);
}

/** Whether the thread of that number has ended: nothing of it is still to come. */
export function hasLifeEnded(life: number): boolean {
  const { words, threads } = ledger();
  const thread = threads.at(Math.floor(life / LIVES));
  // Who buries a thread ends the life of its place.
  const generation = words[thread + GENERATION];
  return generation >>> 0 !== life % LIVES ||
    Atomics.load(words, thread + T_LIVES) !== lifeIn(generation) || hasEnded(thread);
}

/** Lives that a place can tell apart. */
const LIVES = 0x100000000;
