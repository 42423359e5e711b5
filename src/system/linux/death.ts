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
import { T_MUTEX } from "./layout.ts";
import { region } from "./region.ts";

const PTHREAD_MUTEX_ROBUST = 1;
const FUTEX_OWNER_DIED = 0x40000000;

/** The calling thread lives in the place whose first word is `thread`, from now until it ends. */
export function holdLife(thread: number): void {
  const c = libc();
  // The mutex lies in the region, which is mapped until the process ends.
  const mutex = word(region().address + (thread + T_MUTEX) * 4);
  const attributes = new Uint8Array(new ArrayBuffer(64));
  c.pthread_mutexattr_init(attributes);
  c.pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
  c.pthread_mutex_init(mutex, attributes);
  c.pthread_mutex_lock(mutex);
}

/** Whether the thread that has this place has ended. */
export function isDead(thread: number): boolean {
  const { words } = region();
  // glibc keeps the owner's word first in a mutex, musl second; the other word is a small number.
  const first = Atomics.load(words, thread + T_MUTEX);
  const second = Atomics.load(words, thread + T_MUTEX + 1);
  return ((first | second) & FUTEX_OWNER_DIED) !== 0;
}
