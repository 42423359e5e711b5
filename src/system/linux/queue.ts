/**
 * The algorithm of a completion port: a FIFO queue of packets, a LIFO stack of
 * waiting threads, a count of running ones and the limit it is held against.
 *
 * Nothing here waits, wakes or does I/O, and every method is called **with the
 * port's lock held**. After a change, `release` hands packets to waiters for as
 * long as there are packets, waiters and room under the concurrency value; the
 * caller wakes the threads it names once the lock is given back.
 *
 * Posting needs the lock only if a thread waits beside an empty queue, which
 * `release` then notes at the tail (`tail.ts`): so whoever posts next sees it.
 *
 * What a thread does that takes packets is `step`: it either has packets, or has
 * waited long enough, or must sleep and step again. The tests drive the same
 * method through every order of events.
 *
 * Case numbers are those of `docs/semantics.md`.
 *
 * @module
 */

import { Fifo, type Words } from "./fifo.ts";
import * as layout from "./layout.ts";
import { type COUNTED_ASLEEP, type COUNTED_BLOCKING, placeOf, threadAt } from "./layout.ts";
import { AWAITED, clearAwaited, setAwaited, TAIL_MASK } from "./tail.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  COUNTED_NO,
  COUNTED_YES,
  PACKET_WORDS,
  P_ACTIVE,
  P_CONCURRENCY,
  P_GENERATION,
  P_HEAD,
  P_NEWEST,
  P_TAIL,
  P_WAITING,
  P_WATCHER,
  STATE_ABANDONED,
  STATE_HANDED,
  STATE_IN_RING,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_WATCHING,
  T_ASLEEP,
  T_COUNTED,
  T_HANDING,
  T_HANDING_HEAD,
  T_LENT,
  T_LENT_HEAD,
  T_OLDER,
  T_PACKET,
  T_PORT,
  T_PORT_GENERATION,
  T_STATE,
} = layout;

/** A thread that was let go or appointed, and the state in which it waited. */
export interface Released {
  readonly thread: number;
  readonly state: number;
}

/** Answers of `step` that are no number of packets. */
export const TIMED_OUT = 0;
export const ABANDONED = -1;
export const MUST_SLEEP = -2;

/** One port's queue, stack and count, as one thread sees them. */
export class Queue extends Fifo {
  /** Threads to wake since the caller last emptied this list. */
  readonly released: Released[] = [];

  /** Takes up to `max` packets for nobody, before `abandon`. Returns how many. */
  drop(into: Words, max: number): number {
    const count = Math.min(max, this.queued());
    this.moveOldest(into, 0, count);
    return count;
  }

  /**
   * What `thread`, which wants up to `max` packets `into`, does now: the number of
   * packets it has got, `TIMED_OUT`, `ABANDONED` or `MUST_SLEEP`. `isLate` says
   * that it will not wait (any longer). After `MUST_SLEEP` it gives the lock back,
   * sleeps while its state stays what it is, takes the lock and steps again.
   */
  step(thread: number, into: Words, max: number, isLate: boolean): number {
    switch (this.words[thread + T_STATE]) {
      case STATE_RUNNING:
        return this.#begin(thread, into, max, isLate);
      case STATE_HANDED:
        return this.#takeHanded(thread, into, max);
      case STATE_ABANDONED:
        Atomics.store(this.words, thread + T_STATE, STATE_RUNNING);
        return ABANDONED;
      default:
        if (!isLate) return MUST_SLEEP;
        this.unpark(thread);
        this.#count(thread);
        return TIMED_OUT;
    }
  }

  /** It comes back to take: it no longer runs for the port, and goes before all waiters (47). */
  #begin(thread: number, into: Words, max: number, isLate: boolean): number {
    const words = this.words;
    const port = this.port;
    this.#arrive(thread);
    const queued = this.queued();
    if (queued !== 0 && words[port + P_ACTIVE] < words[port + P_CONCURRENCY]) {
      this.#count(thread);
      return this.#lend(thread, into, 0, Math.min(max, queued));
    }
    if (isLate) {
      // Bound and counted, although it got nothing (52).
      this.#count(thread);
      return TIMED_OUT;
    }
    this.#park(thread);
    return MUST_SLEEP;
  }

  #arrive(thread: number): void {
    const words = this.words;
    if (this.isBound(thread)) {
      if (words[thread + T_COUNTED] === COUNTED_YES) words[this.port + P_ACTIVE]--;
    } else {
      words[thread + T_PORT] = this.place + 1;
      words[thread + T_PORT_GENERATION] = words[this.port + P_GENERATION];
    }
    words[thread + T_COUNTED] = COUNTED_NO;
  }

  /** Whether the thread last waited on this port, in this life of it. */
  isBound(thread: number): boolean {
    const words = this.words;
    return words[thread + T_PORT] === this.place + 1 &&
      words[thread + T_PORT_GENERATION] === words[this.port + P_GENERATION];
  }

  /** It was released with a packet, and takes what else is queued: a batch counts once (35). */
  #takeHanded(thread: number, into: Words, max: number): number {
    const words = this.words;
    for (let i = 0; i < PACKET_WORDS; i++) into[i] = words[thread + T_PACKET + i];
    const taken = this.#lend(thread, into, 1, Math.min(max - 1, this.queued()));
    Atomics.store(words, thread + T_STATE, STATE_RUNNING);
    return taken;
  }

  /**
   * Copies the `count` oldest packets behind the `first` ones that `into` has already. From
   * here on all of them are lent to the thread (`T_LENT`): should it end before its
   * program has got them, they are put back. Returns how many there are.
   */
  #lend(thread: number, into: Words, first: number, count: number): number {
    const words = this.words;
    const port = this.port;
    this.copyOldest(into, first * PACKET_WORDS, count);
    words[thread + T_LENT_HEAD] = words[port + P_HEAD] + count | 0;
    words[thread + T_LENT] = -first - count;
    this.dropOldest(count);
    words[thread + T_LENT] = first + count;
    return first + count;
  }

  /** A thread that has ended was just being lent packets: either it was, or they never left. */
  settleLoan(thread: number): void {
    const words = this.words;
    const lent = words[thread + T_LENT];
    if (lent >= 0) return;
    const hasLeft = words[thread + T_LENT_HEAD] === words[this.port + P_HEAD];
    words[thread + T_LENT] = hasLeft ? -lent : 0;
  }

  #count(thread: number): void {
    this.words[thread + T_COUNTED] = COUNTED_YES;
    this.words[thread + T_ASLEEP] = 0;
    this.words[this.port + P_ACTIVE]++;
  }

  /** The thread waits: newest on the stack (45). */
  #park(thread: number): void {
    const words = this.words;
    const port = this.port;
    words[thread + T_OLDER] = words[port + P_NEWEST];
    Atomics.store(words, thread + T_STATE, STATE_PARKED);
    words[port + P_NEWEST] = placeOf(thread) + 1;
    words[port + P_WAITING]++;
  }

  /** A waiting thread gives up: it leaves the stack wherever it is in it (49). */
  unpark(thread: number): void {
    const words = this.words;
    const place = placeOf(thread) + 1;
    let link = this.port + P_NEWEST;
    while (words[link] !== place) link = threadAt(words[link] - 1) + T_OLDER;
    words[link] = words[thread + T_OLDER];
    words[this.port + P_WAITING]--;
    this.#unwatch(thread);
    Atomics.store(words, thread + T_STATE, STATE_RUNNING);
  }

  /** The thread that has waited longest, or -1. */
  oldestWaiter(): number {
    const words = this.words;
    let place = words[this.port + P_NEWEST];
    if (place === 0) return -1;
    for (;;) {
      const older = words[threadAt(place - 1) + T_OLDER];
      if (older === 0) return threadAt(place - 1);
      place = older;
    }
  }

  /**
   * Hands the oldest packet to the newest waiter for as long as both exist and
   * fewer threads run than may (45, 46, 50, 51). If packets and waiters are left
   * over, the oldest waiter is appointed to watch the running threads; if only waiters
   * are, who puts in the next packet is told.
   */
  release(): void {
    const words = this.words;
    const port = this.port;
    while (words[port + P_NEWEST] !== 0) {
      if (this.queued() === 0) {
        if (this.#isAwaited() || setAwaited(this.memory, port + P_TAIL) === this.#head()) return;
        // Somebody has posted just before.
        continue;
      }
      if (words[port + P_ACTIVE] >= words[port + P_CONCURRENCY]) {
        if (words[port + P_WATCHER] === 0) this.#appoint(this.oldestWaiter());
        break;
      }
      const thread = threadAt(words[port + P_NEWEST] - 1);
      words[thread + T_HANDING_HEAD] = words[port + P_HEAD] + 1 | 0;
      words[thread + T_HANDING] = 1;
      this.#pop();
      this.#count(thread);
      this.moveOldest(words, thread + T_PACKET, 1);
      this.#letGo(thread, STATE_HANDED);
      words[thread + T_HANDING] = 0;
    }
    if (this.#isAwaited()) clearAwaited(this.memory, port + P_TAIL);
  }

  /** Whether who puts in a packet is told that somebody waits. */
  #isAwaited(): boolean {
    return (this.words[this.port + P_TAIL] & AWAITED) !== 0;
  }

  #head(): number {
    return this.words[this.port + P_HEAD] & TAIL_MASK;
  }

  #pop(): number {
    const words = this.words;
    const thread = threadAt(words[this.port + P_NEWEST] - 1);
    words[this.port + P_NEWEST] = words[thread + T_OLDER];
    words[this.port + P_WAITING]--;
    this.#unwatch(thread);
    return thread;
  }

  #letGo(thread: number, state: number): void {
    const before = Atomics.exchange(this.words, thread + T_STATE, state);
    this.released.push({ thread, state: before });
  }

  #appoint(thread: number): void {
    const words = this.words;
    words[this.port + P_WATCHER] = placeOf(thread) + 1;
    // One that is in the ring stays there and watches between its looks at it.
    const isInRing = words[thread + T_STATE] === STATE_IN_RING;
    this.#letGo(thread, isInRing ? STATE_IN_RING : STATE_WATCHING);
  }

  #unwatch(thread: number): void {
    if (this.isWatcher(thread)) this.words[this.port + P_WATCHER] = 0;
  }

  /** Whether the thread has been appointed to watch the running ones. */
  isWatcher(thread: number): boolean {
    return this.words[this.port + P_WATCHER] === placeOf(thread) + 1;
  }

  /** The watcher has nothing to watch for any more: no packet waits for a thread to be done. */
  dismissIfIdle(thread: number): void {
    const words = this.words;
    if (this.queued() !== 0 || !this.isWatcher(thread)) return;
    this.#unwatch(thread);
    if (words[thread + T_STATE] === STATE_WATCHING) {
      Atomics.store(words, thread + T_STATE, STATE_PARKED);
    }
  }

  /** The oldest waiter waits in the ring from now on, if none does. Returns it, or -1. */
  sendToRing(): number {
    const oldest = this.oldestWaiter();
    if (oldest < 0 || this.words[oldest + T_STATE] === STATE_IN_RING) return -1;
    Atomics.store(this.words, oldest + T_STATE, STATE_IN_RING);
    return oldest;
  }

  /** The thread is not bound any more: it waits elsewhere, or has ended (51). */
  leave(thread: number): void {
    this.#uncount(thread, COUNTED_NO);
    this.words[thread + T_PORT] = 0;
  }

  /** The thread is about to block, or was found blocked: another may run in its place (51). */
  suspend(thread: number, how: typeof COUNTED_ASLEEP | typeof COUNTED_BLOCKING): void {
    if (this.isBound(thread) && this.words[thread + T_COUNTED] === COUNTED_YES) {
      this.#uncount(thread, how);
    }
  }

  /** It runs again and counts at once; what is too many drains by itself (51). */
  resume(thread: number, how: typeof COUNTED_ASLEEP | typeof COUNTED_BLOCKING): void {
    if (this.isBound(thread) && this.words[thread + T_COUNTED] === how) this.#count(thread);
  }

  #uncount(thread: number, how: number): void {
    const words = this.words;
    if (this.isBound(thread) && words[thread + T_COUNTED] === COUNTED_YES) {
      words[this.port + P_ACTIVE]--;
    }
    words[thread + T_COUNTED] = how;
  }

  /** The port's handle is closed: every waiter goes with nothing (53). */
  abandon(): void {
    while (this.words[this.port + P_NEWEST] !== 0) this.#letGo(this.#pop(), STATE_ABANDONED);
  }
}
