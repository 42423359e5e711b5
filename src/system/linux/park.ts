/**
 * Futexes: the lock around a port, and where its threads sleep.
 *
 * @module
 */

import { futex } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { SYS_futex } from "./errno.ts";
import { T_STATE, T_TIMESPEC } from "./layout.ts";
import { region } from "./region.ts";

const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;

/** Set in a lock's word beside its owner when others may sleep on it. */
const CONTENDED = -0x80000000;

/** Looks at a taken lock before sleeping: a critical section is some 50 ns long. */
const SPINS = 100;

const NOTHING = word(0);

function addressOfWord(at: number): number {
  return region().address + at * 4;
}

/**
 * Takes the lock at word `at` for `owner` (a positive number, the same at each
 * call of one thread). Not recursive; held for a few hundred instructions,
 * never across a system call that can wait.
 */
export function lock(words: Int32Array<ArrayBuffer>, at: number, owner: number): void {
  if (Atomics.compareExchange(words, at, 0, owner) !== 0) lockContended(words, at, owner);
}

function lockContended(words: Int32Array<ArrayBuffer>, at: number, owner: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(words, at) === 0 && Atomics.compareExchange(words, at, 0, owner) === 0) return;
  }
  for (;;) {
    const seen = Atomics.load(words, at);
    // Whoever got past the spins cannot know who else sleeps: it takes the mark along.
    if (seen === 0) {
      if (Atomics.compareExchange(words, at, 0, owner | CONTENDED) === 0) return;
    } else if (
      seen < 0 || Atomics.compareExchange(words, at, seen, seen | CONTENDED) === seen
    ) {
      const address = word(addressOfWord(at));
      const value = (seen | CONTENDED) >>> 0;
      futex().syscall(SYS_futex, address, FUTEX_WAIT_PRIVATE, value, NOTHING, NOTHING, 0);
    }
  }
}

/** Gives the lock at word `at` back. */
export function unlock(words: Int32Array<ArrayBuffer>, at: number): void {
  if (Atomics.exchange(words, at, 0) < 0) wake(at);
}

/** Wakes one thread that sleeps on word `at`. */
export function wake(at: number): void {
  const address = word(addressOfWord(at));
  futex().syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, 1, NOTHING, NOTHING, 0);
}

/**
 * Sleeps while the thread's state is `state`, at most `milliseconds`. May return
 * for no reason (a signal): the caller looks at the state again.
 */
export function sleep(thread: number, state: number, milliseconds: number): void {
  const timeout = milliseconds === Infinity ? NOTHING : timespec(thread, milliseconds);
  const address = word(addressOfWord(thread + T_STATE));
  futex().syscall(SYS_futex, address, FUTEX_WAIT_PRIVATE, state, timeout, NOTHING, 0);
}

/** Writes a `struct timespec` to the thread's own words and returns its address. */
export function timespec(thread: number, milliseconds: number): number | bigint {
  const { words } = region();
  const seconds = Math.floor(milliseconds / 1000);
  words[thread + T_TIMESPEC] = seconds;
  words[thread + T_TIMESPEC + 1] = 0;
  words[thread + T_TIMESPEC + 2] = Math.floor((milliseconds - seconds * 1000) * 1e6);
  words[thread + T_TIMESPEC + 3] = 0;
  return word(addressOfWord(thread + T_TIMESPEC));
}
