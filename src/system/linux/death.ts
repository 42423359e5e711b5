/**
 * Telling ended threads from living ones.
 *
 * A thread holds a robust mutex in its place while it lives (get_robust_list(2)).
 * When it ends, in whatever way, the kernel marks the mutex (FUTEX_OWNER_DIED), so
 * that a look at one word is enough, and no reused thread id can deceive.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import type { ThreadSystem } from "../contract.ts";
import { T_MUTEX } from "./layout.ts";
import { region } from "./region.ts";

const PTHREAD_MUTEX_ROBUST = 1;
const FUTEX_OWNER_DIED = 0x40000000;

/** Words of a mark; a pthread_mutex_t has 40 bytes, or 48 on arm64. */
const MARK_WORDS = 16;

/** The calling thread lives in the place whose first word is `thread`, from now until it ends. */
export function holdLife(thread: number): void {
  // The mutex lies in the region, which is mapped until the process ends.
  holdMutex(region().address + (thread + T_MUTEX) * 4);
}

function holdMutex(address: number): void {
  const c = libc();
  const mutex = word(address);
  const attributes = new Uint8Array(new ArrayBuffer(64));
  c.pthread_mutexattr_init(attributes);
  c.pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
  c.pthread_mutex_init(mutex, attributes);
  c.pthread_mutex_lock(mutex);
}

/** Whether the thread that has this place has ended. */
export function isDead(thread: number): boolean {
  const { words } = region();
  return isMarked(words, thread + T_MUTEX);
}

function isMarked(words: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, at: number): boolean {
  // glibc keeps the owner's word first in a mutex, musl second; the other word is a small number.
  const first = Atomics.load(words, at);
  const second = Atomics.load(words, at + 1);
  return ((first | second) & FUTEX_OWNER_DIED) !== 0;
}

/** The contract's functions for threads. A mark is a mutex like that of a thread's place. */
export const threads: ThreadSystem = {
  openThread(mark: number): number {
    const at = wordIndex(mark);
    // The words of a mutex whose last owner has ended would be taken for this one's.
    wordsAround(mark).fill(0, at, at + MARK_WORDS);
    holdMutex(mark);
    return 0;
  },
  hasThreadEnded: (mark) => isMarked(wordsAround(mark), wordIndex(mark)),
  closeThread: (_mark) => {},
};
