/**
 * Futexes: the lock around a port, and where its threads sleep.
 *
 * @module
 */

import { futex } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { SYS_futex } from "./errno.ts";
import { isDead } from "./death.ts";
import { LOCK_TIMEOUT, T_STATE, T_TIMESPEC } from "./layout.ts";
import { acquire, release } from "./lock.ts";
import { region } from "./region.ts";
import type { TailMemory } from "./tail.ts";

const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;

/** Looks at a taken lock before sleeping: a critical section is some 50 ns long. */
const SPINS = 100;

/** How long a moment is, as far as the processor can be asked. */
const PAUSE = 20;

const NOTHING = word(0);

function addressOfWord(at: number): number {
  return region().address + at * 4;
}

/** The region, as the locks use it. */
export const memory: TailMemory = {
  compareExchange: (at, expected, value) =>
    Atomics.compareExchange(region().words, at, expected, value),
  exchange: (at, value) => Atomics.exchange(region().words, at, value),
  load: (at) => Atomics.load(region().words, at),
  peek: (at) => region().words[at],
  or: (at, bits) => Atomics.or(region().words, at, bits),
  and: (at, bits) => Atomics.and(region().words, at, bits),
  // Every look takes the line away from the thread that is about to write it: with a moment between
  // them, one thread posts a fifth more packets to two that take.
  pause: () => Atomics.pause?.(PAUSE),
  wait(at, value) {
    const address = word(addressOfWord(at));
    const time = word(addressOfWord(LOCK_TIMEOUT));
    futex().syscall(SYS_futex, address, FUTEX_WAIT_PRIVATE, value >>> 0, time, NOTHING, 0);
  },
  wake,
  isGone: isDead,
};

/**
 * Takes the lock at word `at` for the thread whose first word is `thread`. True if
 * the thread that held it has ended meanwhile.
 */
export function lock(at: number, thread: number): boolean {
  return acquire(memory, at, thread, SPINS);
}

/** Gives the lock at word `at` back. */
export function unlock(at: number): void {
  release(memory, at);
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
