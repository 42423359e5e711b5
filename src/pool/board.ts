/**
 * What the owner of a pool and its threads share: native memory with a record for
 * each thread, the tasks, and who waits for what.
 *
 * Every word has one writer, or is changed by `Atomics` only. The owner reads what
 * a thread was at from here when the thread has ended without a word.
 *
 * @module
 */

import { type BufferToken, NativeBuffer } from "../core/buffer.ts";
import { ENTRY_BYTES } from "../core/taker.ts";
import { MAX_NAMES, MAX_POOL_THREADS, MAX_TASK_NAME_BYTES } from "../core/limits.ts";

/** How far the pool is: one of the `PHASE_` values. */
export const PHASE = 0;
export const PHASE_OPEN = 0;
/** No new work; what is there is done. */
export const PHASE_CLOSING = 1;
/** Operations are cancelled, tasks told. */
export const PHASE_RECALLING = 2;

/** Task slots, and the places of the two rings, a power of two. */
const SLOTS = 1;
const PLACES = 2;
/** Names of tasks and callbacks that are written down. */
export const NAMES_WRITTEN = 3;
/** Errands posted and not done with; see `errands.ts`. */
export const ERRANDS = 16;
/** The oldest queued task, and the place behind the newest. */
export const QUEUE_HEAD = 32;
export const QUEUE_TAIL = 48;
/** Threads that look for tasks without waiting. */
export const LOOKING = 64;
/** The place behind the newest result. */
export const DONE_TAIL = 80;
/** 1 while the owner is to be woken for a result. */
export const OWNER_WAITS = 96;

const NAMES = 128;
const NAME_WORDS = 1 + Math.ceil(MAX_TASK_NAME_BYTES / 4);

/** Packets that a thread takes at most at a time. */
export const BATCH = 64;
/** Counts of a histogram, for waiting or for running. */
export const HISTOGRAM_WORDS = 64;

/** A thread's record. */
export const T_STATE = 0;
/** The packets it has taken; see `packRest`. */
export const T_REST = 1;
/** What is in its hands: one of the `HAND_` values. */
export const T_HAND = 2;
/** The slot of the task in its hands. */
export const T_TASK = 3;
/** 1 while it runs an errand. */
export const T_ERRAND = 4;
/** 1 while it keeps this memory. */
export const T_KEEPS = 5;
/** The number by which it is known whether it has ended; two words. */
export const T_LIFE = 6;
/** Packets done with: all, and those of them that were posted. */
export const T_DONE = 8;
export const T_DONE_POSTED = 9;
/** Packets and tasks handled, those of them that failed, and faults nobody was told of. */
export const T_HANDLED = 10;
export const T_FAILED = 11;
export const T_UNREPORTED = 12;
/** What a thread counts, and is counted on for the pool when it has ended. */
export const COUNTS: readonly number[] = [T_DONE, T_DONE_POSTED, T_HANDLED, T_FAILED, T_UNREPORTED];
/** Fault reports on their way to the owner. */
export const T_REPORTS = 13;
/** Where in its room the packet in its hands is. */
export const T_INDEX = 14;
/** 1 when it has taken its stop. */
export const T_STOP = 15;
/** Of the operation whose packet is in its hands: its kind's number plus one, 0 if it is none. */
export const T_KIND = 16;
/** The code with which it has failed; 0 if it has not. */
export const T_CODE = 17;
/** Its tag and its offset, as doubles. */
export const T_TAG = 18;
export const T_OFFSET = 20;
/** 1 when it ends by an error that it tells: the message may come after the thread's end is seen. */
export const T_TELLS = 22;
const T_RUN_TIMES = 64;
const T_WAIT_TIMES: number = T_RUN_TIMES + HISTOGRAM_WORDS;
const T_ENTRIES: number = T_WAIT_TIMES + HISTOGRAM_WORDS;
const THREAD_WORDS: number = T_ENTRIES + BATCH * ENTRY_BYTES / 4;

/** The record is free. */
export const STATE_NONE = 0;
/** The Worker was started. */
export const STATE_STARTING = 1;
/** It waits on the port. */
export const STATE_WAITING = 2;
/** It runs. */
export const STATE_RUNNING = 3;
/** A handler's promise is not settled, or it has said that it blocks. */
export const STATE_BLOCKED = 4;
/** It has taken its stop packet. */
export const STATE_STOPPED = 5;

export const HAND_EMPTY = 0;
/** The packet at `T_INDEX`. */
export const HAND_PACKET = 1;
/** The task in `T_TASK`. */
export const HAND_TASK = 2;

/** A task slot: one of the `TASK_` values. */
export const S_STATE = 0;
/** Which thread runs it. */
export const S_THREAD = 1;
/** Its name's number. */
export const S_NAME = 2;
/** What form argument or result have, and their length in bytes or elements; see `values.ts`. */
export const S_FORM = 3;
export const S_LENGTH = 4;
/** Counts the lives of the slot. */
export const S_LIFE = 5;
/** 1 when its caller has asked it to end. */
export const S_ABORTED = 6;
/** When it was queued, in milliseconds since 1970, as a double; 0 if nobody looked. */
export const S_QUEUED_AT = 8;
/** The value, or where it is. */
export const S_VALUE = 16;
/** Bytes of a value that fit in the slot. */
export const VALUE_BYTES = 192;
const SLOT_WORDS: number = S_VALUE + VALUE_BYTES / 4;

/** Nobody's. */
export const TASK_NONE = 0;
export const TASK_QUEUED = 1;
export const TASK_RUNNING = 2;
/** Done; the slot has the result. */
export const TASK_DONE = 3;
/** It has thrown; the slot has what. */
export const TASK_FAILED = 4;
/** It has thrown the reason for which it was asked to end. */
export const TASK_ABORTED = 5;
/** Taken out before it was begun; its place in the queue has not been passed. */
export const TASK_WITHDRAWN = 6;
/** Taken out, and its place passed. */
export const TASK_PASSED = 7;

const THREADS: number = NAMES + MAX_NAMES * NAME_WORDS;
/** The record behind those of the threads is the owner's. */
export const OWNER = MAX_POOL_THREADS;
const QUEUE: number = THREADS + (MAX_POOL_THREADS + 1) * THREAD_WORDS;

const HIGH = 0x100000000;

/** The memory, as one thread sees it. */
export class Board {
  readonly buffer: NativeBuffer;
  readonly words: Int32Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Task slots. */
  readonly slots: number;
  readonly #mask: number;
  readonly #queue: number;
  readonly #done: number;
  readonly #slots: number;
  #doneHead = 0;

  private constructor(buffer: NativeBuffer) {
    this.buffer = buffer;
    this.bytes = buffer.bytes;
    this.words = new Int32Array(this.bytes.buffer);
    this.doubles = new Float64Array(this.bytes.buffer);
    this.slots = this.words[SLOTS];
    this.#mask = this.words[PLACES] - 1;
    this.#queue = QUEUE;
    this.#done = this.#queue + this.words[PLACES];
    this.#slots = this.#done + this.words[PLACES];
  }

  /** Memory for a pool with so many task slots. */
  static allocate(slots: number): Board {
    const places = 2 ** Math.ceil(Math.log2(Math.max(slots, 2)));
    const buffer = NativeBuffer.allocate((QUEUE + 2 * places + slots * SLOT_WORDS) * 4);
    const words = new Int32Array(buffer.bytes.buffer);
    words[SLOTS] = slots;
    words[PLACES] = places;
    return new Board(buffer);
  }

  /** The owner's memory, in a thread of its pool. It is kept until `buffer.free()`. */
  static attach(token: BufferToken): Board {
    return new Board(NativeBuffer.attach(token));
  }

  /** The first word of a thread's record. */
  thread(index: number): number {
    return THREADS + index * THREAD_WORDS;
  }

  /** The address of the room for a thread's packets. */
  roomOf(index: number): number {
    return this.buffer.address + (this.thread(index) + T_ENTRIES) * 4;
  }

  /** The first word of a thread's histogram of how long handlers ran. */
  runTimes(index: number): number {
    return this.thread(index) + T_RUN_TIMES;
  }

  /** The first word of a thread's histogram of how long tasks were queued. */
  waitTimes(index: number): number {
    return this.thread(index) + T_WAIT_TIMES;
  }

  /** Makes a thread's record new. */
  clearThread(index: number): void {
    this.words.fill(0, this.thread(index), this.thread(index + 1));
  }

  /** The first word of a task slot. */
  slot(index: number): number {
    return this.#slots + index * SLOT_WORDS;
  }

  /** How many tasks are queued, those taken out among them. */
  queued(): number {
    const { words } = this;
    return Atomics.load(words, QUEUE_TAIL) - Atomics.load(words, QUEUE_HEAD) | 0;
  }

  /** Queues a task; called by the owner only, who has made sure that there is a slot. */
  push(slot: number): void {
    const { words } = this;
    const tail = words[QUEUE_TAIL];
    words[this.#queue + (tail & this.#mask)] = slot;
    Atomics.store(words, QUEUE_TAIL, tail + 1 | 0);
  }

  /** Takes the oldest task; -1 if there is none. */
  pop(): number {
    const { words } = this;
    for (;;) {
      const head = Atomics.load(words, QUEUE_HEAD);
      if (head === Atomics.load(words, QUEUE_TAIL)) return -1;
      // Not written again before the head has passed it, which is what is looked at next.
      const slot = words[this.#queue + (head & this.#mask)];
      if (Atomics.compareExchange(words, QUEUE_HEAD, head, head + 1 | 0) === head) return slot;
    }
  }

  /** Tells the owner that a slot has its result; true if the owner must be woken. */
  finish(slot: number): boolean {
    const { words } = this;
    const place = Atomics.add(words, DONE_TAIL, 1) & this.#mask;
    Atomics.store(words, this.#done + place, slot + 1);
    return Atomics.load(words, OWNER_WAITS) !== 0 && Atomics.exchange(words, OWNER_WAITS, 0) !== 0;
  }

  /** The next slot with a result, for the owner; -1 if there is none. */
  nextDone(): number {
    const { words } = this;
    const at = this.#done + (this.#doneHead & this.#mask);
    const slot = Atomics.load(words, at) - 1;
    if (slot < 0) return -1;
    words[at] = 0;
    this.#doneHead = this.#doneHead + 1 | 0;
    return slot;
  }

  /** Writes a name down, for the threads to read; called by the owner only. */
  writeName(index: number, name: Uint8Array): void {
    const at = NAMES + index * NAME_WORDS;
    this.words[at] = name.length;
    this.bytes.set(name, (at + 1) * 4);
    Atomics.store(this.words, NAMES_WRITTEN, index + 1);
  }

  /** The name with this number. */
  readName(index: number): string {
    const at = NAMES + index * NAME_WORDS;
    const start = (at + 1) * 4;
    return new TextDecoder().decode(this.bytes.subarray(start, start + this.words[at]));
  }

  /** Writes the number by which a thread is known; its lower word last, which is never 0. */
  writeLife(index: number, life: number): void {
    const at = this.thread(index) + T_LIFE;
    this.words[at + 1] = Math.floor(life / HIGH);
    Atomics.store(this.words, at, life | 0);
  }

  /** The number by which a thread is known; 0 if it has not come so far. */
  life(index: number): number {
    const at = this.thread(index) + T_LIFE;
    // The thread may be writing it: half of it would be the number of one that has ended.
    const low = Atomics.load(this.words, at) >>> 0;
    return low === 0 ? 0 : low + this.words[at + 1] * HIGH;
  }
}

// A thread's rest, in one word so that one compare-and-swap claims the next packet or all:
// which batch it is (16 bits), the next packet, how many there are (8 bits each).

/** The rest of batch `batch`: packets `next` up to `count`. */
export function packRest(batch: number, next: number, count: number): number {
  return batch << 16 | next << 8 | count;
}

/** The number of the next packet in a rest. */
export function nextOfRest(rest: number): number {
  return rest >>> 8 & 0xff;
}

/** How many packets there are, the handled ones among them. */
export function countOfRest(rest: number): number {
  return rest & 0xff;
}

/** The batch that a rest is of. */
export function batchOfRest(rest: number): number {
  return rest >>> 16;
}
