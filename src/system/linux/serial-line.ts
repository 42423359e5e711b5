/**
 * What the engine keeps of every open serial line, in memory of its own that all
 * threads see. A line's place is that of its handle, whose port's lock guards it.
 *
 * @module
 */

import { deviceCalls, ioctlValue } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import { EINTR, errno } from "./errno.ts";
import * as layout from "./layout.ts";
import { mapProcessMemory } from "./process-memory.ts";

const LINE_WORDS = 64;

/** What WaitCommEvent waits for; and the request that waits, or 0. */
export const L_MASK = 0;
export const L_WAIT = 1;
/** How many bytes were read or purged, and how many had come when that was last told. */
export const L_TAKEN = 2;
export const L_TOLD = 3;
/** 1 from a write until what was written has been sent. */
export const L_SENDING = 4;
/** COMMTIMEOUTS: interval; multiplier and constant of reads, then of writes. */
export const L_INTERVAL = 5;
export const L_READ_MULTIPLIER = 6;
export const L_READ_CONSTANT = 7;
export const L_WRITE_MULTIPLIER = 8;
export const L_WRITE_CONSTANT = 9;
/** 1 if the driver counts what happens to the line (`L_COUNTS`), 1 if it has modem lines (`L_MODEM`). */
export const L_HAS_COUNTS = 10;
export const L_HAS_MODEM = 11;
/** What was last told: `struct serial_icounter_struct` as far as it is used, and the modem lines. */
export const L_COUNTS = 12;
export const COUNTS = 11;
export const L_MODEM = 23;
/** The time limits of its current read and of its current write; see `serial-limits.ts`. */
export const L_READ_LIMIT = 24;
export const L_WRITE_LIMIT = 40;

let opened: Int32Array<ArrayBuffer> | undefined;

/** The lines' words. Pages take memory once a line has used them. */
export function lines(): Int32Array<ArrayBuffer> {
  return opened ??= open();
}

function open(): Int32Array<ArrayBuffer> {
  const bytes = layout.MAX_HANDLES * LINE_WORDS * 4;
  const { code, value } = mapProcessMemory(`iocp-serial-lines-${layout.LAYOUT_VERSION}`, bytes);
  if (code !== 0) throw new Error(`Reserving the memory of serial lines failed: code ${code}`);
  return new Int32Array(view(value, bytes));
}

/** The first word of the line whose handle's first word is `handle`. */
export function lineOf(handle: number): number {
  return (handle - layout.HANDLES) / layout.HANDLE_WORDS * LINE_WORDS;
}

/** A new line: nothing has happened yet. */
export function clearLine(handle: number): void {
  const line = lineOf(handle);
  lines().fill(0, line, line + LINE_WORDS);
}

const TIOCINQ = 0x541B;
const TIOCOUTQ = 0x5411;

/** An ioctl that fills or reads `argument`. Returns its result or a negated errno. */
export function ioctlOf(fd: number, number: number, argument: Uint8Array<ArrayBuffer>): number {
  for (;;) {
    const answer = deviceCalls().ioctl(fd, word(number), argument);
    if (answer >= 0) return answer;
    const reason = errno();
    if (reason !== EINTR) return -reason;
  }
}

/** An ioctl whose argument is a number. */
export function ioctlWith(fd: number, number: number, value: number): number {
  for (;;) {
    const answer = ioctlValue().ioctl(fd, word(number), word(value));
    if (answer >= 0) return answer;
    const reason = errno();
    if (reason !== EINTR) return -reason;
  }
}

function count(fd: number, number: number): number {
  const bytes = new Uint8Array(new ArrayBuffer(8));
  return ioctlOf(fd, number, bytes) < 0 ? 0 : new DataView(bytes.buffer).getInt32(0, true);
}

/** Bytes that have come and were not read. */
export function unread(fd: number): number {
  return count(fd, TIOCINQ);
}

/** Bytes that were written and not sent. */
export function unsent(fd: number): number {
  return count(fd, TIOCOUTQ);
}
