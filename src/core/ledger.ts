/**
 * What the core keeps of ports, handles, buffers and operations: tables in
 * memory that every thread of the process sees, so that the thread that takes a
 * packet can read what the thread that started the operation has written.
 *
 * A place of a table is only ever used for its own kind. An object that has
 * outlived its place therefore never writes into something else; the place's
 * generation tells it that it has.
 *
 * @module
 */

import { view } from "../ffi/memory.ts";
import { Bitmap } from "../system/bitmap.ts";
import { system } from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import * as limits from "./limits.ts";

/** Part of the memory's name: copies of this module with different layouts keep apart. */
const LAYOUT_VERSION = 4;

/** The word of every place that counts its beginnings and ends: odd while it is in a life. */
export const GENERATION = 8;

/** An operation: its OVERLAPPED comes first, so that its address is the place's. */
export const OPERATION_WORDS = 32;
export const O_INTERNAL = 0;
export const O_OFFSET = 4;
export const O_STATE = 9;
export const O_KIND = 10;
export const O_PORT = 11;
export const O_HANDLE = 12;
export const O_BUFFER = 13;
export const O_ADDRESS = 14;
export const O_LENGTH = 16;
/** The code with which the system refused the start; 0 if it did not. */
export const O_REFUSED = 17;
export const O_POSITION = 18;
export const O_TAG = 20;
/** Its annex: the place of a short one, the negated place of a long one's buffer; 0 if it has none. */
export const O_ANNEX = 22;
/** The place of a second handle that cannot be closed meanwhile; 0 if it has none. */
export const O_SECOND = 23;
/** How many threads are just asking to cancel what is there; see `places.ts`. */
export const O_ASKING = 24;
/** Six words for what the kernel leaves beside the count. */
export const O_RESULT = 26;

/** A handle. */
export const HANDLE_WORDS = 64;
export const H_KIND = 9;
/** The word of calls; see `calls.ts`. */
export const H_CALLS = 10;
/** What keeps the place: the open handle and its operations in flight. */
export const H_REFERENCES = 11;
export const H_SYSTEM = 12;
/** Its port's place plus one, and its completion key. */
export const H_PORT = 14;
export const H_KEY = 0;
/** Which callback of a pool its packets go to, plus one; 0: none. */
export const H_CALLBACK = 2;
/** A number that means something to its kind only. */
export const H_DETAIL = 3;
/** The length of its name in bytes, and the name, in UTF-8. */
export const H_NAME_LENGTH = 15;
export const H_NAME = 16;

/** A buffer. */
export const BUFFER_WORDS = 16;
/** What keeps the memory: objects that show it, operations that use it, holds of threads. */
export const B_REFERENCES = 9;
export const B_ADDRESS = 10;
export const B_LENGTH = 12;

/** An annex; see `annex.ts`. */
export const ANNEX_WORDS = 256;
/** How many buffers it keeps, and their places. */
export const N_COUNT = 9;
export const N_BUFFERS = 10;

/** A port. */
export const PORT_WORDS = 32;
/** The word of calls; see `calls.ts`. */
export const P_CALLS = 9;
/** What keeps the place: the open port and its associated handles. */
export const P_REFERENCES = 10;
export const P_SYSTEM = 12;
export const P_CONCURRENCY = 14;
/** Operations in flight that no thread counts for itself, or a number below 0; see `flight.ts`. */
export const P_IN_FLIGHT = 15;
/** How many operations may be in flight, and how many posted packets untaken; 0: not limited here. */
export const P_MAX_IN_FLIGHT = 16;
export const P_MAX_QUEUED = 17;
/** Posted packets that nobody has taken; only counted if they are limited. */
export const P_UNTAKEN = 18;
/** 1 while the threads of a pool take from it, and nobody else may. */
export const P_POOL = 19;
/** Packets posted and taken; each a line of the cache away from what others write. */
export const P_POSTED = 2;
export const P_TAKEN = 24;

/** A thread. What stands in it is written by the thread alone, until it has ended. */
export const THREAD_WORDS = 256;
/** The port for which it counts its starts and ends of operations, and the counts; see `flight.ts`. */
export const T_PORT = 0;
export const T_STARTED = 1;
export const T_ENDED = 2;
/** Which life of its place it lives, from when it does; negative, the place of the thread that buries it. */
export const T_LIVES = 9;
/** The port whose packets it asks for, has not done with or queues itself, else 0. */
export const T_TAKING = 10;
/** The operation whose packet it is just handing to its program, else 0. */
export const T_HAND = 11;
/** Where its room for packets is; 0 until it takes some. */
export const T_ROOM = 12;
/** How many places for operations it keeps, and which: see `places.ts`. */
export const T_FREE_COUNT = 14;
/** How many of these, the first ones, are ready to be used. */
export const T_READY = 15;
export const T_FREE = 32;
/** How many places for operations a thread keeps for those it starts next. */
export const MAX_FREE = 64;
/** References to handles that it has over, two words for each of so many handles; see `spares.ts`. */
export const T_SPARE = 96;
export const SPARES = 64;
/** Where it lives, to the system: 64 bytes, in which others see that it has ended. */
export const T_MARK = 16;

/** A hold: a buffer that a thread shows without having attached it. */
export const HOLD_WORDS = 16;
export const HOLD_THREAD = 9;
export const HOLD_BUFFER = 10;

const HIGH = 0x100000000;

/** One kind of thing: where its places are and which are taken. */
export class Table {
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #base: number;
  /** A place has 2 to the power of this many words. */
  readonly #shift: number;
  readonly #bitmap: Bitmap;
  readonly #what: string;
  readonly #limitAt: number;
  /** How many places it has. */
  readonly places: number;

  /**
   * The table whose bitmap begins at word `bitmap` and whose places begin at word
   * `base`, each of a power of two of words. Word `limitAt` says how many may be taken, 0 that
   * all may; `what` they are.
   */
  constructor(
    words: Int32Array<ArrayBuffer>,
    bitmap: number,
    base: number,
    places: number,
    slotWords: number,
    what: string,
    limitAt: number,
  ) {
    this.#words = words;
    this.#base = base;
    this.#shift = Math.log2(slotWords);
    this.places = places;
    this.#bitmap = new Bitmap(words, bitmap, places);
    this.#what = what;
    this.#limitAt = limitAt;
  }

  /** How many of its places may be taken, by any thread. */
  get limit(): number {
    return this.#words[this.#limitAt] || this.places;
  }

  set limit(limit: number) {
    Atomics.store(this.#words, this.#limitAt, limit === this.places ? 0 : limit);
  }

  /**
   * Takes up to `max` free places that lie together, for a thread that begins and ends their
   * lives itself, and writes their first words to the ledger from word `to` on, the last one
   * first. Returns how many; 0 if there is none.
   */
  acquireSome(to: number, max: number): number {
    let taken = this.#bitmap.acquireSome(this.limit, max);
    const base = this.at(this.#bitmap.foundAt * 32);
    let count = 0;
    for (; taken !== 0; count++) {
      const place = 31 - Math.clz32(taken);
      this.#words[to + count] = base + (place << this.#shift);
      taken &= ~(1 << place);
    }
    return count;
  }

  /** Gives back a place whose life has ended. */
  giveBack(at: number): void {
    this.#bitmap.release(this.indexOf(at));
  }

  /** Takes a place and begins its next life; throws at the limit. Returns its first word. */
  acquire(): number {
    const at = this.tryAcquire();
    if (at < 0) throw this.limitReached();
    return at;
  }

  /** What `acquire` throws at the limit. */
  limitReached(): RangeError {
    return new RangeError(`The limit of ${this.limit} ${this.#what} is reached`);
  }

  /** As `acquire`, but -1 at the limit. */
  tryAcquire(): number {
    const place = this.#bitmap.acquire(this.limit);
    if (place < 0) return -1;
    const at = this.at(place);
    Atomics.add(this.#words, at + GENERATION, 1);
    return at;
  }

  /** Ends the life of the place at `at`. */
  release(at: number): void {
    // The next life's number must not be taken for this one's by an object left over.
    Atomics.add(this.#words, at + GENERATION, 1);
    this.#bitmap.release(this.indexOf(at));
  }

  /** Whether `at` is the first word of a place that is in its life `generation`. */
  isLive(at: number, generation: number): boolean {
    return this.isPlace(at) && Atomics.load(this.#words, at + GENERATION) === generation &&
      this.#bitmap.has(this.indexOf(at));
  }

  /** The number of the place at `at`: from 0, without gaps. */
  indexOf(at: number): number {
    return (at - this.#base) >> this.#shift;
  }

  /** The first word of the place of this number. */
  at(index: number): number {
    return this.#base + (index << this.#shift);
  }

  /** Whether `at` is the first word of a place of this table. */
  isPlace(at: number): boolean {
    const offset = at - this.#base;
    // What is no integer of 32 bits is no place; the rest is then done with integers.
    const whole = offset | 0;
    return whole === offset && whole >= 0 && whole >> this.#shift < this.places &&
      (whole & (1 << this.#shift) - 1) === 0;
  }

  /** The first word of the first place that is taken, from number `index` on; -1 if there is none. */
  nextTaken(index: number): number {
    const place = this.#bitmap.nextTaken(index);
    return place < 0 ? -1 : this.at(place);
  }

  /** The first words of all places that are taken. */
  *taken(): Generator<number> {
    for (const place of this.#bitmap.taken()) yield this.at(place);
  }

  /** How many places are in a life: all that are taken, but for those that threads keep. */
  count(): number {
    let count = 0;
    for (const at of this.taken()) count += this.#words[at + GENERATION] & 1;
    return count;
  }
}

/** All tables, as this thread sees them. */
export interface Ledger {
  /** Where the memory lies; mapped until the process ends. */
  readonly address: number;
  readonly byteLength: number;
  readonly words: Int32Array<ArrayBuffer>;
  readonly operations: Table;
  readonly handles: Table;
  readonly buffers: Table;
  readonly ports: Table;
  readonly threads: Table;
  readonly holds: Table;
  readonly annexes: Table;
}

const TABLES = [
  ["operations", limits.MAX_OPERATIONS, OPERATION_WORDS, "operations in flight"],
  ["handles", limits.MAX_HANDLES, HANDLE_WORDS, "open handles"],
  ["buffers", limits.MAX_BUFFERS, BUFFER_WORDS, "native buffers"],
  ["ports", limits.MAX_PORTS, PORT_WORDS, "open ports"],
  ["threads", limits.MAX_THREADS, THREAD_WORDS, "threads that use ports"],
  ["holds", limits.MAX_HOLDS, HOLD_WORDS, "buffers shown by other threads"],
  ["annexes", limits.MAX_ANNEXES, ANNEX_WORDS, "operations in flight with several buffers"],
] as const;

/** Words before the first table. */
const HEADER_WORDS = 1024;

/** The thread that just gives back what closed ports have kept, else 0. */
export const RECOVERING = 0;
/** Holds there are; one too many when a thread ended in the middle of letting go. */
export const HOLDS = 1;
/** One word for each table: how many of its places may be taken; 0: all. */
export const LIMITS = 16;

let opened: Ledger | undefined;

/** The ledger, mapped when this thread first asks. */
export function ledger(): Ledger {
  return opened ??= open();
}

function open(): Ledger {
  let end = HEADER_WORDS;
  const places = TABLES.map(([name, count, words, what], index) => {
    const bitmap = end;
    const base = bitmap + Math.ceil(count / 32 / 64) * 64;
    end = base + count * words;
    return { name, count, words, what, bitmap, base, limitAt: LIMITS + index };
  });
  const byteLength = Math.ceil(end * 4 / 65536) * 65536;
  const { code, value, errno } = system.mapProcessMemory(
    `iocp-core-${LAYOUT_VERSION}`,
    byteLength,
  );
  if (code !== 0) throw new Win32Error(code, "CreateFileMapping", { errno });
  const words = new Int32Array(view(value, byteLength));
  const [operations, handles, buffers, ports, threads, holds, annexes] = places.map((table) =>
    new Table(
      words,
      table.bitmap,
      table.base,
      table.count,
      table.words,
      table.what,
      table.limitAt,
    )
  );
  return {
    address: value,
    byteLength,
    words,
    operations,
    handles,
    buffers,
    ports,
    threads,
    holds,
    annexes,
  };
}

/** Reads a number of up to 53 bits, or an address, from two words. */
export function readNumber(words: Int32Array<ArrayBuffer>, at: number): number {
  return (words[at] >>> 0) + words[at + 1] * HIGH;
}

/** Writes a safe integer to two words. */
export function writeNumber(words: Int32Array<ArrayBuffer>, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = highOf(value);
}

/** The upper half of a safe integer; the lower is `value | 0`. */
export function highOf(value: number): number {
  return value >>> 0 === value ? 0 : Math.floor(value / HIGH);
}

/** Adds to a count of two words, which any thread may do at any time. */
export function addToCount(words: Int32Array<ArrayBuffer>, at: number, count: number): void {
  const before = Atomics.add(words, at, count) >>> 0;
  if (before + count >= HIGH) Atomics.add(words, at + 1, 1);
}
