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
import { system } from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import * as limits from "./limits.ts";
import { GENERATION, Table } from "./table.ts";

export { GENERATION, Table };

/** Part of the memory's name: copies of this module with different layouts keep apart. */
const LAYOUT_VERSION = 5;

/** An operation: its OVERLAPPED comes first, so that its address is the place's. */
export const OPERATION_WORDS = 32;
export const O_INTERNAL = 0;
/** There, where the system tells starts: it has not heard of the operation. No status is this. */
export const NOT_STARTED: number = -1;
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
/** The operation that it has begun to start last, and in which life of its place; see `start.ts`. */
export const T_STARTING = 3;
export const T_STARTING_LIFE = 4;
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

// A property of a constant, for what `src/system/linux/region.ts` says of its own.
const opened: { ledger?: Ledger } = {};

/** The ledger, mapped when this thread first asks. */
export function ledger(): Ledger {
  return opened.ledger ??= open();
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
