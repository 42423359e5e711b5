/**
 * The algorithm of a completion port: a FIFO queue of packets, a LIFO stack of
 * waiting threads, a count of running ones and the limit it is held against.
 *
 * Nothing here waits, wakes or does I/O, and every method is called **with the
 * port's lock held**. After a change, `release` hands packets to waiters for as
 * long as there are packets, waiters and room under the concurrency value; the
 * caller wakes the threads it names once the lock is given back.
 *
 * What a thread does that takes packets is `step`: it either has packets, or has
 * waited long enough, or must sleep and step again. The tests drive the same
 * method through every order of events.
 *
 * Case numbers are those of `docs/semantics.md`.
 *
 * @module
 */

import * as layout from "./layout.ts";
import {
  type COUNTED_ASLEEP,
  type COUNTED_BLOCKING,
  COUNTED_NO,
  COUNTED_YES,
  P_ACTIVE,
  P_CAPACITY,
  P_CONCURRENCY,
  P_GENERATION,
  P_HEAD,
  P_NEWEST,
  P_TAIL,
  P_TAKEN,
  P_WAITING,
  P_WATCHER,
  PACKET_WORDS,
  placeOf,
  STATE_ABANDONED,
  STATE_HANDED,
  STATE_IN_RING,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_WATCHING,
  T_ASLEEP,
  T_COUNTED,
  T_OLDER,
  T_PACKET,
  T_PORT,
  T_PORT_GENERATION,
  T_STATE,
  threadAt,
} from "./layout.ts";

/** Packets, eight words each. */
export type Words = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

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
export class Queue {
  /** The place of the port in the table of ports. */
  readonly place: number;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #port: number;
  readonly #packetsOf: (capacity: number) => Int32Array<ArrayBuffer>;
  #packets: Int32Array<ArrayBuffer>;
  /** Threads to wake since the caller last emptied this list. */
  readonly released: Released[] = [];

  /**
   * The queue of the port at `place`; `words` are the engine's tables and
   * `packetsOf` gives a view of the packets for a capacity.
   */
  constructor(
    words: Int32Array<ArrayBuffer>,
    place: number,
    packetsOf: (capacity: number) => Int32Array<ArrayBuffer>,
  ) {
    this.place = place;
    this.#words = words;
    this.#port = layout.PORTS + place * layout.PORT_WORDS;
    this.#packetsOf = packetsOf;
    this.#packets = packetsOf(Math.max(words[this.#port + P_CAPACITY], 1));
  }

  /** How many packets are queued. */
  queued(): number {
    return this.#words[this.#port + P_TAIL] - this.#words[this.#port + P_HEAD] | 0;
  }

  /**
   * Puts a packet at the end (43). The caller has made sure that there is room:
   * `layout.MAX_QUEUE` packets, queued and in flight together.
   */
  append(
    keyLow: number,
    keyHigh: number,
    overlappedLow: number,
    overlappedHigh: number,
    status: number,
    bytes: number,
    extra: number,
  ): void {
    const words = this.#words;
    const tail = words[this.#port + P_TAIL];
    if (this.queued() === words[this.#port + P_CAPACITY]) this.#grow();
    const capacity = words[this.#port + P_CAPACITY];
    const packets = this.#packetsFor(capacity);
    const at = (tail & capacity - 1) * PACKET_WORDS;
    packets[at] = keyLow;
    packets[at + 1] = keyHigh;
    packets[at + 2] = overlappedLow;
    packets[at + 3] = overlappedHigh;
    packets[at + 4] = status;
    packets[at + 5] = 0;
    packets[at + 6] = bytes;
    packets[at + 7] = extra;
    words[this.#port + P_TAIL] = tail + 1 | 0;
  }

  /** Takes up to `max` packets for nobody, before `abandon`. Returns how many. */
  drop(into: Words, max: number): number {
    return this.#moveOldest(into, 0, max);
  }

  /**
   * What `thread`, which wants up to `max` packets `into`, does now: the number of
   * packets it has got, `TIMED_OUT`, `ABANDONED` or `MUST_SLEEP`. `isLate` says
   * that it will not wait (any longer). After `MUST_SLEEP` it gives the lock back,
   * sleeps while its state stays what it is, takes the lock and steps again.
   */
  step(thread: number, into: Words, max: number, isLate: boolean): number {
    switch (this.#words[thread + T_STATE]) {
      case STATE_RUNNING:
        return this.#begin(thread, into, max, isLate);
      case STATE_HANDED:
        return this.#takeHanded(thread, into, max);
      case STATE_ABANDONED:
        Atomics.store(this.#words, thread + T_STATE, STATE_RUNNING);
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
    const words = this.#words;
    const port = this.#port;
    this.#arrive(thread);
    if (this.queued() !== 0 && words[port + P_ACTIVE] < words[port + P_CONCURRENCY]) {
      this.#count(thread);
      return this.#moveOldest(into, 0, max);
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
    const words = this.#words;
    if (this.isBound(thread)) {
      if (words[thread + T_COUNTED] === COUNTED_YES) words[this.#port + P_ACTIVE]--;
    } else {
      words[thread + T_PORT] = this.place + 1;
      words[thread + T_PORT_GENERATION] = words[this.#port + P_GENERATION];
    }
    words[thread + T_COUNTED] = COUNTED_NO;
  }

  /** Whether the thread last waited on this port, in this life of it. */
  isBound(thread: number): boolean {
    const words = this.#words;
    return words[thread + T_PORT] === this.place + 1 &&
      words[thread + T_PORT_GENERATION] === words[this.#port + P_GENERATION];
  }

  /** It was released with a packet, and takes what else is queued: a batch counts once (35). */
  #takeHanded(thread: number, into: Words, max: number): number {
    const words = this.#words;
    for (let i = 0; i < PACKET_WORDS; i++) into[i] = words[thread + T_PACKET + i];
    Atomics.store(words, thread + T_STATE, STATE_RUNNING);
    return 1 + this.#moveOldest(into, PACKET_WORDS, max - 1);
  }

  #count(thread: number): void {
    this.#words[thread + T_COUNTED] = COUNTED_YES;
    this.#words[thread + T_ASLEEP] = 0;
    this.#words[this.#port + P_ACTIVE]++;
  }

  /** The thread waits: newest on the stack (45). */
  #park(thread: number): void {
    const words = this.#words;
    const port = this.#port;
    words[thread + T_OLDER] = words[port + P_NEWEST];
    Atomics.store(words, thread + T_STATE, STATE_PARKED);
    words[port + P_NEWEST] = placeOf(thread) + 1;
    words[port + P_WAITING]++;
  }

  /** A waiting thread gives up: it leaves the stack wherever it is in it (49). */
  unpark(thread: number): void {
    const words = this.#words;
    const place = placeOf(thread) + 1;
    let link = this.#port + P_NEWEST;
    while (words[link] !== place) link = threadAt(words[link] - 1) + T_OLDER;
    words[link] = words[thread + T_OLDER];
    words[this.#port + P_WAITING]--;
    this.#unwatch(thread);
    Atomics.store(words, thread + T_STATE, STATE_RUNNING);
  }

  /** The thread that has waited longest, or -1. */
  oldestWaiter(): number {
    const words = this.#words;
    let place = words[this.#port + P_NEWEST];
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
   * over, the oldest waiter is appointed to watch the running threads.
   */
  release(): void {
    const words = this.#words;
    const port = this.#port;
    while (words[port + P_NEWEST] !== 0 && this.queued() !== 0) {
      if (words[port + P_ACTIVE] >= words[port + P_CONCURRENCY]) {
        if (words[port + P_WATCHER] === 0) this.#appoint(this.oldestWaiter());
        return;
      }
      const thread = threadAt(words[port + P_NEWEST] - 1);
      words[thread + layout.T_HANDING_HEAD] = words[port + P_HEAD] + 1 | 0;
      words[thread + layout.T_HANDING] = 1;
      this.#pop();
      this.#count(thread);
      this.#moveOldest(words, thread + T_PACKET, 1);
      this.#letGo(thread, STATE_HANDED);
      words[thread + layout.T_HANDING] = 0;
    }
  }

  #pop(): number {
    const words = this.#words;
    const thread = threadAt(words[this.#port + P_NEWEST] - 1);
    words[this.#port + P_NEWEST] = words[thread + T_OLDER];
    words[this.#port + P_WAITING]--;
    this.#unwatch(thread);
    return thread;
  }

  #letGo(thread: number, state: number): void {
    const before = Atomics.exchange(this.#words, thread + T_STATE, state);
    this.released.push({ thread, state: before });
  }

  #appoint(thread: number): void {
    const words = this.#words;
    words[this.#port + P_WATCHER] = placeOf(thread) + 1;
    // One that is in the ring stays there and watches between its looks at it.
    const isInRing = words[thread + T_STATE] === STATE_IN_RING;
    this.#letGo(thread, isInRing ? STATE_IN_RING : STATE_WATCHING);
  }

  #unwatch(thread: number): void {
    if (this.isWatcher(thread)) this.#words[this.#port + P_WATCHER] = 0;
  }

  /** Whether the thread has been appointed to watch the running ones. */
  isWatcher(thread: number): boolean {
    return this.#words[this.#port + P_WATCHER] === placeOf(thread) + 1;
  }

  /** The watcher has nothing to watch for any more: no packet waits for a thread to be done. */
  dismissIfIdle(thread: number): void {
    const words = this.#words;
    if (this.queued() !== 0 || !this.isWatcher(thread)) return;
    this.#unwatch(thread);
    if (words[thread + T_STATE] === STATE_WATCHING) {
      Atomics.store(words, thread + T_STATE, STATE_PARKED);
    }
  }

  /** The oldest waiter waits in the ring from now on, if none does. Returns it, or -1. */
  sendToRing(): number {
    const oldest = this.oldestWaiter();
    if (oldest < 0 || this.#words[oldest + T_STATE] === STATE_IN_RING) return -1;
    Atomics.store(this.#words, oldest + T_STATE, STATE_IN_RING);
    return oldest;
  }

  /** The thread is not bound any more: it waits elsewhere, or has ended (51). */
  leave(thread: number): void {
    this.#uncount(thread, COUNTED_NO);
    this.#words[thread + T_PORT] = 0;
  }

  /** The thread is about to block, or was found blocked: another may run in its place (51). */
  suspend(thread: number, how: typeof COUNTED_ASLEEP | typeof COUNTED_BLOCKING): void {
    if (this.isBound(thread) && this.#words[thread + T_COUNTED] === COUNTED_YES) {
      this.#uncount(thread, how);
    }
  }

  /** It runs again and counts at once; what is too many drains by itself (51). */
  resume(thread: number, how: typeof COUNTED_ASLEEP | typeof COUNTED_BLOCKING): void {
    if (this.isBound(thread) && this.#words[thread + T_COUNTED] === how) this.#count(thread);
  }

  #uncount(thread: number, how: number): void {
    const words = this.#words;
    if (this.isBound(thread) && words[thread + T_COUNTED] === COUNTED_YES) {
      words[this.#port + P_ACTIVE]--;
    }
    words[thread + T_COUNTED] = how;
  }

  /** The port's handle is closed: every waiter goes with nothing (53). */
  abandon(): void {
    while (this.#words[this.#port + P_NEWEST] !== 0) this.#letGo(this.#pop(), STATE_ABANDONED);
  }

  /** Moves up to `max` of the oldest packets to `into[to] …`. Returns how many. */
  #moveOldest(into: Words, to: number, max: number): number {
    const words = this.#words;
    const port = this.#port;
    const mask = words[port + P_CAPACITY] - 1;
    const packets = this.#packetsFor(mask + 1);
    const count = Math.min(max, this.queued());
    const head = words[port + P_HEAD];
    for (let i = 0; i < count; i++) {
      const at = (head + i & mask) * PACKET_WORDS;
      for (let word = 0; word < PACKET_WORDS; word++) into[to + word] = packets[at + word];
      to += PACKET_WORDS;
    }
    words[port + P_HEAD] = head + count | 0;
    const taken = words[port + P_TAKEN];
    words[port + P_TAKEN] = taken + count;
    if (taken >>> 0 > words[port + P_TAKEN] >>> 0) words[port + P_TAKEN + 1]++;
    return count;
  }

  /** Puts a packet before all others: one that had left the queue and has come back. */
  putBack(packet: Words): void {
    const words = this.#words;
    if (this.queued() === words[this.#port + P_CAPACITY]) this.#grow();
    const capacity = words[this.#port + P_CAPACITY];
    const head = words[this.#port + P_HEAD] - 1 | 0;
    this.#packetsFor(capacity).set(packet, (head & capacity - 1) * PACKET_WORDS);
    words[this.#port + P_HEAD] = head;
    words[this.#port + P_TAKEN]--;
  }

  /** Another thread may have made the queue longer since this one last looked. */
  #packetsFor(capacity: number): Int32Array<ArrayBuffer> {
    if (this.#packets.length < capacity * PACKET_WORDS) this.#packets = this.#packetsOf(capacity);
    return this.#packets;
  }

  /**
   * Doubles a full queue in place. Packet number n lies at n modulo the capacity,
   * so those whose number has the new bit set move up by the old capacity: either
   * what comes before the wrap, or what comes after it.
   */
  #grow(): void {
    const capacity = this.#words[this.#port + P_CAPACITY];
    const head = this.#words[this.#port + P_HEAD];
    const packets = this.#packetsFor(capacity * 2);
    const wrap = (head & capacity - 1) * PACKET_WORDS;
    const end = capacity * PACKET_WORDS;
    if ((head & capacity) !== 0) packets.copyWithin(end + wrap, wrap, end);
    else packets.copyWithin(end, 0, wrap);
    this.#words[this.#port + P_CAPACITY] = capacity * 2;
  }
}
