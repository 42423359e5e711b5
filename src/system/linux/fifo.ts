/**
 * The packets of a port, oldest first, in memory that all threads share.
 *
 * Every method is called with the port's lock held. How many were ever put in, how
 * many were ever taken and how many have room change by one store each, so that a
 * thread that ends in the middle leaves a queue.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { P_CAPACITY, P_HEAD, P_TAIL, P_TAKEN, PACKET_WORDS } from "./layout.ts";

/** Packets, eight words each. */
export type Words = Int32Array<ArrayBuffer>;

/** One port's packets, as one thread sees them. */
export class Fifo {
  /** The place of the port in the table of ports. */
  readonly place: number;
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
  ) {
    this.place = place;
    this.words = words;
    this.port = layout.PORTS + place * layout.PORT_WORDS;
    this.#packetsOf = packetsOf;
    this.#packets = packetsOf(Math.max(words[this.port + P_CAPACITY], 1));
  }

  /** How many packets were ever put in. */
  tail(): number {
    return this.words[this.port + P_TAIL];
  }

  /** How many packets are queued. */
  queued(): number {
    return this.words[this.port + P_TAIL] - this.words[this.port + P_HEAD] | 0;
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
    const words = this.words;
    const tail = words[this.port + P_TAIL];
    if (this.queued() === words[this.port + P_CAPACITY]) this.#grow();
    const capacity = words[this.port + P_CAPACITY];
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
    words[this.port + P_TAIL] = tail + 1 | 0;
  }

  /** Moves up to `max` of the oldest packets to `into[to] …`. Returns how many. */
  protected moveOldest(into: Words, to: number, max: number): number {
    const count = this.copyOldest(into, to, max);
    this.dropOldest(count);
    return count;
  }

  protected copyOldest(into: Words, to: number, max: number): number {
    const words = this.words;
    const port = this.port;
    const mask = words[port + P_CAPACITY] - 1;
    const packets = this.#packetsFor(mask + 1);
    const count = Math.min(max, this.queued());
    const head = words[port + P_HEAD];
    for (let i = 0; i < count; i++) {
      const at = (head + i & mask) * PACKET_WORDS;
      for (let word = 0; word < PACKET_WORDS; word++) into[to + word] = packets[at + word];
      to += PACKET_WORDS;
    }
    return count;
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
    if (this.queued() === words[this.port + P_CAPACITY]) this.#grow();
    const capacity = words[this.port + P_CAPACITY];
    const head = words[this.port + P_HEAD] - 1 | 0;
    this.#packetsFor(capacity).set(packet, (head & capacity - 1) * PACKET_WORDS);
    words[this.port + P_HEAD] = head;
    words[this.port + P_TAKEN]--;
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
