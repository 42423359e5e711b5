/**
 * The algorithm of a completion port: a FIFO queue of packets, a LIFO stack of
 * waiting threads, a count of running ones and the limit it is held against.
 *
 * Nothing here waits, wakes or does I/O, and every method is called **with the
 * port's lock held**. After a change, `release` hands packets to waiters for as
 * long as there are packets, waiters and room under the concurrency value; the
 * caller wakes the threads it names once the lock is given back.
 *
 * Case numbers are those of `docs/semantics.md`.
 *
 * @module
 */

import * as layout from "./layout.ts";
import {
  P_ACTIVE,
  P_CAPACITY,
  P_CONCURRENCY,
  P_GENERATION,
  P_HEAD,
  P_NEWEST,
  P_QUEUED,
  P_TAKEN,
  P_WAITING,
  PACKET_WORDS,
  STATE_ABANDONED,
  STATE_HANDED,
  STATE_RUNNING,
  T_COUNTED,
  T_OLDER,
  T_PACKET,
  T_PORT,
  T_PORT_GENERATION,
  T_STATE,
} from "./layout.ts";

/** A packet's words, or where they lie: `words[at] … words[at + 7]`. */
export type Words = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Threads that `release` or `abandon` has let go, and where each one waited. */
export interface Released {
  thread: number;
  state: number;
}

/** One port's queue, stack and count, as one thread sees them. */
export class Queue {
  /** The place of the port in the table of ports. */
  readonly place: number;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #port: number;
  readonly #packetsOf: (capacity: number) => Int32Array<ArrayBuffer>;
  #packets: Int32Array<ArrayBuffer>;
  /** Threads let go since the caller last emptied this list. */
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
    const port = this.#port;
    const queued = words[port + P_QUEUED];
    if (queued === words[port + P_CAPACITY]) this.#grow();
    const capacity = words[port + P_CAPACITY];
    const packets = this.#packetsFor(capacity);
    const at = (words[port + P_HEAD] + queued & capacity - 1) * PACKET_WORDS;
    packets[at] = keyLow;
    packets[at + 1] = keyHigh;
    packets[at + 2] = overlappedLow;
    packets[at + 3] = overlappedHigh;
    packets[at + 4] = status;
    packets[at + 5] = 0;
    packets[at + 6] = bytes;
    packets[at + 7] = extra;
    words[port + P_QUEUED] = queued + 1;
  }

  /** Takes up to `max` packets for nobody, before `abandon`. Returns how many. */
  drop(into: Words, max: number): number {
    return this.#moveOldest(into, 0, max);
  }

  /** A thread comes back to take: it no longer counts as running here, and is bound (47, 52). */
  arrive(thread: number): void {
    const words = this.#words;
    if (this.isBound(thread)) {
      if (words[thread + T_COUNTED] !== 0) {
        words[thread + T_COUNTED] = 0;
        words[this.#port + P_ACTIVE]--;
      }
      return;
    }
    words[thread + T_PORT] = this.place + 1;
    words[thread + T_PORT_GENERATION] = words[this.#port + P_GENERATION];
    words[thread + T_COUNTED] = 0;
  }

  /** Whether the thread last waited on this port, in this life of it. */
  isBound(thread: number): boolean {
    const words = this.#words;
    return words[thread + T_PORT] === this.place + 1 &&
      words[thread + T_PORT_GENERATION] === words[this.#port + P_GENERATION];
  }

  /**
   * Takes up to `max` packets into `into`, if there are any and the count
   * allows; a batch counts once (34, 35, 52). Returns how many.
   */
  take(thread: number, into: Words, max: number): number {
    const words = this.#words;
    const port = this.#port;
    if (words[port + P_QUEUED] === 0) return 0;
    if (words[port + P_ACTIVE] >= words[port + P_CONCURRENCY]) return 0;
    this.count(thread);
    return this.#moveOldest(into, 0, max);
  }

  /** What a thread released by `release` takes: its packet, and what else is queued (35). */
  takeHanded(thread: number, into: Words, max: number): number {
    const words = this.#words;
    for (let i = 0; i < PACKET_WORDS; i++) into[i] = words[thread + T_PACKET + i];
    words[thread + T_STATE] = STATE_RUNNING;
    return 1 + this.#moveOldest(into, PACKET_WORDS, max - 1);
  }

  /** The thread runs for this port from now on, also after a timeout (52). */
  count(thread: number): void {
    this.#words[thread + T_COUNTED] = 1;
    this.#words[this.#port + P_ACTIVE]++;
  }

  /** The thread waits: newest on the stack (45). */
  park(thread: number, state: number): void {
    const words = this.#words;
    const port = this.#port;
    words[thread + T_OLDER] = words[port + P_NEWEST];
    words[port + P_NEWEST] = placeOf(thread) + 1;
    words[port + P_WAITING]++;
    Atomics.store(words, thread + T_STATE, state);
  }

  /** A waiting thread gives up: it leaves the stack wherever it is in it (49). */
  unpark(thread: number): void {
    const words = this.#words;
    const place = placeOf(thread) + 1;
    let link = this.#port + P_NEWEST;
    while (words[link] !== place) link = threadAt(words[link] - 1) + T_OLDER;
    words[link] = words[thread + T_OLDER];
    words[this.#port + P_WAITING]--;
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
   * fewer threads run than may (45, 46, 50, 51). Who was let go is in `released`.
   */
  release(): void {
    const words = this.#words;
    const port = this.#port;
    while (
      words[port + P_NEWEST] !== 0 && words[port + P_QUEUED] !== 0 &&
      words[port + P_ACTIVE] < words[port + P_CONCURRENCY]
    ) {
      const thread = threadAt(words[port + P_NEWEST] - 1);
      words[port + P_NEWEST] = words[thread + T_OLDER];
      words[port + P_WAITING]--;
      this.count(thread);
      this.#moveOldest(words, thread + T_PACKET, 1);
      this.#letGo(thread, STATE_HANDED);
    }
  }

  /** The thread stops running for this port: it blocks elsewhere, or is gone (51). */
  leave(thread: number): void {
    const words = this.#words;
    if (!this.isBound(thread) || words[thread + T_COUNTED] === 0) return;
    words[thread + T_COUNTED] = 0;
    words[this.#port + P_ACTIVE]--;
  }

  /** The port's handle is closed: every waiter goes with nothing (53). */
  abandon(): void {
    const words = this.#words;
    const port = this.#port;
    while (words[port + P_NEWEST] !== 0) {
      const thread = threadAt(words[port + P_NEWEST] - 1);
      words[port + P_NEWEST] = words[thread + T_OLDER];
      this.#letGo(thread, STATE_ABANDONED);
    }
    words[port + P_WAITING] = 0;
  }

  #letGo(thread: number, state: number): void {
    const before = Atomics.exchange(this.#words, thread + T_STATE, state);
    this.released.push({ thread, state: before });
  }

  /** Moves up to `max` of the oldest packets to `into[to] …`. Returns how many. */
  #moveOldest(into: Words, to: number, max: number): number {
    const words = this.#words;
    const port = this.#port;
    const capacity = words[port + P_CAPACITY];
    const packets = this.#packetsFor(capacity);
    const count = Math.min(max, words[port + P_QUEUED]);
    let head = words[port + P_HEAD];
    for (let i = 0; i < count; i++) {
      const at = head * PACKET_WORDS;
      for (let word = 0; word < PACKET_WORDS; word++) into[to + word] = packets[at + word];
      to += PACKET_WORDS;
      head = head + 1 & capacity - 1;
    }
    words[port + P_HEAD] = head;
    words[port + P_QUEUED] -= count;
    if (count === 0) return 0;
    const taken = words[port + P_TAKEN];
    words[port + P_TAKEN] = taken + count;
    if (taken >>> 0 > words[port + P_TAKEN] >>> 0) words[port + P_TAKEN + 1]++;
    return count;
  }

  /** Another thread may have made the queue longer since this one last looked. */
  #packetsFor(capacity: number): Int32Array<ArrayBuffer> {
    if (this.#packets.length < capacity * PACKET_WORDS) this.#packets = this.#packetsOf(capacity);
    return this.#packets;
  }

  /**
   * Doubles a full queue in place: what had wrapped to its beginning moves
   * behind its former end.
   */
  #grow(): void {
    const words = this.#words;
    const capacity = words[this.#port + P_CAPACITY];
    const head = words[this.#port + P_HEAD];
    const packets = this.#packetsFor(capacity * 2);
    packets.copyWithin(capacity * PACKET_WORDS, 0, head * PACKET_WORDS);
    words[this.#port + P_CAPACITY] = capacity * 2;
  }
}

/** The first word of the thread at `place`. */
export function threadAt(place: number): number {
  return layout.THREADS + place * layout.THREAD_WORDS;
}

/** The place of the thread whose first word is `thread`. */
export function placeOf(thread: number): number {
  return (thread - layout.THREADS) / layout.THREAD_WORDS;
}
