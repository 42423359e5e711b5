/**
 * How many operations are in flight on a port: counted by each thread for itself, so
 * that starts and ends of several threads do not meet in one word. What a thread has
 * counted for the port before goes to that port when it turns to another one.
 *
 * @module
 */

import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { enrolled } from "./threads.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { P_IN_FLIGHT, P_MAX_IN_FLIGHT, T_ENDED, T_PORT, T_STARTED } = ledgers;

/** Looks at the counts of all threads until two of them agree. */
const LOOKS = 1000;

/** Counts an operation that is about to be started; false if the port's limit is reached. */
export function countStart(words: Int32Array<ArrayBuffer>, port: number): boolean {
  const limit = words[port + P_MAX_IN_FLIGHT];
  if (limit !== 0) return countUnder(words, port, limit);
  const thread = enrolled();
  if (thread === 0) Atomics.add(words, port + P_IN_FLIGHT, 1);
  else {
    if (words[thread + T_PORT] !== port) turnTo(words, thread, port);
    words[thread + T_STARTED] = words[thread + T_STARTED] + 1 | 0;
  }
  return true;
}

/** Counts an operation that is over, or was not started after all. */
export function countEnd(words: Int32Array<ArrayBuffer>, port: number): void {
  const thread = enrolled();
  if (thread === 0) Atomics.sub(words, port + P_IN_FLIGHT, 1);
  else {
    if (words[thread + T_PORT] !== port) turnTo(words, thread, port);
    words[thread + T_ENDED] = words[thread + T_ENDED] + 1 | 0;
  }
}

/** All that start under a limit count in the port's own word, so that none takes another's room. */
function countUnder(words: Int32Array<ArrayBuffer>, port: number, limit: number): boolean {
  for (;;) {
    const seen = Atomics.load(words, port + P_IN_FLIGHT);
    // What threads have counted can only become less meanwhile.
    if (seen + inThreads(words, port) >= limit) return false;
    if (Atomics.compareExchange(words, port + P_IN_FLIGHT, seen, seen + 1) === seen) return true;
  }
}

function inThreads(words: Int32Array<ArrayBuffer>, port: number): number {
  // What is just being moved is missing here, and may not be in the port's own word yet.
  for (let looks = 0; looks < LOOKS && !look(words, port); looks++);
  return started - ended | 0;
}

/** The thread counts for this port from here on; without a call in between, so that it cannot end halfway. */
function turnTo(words: Int32Array<ArrayBuffer>, thread: number, port: number): void {
  const before = words[thread + T_PORT];
  const count = words[thread + T_STARTED] - words[thread + T_ENDED] | 0;
  words[thread + T_PORT] = MOVING;
  if (count !== 0) Atomics.add(words, before + P_IN_FLIGHT, count);
  words[thread + T_ENDED] = words[thread + T_STARTED];
  Atomics.store(words, thread + T_PORT, port);
}

/** In place of a thread's port while its count is being moved: nobody can add up meanwhile. */
const MOVING = -1;

/** The thread at `thread` has ended: what it has counted is the port's. */
export function giveCount(words: Int32Array<ArrayBuffer>, thread: number): void {
  if (words[thread + T_PORT] > 0) turnTo(words, thread, 0);
  words[thread + T_PORT] = 0;
}

/** How many operations are in flight on the port at `port`: as many as there were at one moment. */
export function inFlightOf(port: number): number {
  const { words } = ledger();
  let count = 0;
  for (let looks = 0; looks < LOOKS; looks++) {
    const isWhole = look(words, port);
    const base = Atomics.load(words, port + P_IN_FLIGHT);
    const startedFirst = started;
    const endedFirst = ended;
    count = base + started - ended | 0;
    // The counts only grow: what is the same twice was so in between.
    const isSame = look(words, port) && started === startedFirst && ended === endedFirst &&
      Atomics.load(words, port + P_IN_FLIGHT) === base;
    if (isWhole && isSame) return Math.max(count, 0);
  }
  // Threads start and end so fast that there is no such moment: there is something in flight.
  return Math.max(count, 1);
}

// What `look` has seen.
let started = 0;
let ended = 0;

/** Adds up what threads have counted for the port; false if one is just moving its count. */
function look(words: Int32Array<ArrayBuffer>, port: number): boolean {
  const { threads } = ledger();
  let isWhole = true;
  started = 0;
  ended = 0;
  for (
    let thread = threads.nextTaken(0);
    thread >= 0;
    thread = threads.nextTaken(threads.indexOf(thread) + 1)
  ) {
    const of = Atomics.load(words, thread + T_PORT);
    if (of === MOVING) isWhole = false;
    if (of !== port) continue;
    ended = ended + words[thread + T_ENDED] | 0;
    started = started + words[thread + T_STARTED] | 0;
  }
  return isWhole;
}
