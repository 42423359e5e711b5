/**
 * The threads that use the engine: one place in a table each, found again by
 * every other thread; and what is done for those that have ended.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { holdLife, isDead } from "./death.ts";
import * as layout from "./layout.ts";
import { CONTENDED } from "./lock.ts";
import { unlockForEnded } from "./pipe-folders.ts";
import { payReferences, type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { takeBack } from "./repair.ts";
import { AWAITED, countOf, ownerOf } from "./tail.ts";
import { adoptRequests, endCalls } from "./adoption.ts";

let own = -1;

/** The first word of the calling thread's place. Throws if too many threads live. */
export function self(): number {
  return own >= 0 ? own : enroll();
}

function enroll(): number {
  const { threads, words } = region();
  const place = threads.acquire();
  if (place < 0) throw new RangeError(`More than ${layout.MAX_THREADS} threads use ports`);
  const thread = layout.threadAt(place);
  words.fill(0, thread, thread + layout.THREAD_WORDS);
  holdLife(thread);
  Atomics.store(words, thread + layout.T_TID, libc().gettid());
  own = thread;
  // A thread more is the moment when places are needed, and the burying needs one itself.
  buryDead();
  return thread;
}

/** The calling thread is not bound to the port at `place` any more. */
export function leavePort(place: number): void {
  const port = portAt(place);
  port.lock(self());
  port.queue.leave(self());
  port.queue.release();
  port.unlock();
}

/**
 * Gives back what ended threads held, at every port. A handful of loads if there
 * are none; called before a thread sleeps, by the watcher and by new threads.
 */
export function buryDead(): void {
  const { words, threads } = region();
  for (let place = threads.nextTaken(0); place >= 0; place = threads.nextTaken(place + 1)) {
    const thread = layout.threadAt(place);
    if (!hasEnded(thread) || !claimBurial(thread)) continue;
    inheritLocks(thread);
    const bound = words[thread + layout.T_PORT];
    if (bound !== 0) {
      const port = portAt(bound - 1);
      port.lock(self());
      if (port.queue.isBound(thread)) bury(port, thread);
      port.unlock();
    }
    if (words[thread + layout.T_UNFINISHED] !== 0) finishForIt();
    unlockForEnded(thread);
    endCalls(place);
    adoptRequests(place, self());
    payReferences(thread);
    Atomics.store(words, thread + layout.T_TID, 0);
    threads.release(place);
  }
}

/** The locks it has ended with are taken over now: the next thread in its place would seem to have them. */
function inheritLocks(thread: number): void {
  const { words, ports } = region();
  for (const place of ports.taken()) {
    const at = layout.PORTS + place * layout.PORT_WORDS;
    const isLocked = (Atomics.load(words, at + layout.P_LOCK) & ~CONTENDED) === thread;
    const tail = Atomics.load(words, at + layout.P_TAIL);
    // It may have put in a packet that is awaited, and not have come to hand it over.
    const isLeft = (tail & AWAITED) !== 0 && countOf(tail, words[at + layout.P_HEAD]) !== 0;
    if (!isLocked && !isLeft && ownerOf(tail) !== thread) continue;
    const port = portAt(place);
    port.lock(self());
    port.queue.openTail(port.queue.closeTail());
    port.queue.release();
    port.unlock();
  }
}

/** A thread has ended between giving a lock back and what was to follow: we do it for all ports. */
function finishForIt(): void {
  for (const place of region().ports.taken()) {
    const port = portAt(place);
    port.lock(self());
    if (port.addReferenceIfAlive()) {
      port.dropReferenceLater();
      port.revive();
    }
    port.unlock();
  }
}

function hasEnded(thread: number): boolean {
  return Atomics.load(region().words, thread + layout.T_TID) !== 0 && isDead(thread);
}

/**
 * Of several threads that see a dead one, exactly one buries it, and should that
 * one end as well, another. None buries the living one that has been given the
 * place meanwhile.
 */
function claimBurial(thread: number): boolean {
  const { words } = region();
  const at = thread + layout.T_BURIER;
  const burier = Atomics.load(words, at);
  if (burier !== 0 && !isDead(layout.threadAt(burier - 1))) return false;
  const me = layout.placeOf(self()) + 1;
  if (Atomics.compareExchange(words, at, burier, me) !== burier) return false;
  if (hasEnded(thread)) return true;
  Atomics.compareExchange(words, at, me, 0);
  return false;
}

/**
 * Its place among the waiters goes; a packet it was just handed goes back to be
 * taken by another; its part of the count goes. Under the port's lock.
 */
function bury(port: Port, thread: number): void {
  const { words } = region();
  const state = words[thread + layout.T_STATE];
  if (words[thread + layout.T_LENT] !== 0 || state === layout.STATE_HANDED) takeBack(port, thread);
  else if (state !== layout.STATE_RUNNING && state !== layout.STATE_ABANDONED) {
    port.queue.unpark(thread);
  }
  port.queue.leave(thread);
  port.isBackFromRing(thread);
  if (words[thread + layout.T_HOLDS] !== 0) port.dropReferenceLater(thread + layout.T_HOLDS);
  if (port.hasEngine()) port.promote();
  port.queue.release();
}
