/**
 * The packets of a port, oldest first, in memory that all threads share.
 *
 * Packets are taken out with the port's lock held, and put in with the tail closed
 * (`tail.ts`): by whoever has the lock, or by a thread that posts without it. Only
 * `beginPost` and `endPost` are called without the lock. How many were ever put in, how
 * many were ever taken and how many have room change by one store each, so that a
 * thread that ends in the middle leaves a queue.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { beginAppend, countOf, endAppend, ownerOf, TAIL_MASK, type TailMemory } from "./tail.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  MAX_QUEUE,
  PACKET_WORDS,
  PORTS,
  PORT_WORDS,
  P_CAPACITY,
  P_HEAD,
  P_IN_FLIGHT,
  P_LIMIT,
  P_POSTED,
  P_TAIL,
  P_TAKEN,
} = layout;

/** Looks at a taken tail before sleeping: it is taken for some 30 ns. */
const SPINS = 100;

/** The packet is in the queue. */
export const POSTED = 0;
/** It is, and somebody waits: `release` is to be called with the port's lock. */
export const MUST_RELEASE = 1;
/** Nothing was done: it is to be put in with the port's lock. */
export const MUST_POST = 2;

/** Packets, eight words each. */
export type Words = Int32Array<ArrayBuffer>;

/** One port's packets, as one thread sees them. */
export class Fifo {
  /** The place of the port in the table of ports. */
  readonly place: number;
  /** The first word of the thread that has the port's lock. */
  owner = 0;
  protected readonly memory: TailMemory;
  protected readonly words: Int32Array<ArrayBuffer>;
  /** The first word of the port. */
  protected readonly port: number;
  readonly #packetsOf: (capacity: number) => Int32Array<ArrayBuffer>;
  #packets: Int32Array<ArrayBuffer>;

  /**
   * The packets of the port at `place`; `words` are the engine's tables and
   * `packetsOf` gives a view of the packets for a capacity.
   */
  constructor(
    words: Int32Array<ArrayBuffer>,
    place: number,
    packetsOf: (capacity: number) => Int32Array<ArrayBuffer>,
    memory: TailMemory,
  ) {
    this.memory = memory;
    this.place = place;
    this.words = words;
    this.port = PORTS + place * PORT_WORDS;
    this.#packetsOf = packetsOf;
    this.#packets = packetsOf(Math.max(words[this.port + P_CAPACITY], 1));
  }

  /** How many packets are queued at least: somebody may be posting. */
  queued(): number {
    return countOf(this.memory.load(this.port + P_TAIL), this.words[this.port + P_HEAD]);
  }

  /** How many packets were ever put in, up to `TAIL_MASK`. */
  tail(): number {
    return this.memory.load(this.port + P_TAIL) & TAIL_MASK;
  }

  /**
   * Until `openTail` or `append`, nobody else puts packets in. Returns how many were
   * ever put in, up to `TAIL_MASK`.
   */
  closeTail(): number {
    const at = this.port + P_TAIL;
    const value = this.words[at];
    if (ownerOf(value) === this.owner) return value & TAIL_MASK;
    return beginAppend(this.memory, at, layout.placeOf(this.owner), SPINS, true);
  }

  /**
   * Gives back what `closeTail` has taken, with a packet more if it was put in. True if somebody
   * waits for it.
   */
  openTail(tail: number): boolean {
    const at = this.port + P_TAIL;
    return endAppend(this.memory, at, this.words[at], tail);
  }

  /**
   * Whether another packet, queued or to come, has room. Where that is near, nobody
   * puts packets in any more without asking here.
   */
  hasRoom(): boolean {
    const words = this.words;
    const inFlight = words[this.port + P_IN_FLIGHT];
    if (words[this.port + P_CAPACITY] + inFlight < MAX_QUEUE) return true;
    const tail = this.closeTail();
    words[this.port + P_LIMIT] = tail;
    this.openTail(tail);
    return countOf(tail, words[this.port + P_HEAD]) + inFlight < MAX_QUEUE;
  }

  /**
   * The thread whose first word is `thread` puts a posted packet at the end (43) without
   * the port's lock: here the tail becomes its own, and `endPost` follows. `IS_GONE` if
   * that can't be: whoever has the tail has ended.
   */
  beginPost(thread: number): number {
    const at = this.port + P_TAIL;
    return beginAppend(this.memory, at, layout.placeOf(thread), SPINS, false);
  }

  /**
   * Puts the packet in if `words[lifeAt]` is `life`, which says that the handle is open,
   * and there is room. Answers `POSTED`, `MUST_RELEASE` or `MUST_POST`.
   */
  endPost(
    tail: number,
    lifeAt: number,
    life: number,
    keyLow: number,
    keyHigh: number,
    overlappedLow: number,
    overlappedHigh: number,
    bytes: number,
  ): number {
    const words = this.words;
    if (words[lifeAt] !== life || tail === words[this.port + P_LIMIT]) {
      this.openTail(tail);
      return MUST_POST;
    }
    this.putAt(tail, keyLow, keyHigh, overlappedLow, overlappedHigh, 0, bytes, 0);
    this.countPost();
    return this.openTail(tail + 1 & TAIL_MASK) ? MUST_RELEASE : POSTED;
  }

  /** One more is posted; with the tail closed. */
  countPost(): void {
    const words = this.words;
    const posted = this.port + P_POSTED;
    if ((words[posted] = words[posted] + 1 | 0) === 0) words[posted + 1]++;
  }

  /**
   * Puts a packet at the end (43). The caller has made sure that there is room:
   * `MAX_QUEUE` packets, queued and in flight together.
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
    const words = this.words;
    const tail = this.closeTail();
    const queued = countOf(tail, words[this.port + P_HEAD]);
    if (queued === words[this.port + P_CAPACITY]) this.#grow();
    this.putAt(tail, keyLow, keyHigh, overlappedLow, overlappedHigh, status, bytes, extra);
    this.endRun(tail, 1);
  }

  /**
   * Closes the tail for `count` packets, which `putAt` then puts in from the number on that is
   * returned, and `endRun` makes seen all at once.
   */
  beginRun(count: number): number {
    const tail = this.closeTail();
    const words = this.words;
    const queued = countOf(tail, words[this.port + P_HEAD]);
    while (queued + count > words[this.port + P_CAPACITY]) this.#grow();
    return tail;
  }

  /** The `count` packets from number `tail` on are in the queue; up to where others may post without asking. */
  endRun(tail: number, count: number): void {
    const words = this.words;
    const next = tail + count & TAIL_MASK;
    const queued = countOf(next, words[this.port + P_HEAD]);
    const room = MAX_QUEUE - words[this.port + P_IN_FLIGHT];
    const free = Math.min(words[this.port + P_CAPACITY], room) - queued;
    words[this.port + P_LIMIT] = next + Math.max(free, 0) & TAIL_MASK;
    this.openTail(next);
  }

  /** Puts a packet into the place of number `tail`, which nobody looks at yet. */
  putAt(
    tail: number,
    keyLow: number,
    keyHigh: number,
    overlappedLow: number,
    overlappedHigh: number,
    status: number,
    bytes: number,
    extra: number,
  ): void {
    const capacity = this.words[this.port + P_CAPACITY];
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
  }

  /** Moves the `count` oldest packets, which are there, to `into[to] …`. */
  protected moveOldest(into: Words, to: number, count: number): void {
    this.copyOldest(into, to, count);
    this.dropOldest(count);
  }

  protected copyOldest(into: Words, to: number, count: number): void {
    const words = this.words;
    const port = this.port;
    const mask = words[port + P_CAPACITY] - 1;
    const packets = this.#packetsFor(mask + 1);
    const head = words[port + P_HEAD];
    for (let i = 0; i < count; i++) {
      const at = (head + i & mask) * PACKET_WORDS;
      for (let word = 0; word < PACKET_WORDS; word++) into[to + word] = packets[at + word];
      to += PACKET_WORDS;
    }
  }

  protected dropOldest(count: number): void {
    const words = this.words;
    const port = this.port;
    words[port + P_HEAD] = words[port + P_HEAD] + count | 0;
    const taken = words[port + P_TAKEN];
    words[port + P_TAKEN] = taken + count;
    if (taken >>> 0 > words[port + P_TAKEN] >>> 0) words[port + P_TAKEN + 1]++;
  }

  /** Puts a packet before all others: one that had left the queue and has come back. */
  putBack(packet: Words): void {
    const words = this.words;
    const tail = this.closeTail();
    words[this.port + P_LIMIT] = tail;
    const queued = countOf(tail, words[this.port + P_HEAD]);
    if (queued === words[this.port + P_CAPACITY]) this.#grow();
    const capacity = words[this.port + P_CAPACITY];
    const head = words[this.port + P_HEAD] - 1 | 0;
    this.#packetsFor(capacity).set(packet, (head & capacity - 1) * PACKET_WORDS);
    words[this.port + P_HEAD] = head;
    words[this.port + P_TAKEN]--;
    this.openTail(tail);
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
    const capacity = this.words[this.port + P_CAPACITY];
    const head = this.words[this.port + P_HEAD];
    const packets = this.#packetsFor(capacity * 2);
    const wrap = (head & capacity - 1) * PACKET_WORDS;
    const end = capacity * PACKET_WORDS;
    if ((head & capacity) !== 0) packets.copyWithin(end + wrap, wrap, end);
    else packets.copyWithin(end, 0, wrap);
    this.words[this.port + P_CAPACITY] = capacity * 2;
  }
}
