/**
 * The threads that use the engine: one place in a table each, found again by
 * every other thread.
 *
 * A thread holds a robust mutex in its place while it lives. When it ends, in
 * whatever way, the kernel marks the mutex (FUTEX_OWNER_DIED), so that a look at
 * one word tells the living from the dead, and no reused thread id can deceive.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import * as layout from "./layout.ts";
import { portAt } from "./port.ts";
import { threadAt } from "./queue.ts";
import { region } from "./region.ts";

const PTHREAD_MUTEX_ROBUST = 1;
const FUTEX_OWNER_DIED = 0x40000000;

let own = -1;

/** The first word of the calling thread's place. Throws if too many threads live. */
export function self(): number {
  return own >= 0 ? own : enroll();
}

/** The thread stops counting for the port at `place`, and is not bound to it any more. */
export function leavePort(thread: number, place: number): void {
  const { words } = region();
  const port = portAt(place);
  port.lock(self());
  port.queue.leave(thread);
  port.queue.release();
  words[thread + layout.T_PORT] = 0;
  port.unlock();
}

/** Whether the thread that has this place has ended. */
export function isDead(thread: number): boolean {
  const { words } = region();
  // glibc keeps the owner's word first in a mutex, musl second; the other word is a small number.
  const first = Atomics.load(words, thread + layout.T_MUTEX);
  const second = Atomics.load(words, thread + layout.T_MUTEX + 1);
  return ((first | second) & FUTEX_OWNER_DIED) !== 0;
}

/** Gives back what ended threads held: their place, and their part in a port's count. */
function buryDead(): void {
  const { threads } = region();
  for (let place = 0; place < layout.MAX_THREADS; place++) {
    const thread = threadAt(place);
    if (!threads.has(place) || !isDead(thread) || !claimBurial(thread)) continue;
    const bound = region().words[thread + layout.T_PORT];
    if (bound !== 0) leavePort(thread, bound - 1);
    threads.release(place);
  }
}

/** Of several threads that see a dead one, exactly one buries it. */
function claimBurial(thread: number): boolean {
  const { words } = region();
  const tid = Atomics.load(words, thread + layout.T_TID);
  return tid !== 0 && Atomics.compareExchange(words, thread + layout.T_TID, tid, 0) === tid;
}

function enroll(): number {
  const { threads, words, address } = region();
  const place = threads.acquire();
  if (place < 0) throw new RangeError(`More than ${layout.MAX_THREADS} threads use ports`);
  const thread = threadAt(place);
  words.fill(0, thread, thread + layout.THREAD_WORDS);
  holdMutex(address + (thread + layout.T_MUTEX) * 4);
  Atomics.store(words, thread + layout.T_TID, libc().gettid());
  own = thread;
  // A thread more is the moment when places are needed, and the burying needs one itself.
  buryDead();
  return thread;
}

/** The mutex lies in the region, which is mapped until the process ends. */
function holdMutex(address: number): void {
  const c = libc();
  const attributes = new Uint8Array(new ArrayBuffer(64));
  c.pthread_mutexattr_init(attributes);
  c.pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
  c.pthread_mutex_init(word(address), attributes);
  c.pthread_mutex_lock(word(address));
}
