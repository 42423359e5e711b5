/**
 * A queue on memory of its own, for its tests.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { MUST_POST, MUST_RELEASE } from "../../../src/system/linux/fifo.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { Queue } from "../../../src/system/linux/queue.ts";
import { TAIL_MASK } from "../../../src/system/linux/tail.ts";
import { memoryOf } from "./memory.ts";

/** The place of its port, and the first word of that. */
export const PLACE = 1;
export const PORT: number = layout.PORTS + PLACE * layout.PORT_WORDS;
const MOST_PACKETS = 1024;
/** A word that is 0, as the life of the port's handle. */
export const LIFE = 0;

/** A queue on memory of its own, and threads by number. */
export class Bench {
  readonly words = new Int32Array(layout.PORTS + 4 * layout.PORT_WORDS);
  readonly packets = new Int32Array(MOST_PACKETS * layout.PACKET_WORDS);
  readonly into = new Int32Array(64 * layout.PACKET_WORDS);
  readonly queue: Queue;

  constructor({ capacity = 2, concurrency = 99, head = 0 } = {}) {
    this.words[PORT + layout.P_CAPACITY] = capacity;
    this.words[PORT + layout.P_CONCURRENCY] = concurrency;
    this.words[PORT + layout.P_HEAD] = head;
    this.words[PORT + layout.P_TAIL] = head & TAIL_MASK;
    this.words[PORT + layout.P_LIMIT] = head & TAIL_MASK;
    // As in the engine, each capacity is a view of the same memory, and no longer than asked for.
    this.queue = new Queue(
      this.words,
      PLACE,
      (capacity) => this.packets.subarray(0, capacity * layout.PACKET_WORDS),
      memoryOf(this.words),
    );
    this.queue.owner = layout.threadAt(0);
  }

  post(key: number): void {
    this.queue.append(key, 0, 0, 0, 0, key * 2, 0);
    this.queue.release();
  }

  /** As a thread that has not got the port's lock, if that will do; the real way of a post. */
  postAlone(key: number): number {
    const { queue } = this;
    const tail = queue.beginPost(queue.owner);
    const answer = queue.endPost(tail, LIFE, 0, key, 0, 0, 0, key * 2);
    if (answer === MUST_RELEASE) queue.release();
    return answer;
  }

  /** The same, and with the lock if it must be. False if there is no room. */
  postSomehow(key: number): boolean {
    if (this.postAlone(key) !== MUST_POST) return true;
    if (!this.queue.hasRoom()) return false;
    this.post(key);
    return true;
  }

  /** What thread number `thread` gets: keys, or an answer that is no packets. */
  step(thread: number, { max = 1, isLate = false } = {}): number[] | number {
    const count = this.queue.step(layout.threadAt(thread), this.into, max, isLate);
    if (count <= 0) return count;
    this.queue.release();
    return Array.from({ length: count }, (_, i) => {
      const at = i * layout.PACKET_WORDS;
      assertEquals(this.into[at + 6], this.into[at] * 2);
      return this.into[at];
    });
  }

  /** Takes without waiting; the keys. */
  take(thread: number, max = 1): number[] {
    const got = this.step(thread, { max, isLate: true });
    return typeof got === "number" ? [] : got;
  }

  get active(): number {
    return this.words[PORT + layout.P_ACTIVE];
  }

  get waiting(): number {
    return this.words[PORT + layout.P_WAITING];
  }

  get capacity(): number {
    return this.words[PORT + layout.P_CAPACITY];
  }
}

/** The numbers from `from` up to `to`, which is not one of them. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
