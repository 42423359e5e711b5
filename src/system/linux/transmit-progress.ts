/**
 * What a transmission has done so far, in its annex, so that whoever goes on for a thread that has
 * ended sends nothing twice and leaves nothing out: whether a call was made is not for the
 * thread to note, which may end right behind it. The kernel does, by the position that
 * sendfile(2) moves on and by the count that sendmmsg(2) writes beside its message.
 *
 * @module
 */

import { libc, sockets } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { X_CARRIED } from "./carried.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { readAddress, writeAddress } from "./requests.ts";
import { OUT } from "./rules.ts";

/** What comes next. */
export const HEAD = 0;
export const FILE = 1;
export const TAIL = 2;
export const END = 3;

/** In which life of the request the rest is filled in. */
const LIFE: number = X_CARRIED;
const FLAGS: number = LIFE + 1;
/** The file's descriptor plus one. */
const SOURCE: number = LIFE + 2;
/** 1 if the file may be shorter than it was at the start. */
const IS_TO_END: number = LIFE + 3;
/** 1 once the file has no more bytes. */
const IS_OVER: number = LIFE + 4;
/** Bytes of head and tail that had been sent before the call under way. */
const BEFORE: number = LIFE + 5;
const HEAD_AT: number = LIFE + 6;
const TAIL_AT: number = LIFE + 8;
const HEAD_BYTES: number = LIFE + 10;
const TAIL_BYTES: number = LIFE + 11;
/** Where in the file it begins, goes on, and ends; and what of it is known to be in memory. */
const START: number = LIFE + 12;
const POSITION: number = LIFE + 14;
const FILE_END: number = LIFE + 16;
const KNOWN: number = LIFE + 18;
/** Bytes of head and tail that have been sent, unless a call is under way, which the second word says by 1. */
const DONE: number = LIFE + 20;
const IS_SENDING: number = LIFE + 21;
/** A struct mmsghdr, whose only buffer is the annex's short vector. */
const MESSAGE: number = LIFE + 22;
const MESSAGE_WORDS = 16;
const M_VECTOR = 4;
const M_COUNT = 6;
const M_LENGTH = 14;

/** The kernel has not written how many bytes there were. */
const NOT_YET = -1;

/** What is to be sent. */
export interface Transmission {
  readonly flags: number;
  /** The file's descriptor, the request's from here on; -1: none. */
  readonly source: number;
  readonly position: number;
  readonly end: number;
  readonly isToEnd: boolean;
  readonly head: number;
  readonly headBytes: number;
  readonly tail: number;
  readonly tailBytes: number;
}

/** Notes what is to be sent. */
export function begin(request: number, what: Transmission): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  words[annex + LIFE] = 0;
  words.fill(0, annex + LIFE, annex + MESSAGE + MESSAGE_WORDS);
  words[annex + FLAGS] = what.flags;
  words[annex + SOURCE] = what.source + 1;
  words[annex + IS_TO_END] = what.isToEnd ? 1 : 0;
  writeAddress(words, annex + HEAD_AT, what.head);
  writeAddress(words, annex + TAIL_AT, what.tail);
  words[annex + HEAD_BYTES] = what.headBytes | 0;
  words[annex + TAIL_BYTES] = what.tailBytes | 0;
  writeAddress(words, annex + START, what.position);
  writeAddress(words, annex + POSITION, what.position);
  writeAddress(words, annex + FILE_END, what.end);
  words[annex + LIFE] = words[request + layout.R_GENERATION];
}

/** Whether all is noted: then the request can go on. */
export function hasBegun(request: number): boolean {
  const { words } = region();
  return words[layout.annexOf(request) + LIFE] === words[request + layout.R_GENERATION];
}

/** Gives the file's descriptor back. */
export function closeSource(request: number): void {
  const { words } = region();
  const at = layout.annexOf(request) + SOURCE;
  const fd = words[at] - 1;
  // First: a thread that ends in between leaves it open, and nobody closes it twice.
  words[at] = 0;
  if (fd >= 0) libc().close(fd);
}

/** The file's descriptor. */
export function sourceOf(request: number): number {
  return region().words[layout.annexOf(request) + SOURCE] - 1;
}

/** The flags of the start. */
export function flagsOf(request: number): number {
  return region().words[layout.annexOf(request) + FLAGS];
}

/** What comes next: `HEAD`, `FILE`, `TAIL` or `END`. */
export function next(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const done = doneOf(annex);
  const headBytes = words[annex + HEAD_BYTES] >>> 0;
  if (done < headBytes) return HEAD;
  if (isFileLeft(annex)) return FILE;
  if (isCut(request)) return END;
  return done < headBytes + (words[annex + TAIL_BYTES] >>> 0) ? TAIL : END;
}

function isFileLeft(annex: number): boolean {
  const { words } = region();
  return words[annex + IS_OVER] === 0 &&
    readAddress(words, annex + POSITION) < readAddress(words, annex + FILE_END);
}

/** Whether something follows the head: the kernel may wait for it. */
export function hasMore(request: number): boolean {
  const annex = layout.annexOf(request);
  return region().words[annex + TAIL_BYTES] !== 0 || isFileLeft(annex);
}

/** Whether the file has ended before what was promised of it. */
export function isCut(request: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  return words[annex + IS_OVER] !== 0 && words[annex + IS_TO_END] === 0;
}

/** Where in the file it goes on, how many bytes are left, and how many of them are known to be in memory. */
export function rest(request: number): { position: number; left: number; known: number } {
  const { words } = region();
  const annex = layout.annexOf(request);
  const position = readAddress(words, annex + POSITION);
  const left = readAddress(words, annex + FILE_END) - position;
  return { position, left, known: readAddress(words, annex + KNOWN) - position };
}

/** So many bytes of the file have been read to have them in memory; 0: it has no more. */
export function hasRead(request: number, count: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  writeAddress(words, annex + KNOWN, readAddress(words, annex + POSITION) + count);
  if (count === 0) endFile(request);
}

/** The file has no more bytes. */
export function endFile(request: number): void {
  region().words[layout.annexOf(request) + IS_OVER] = 1;
}

/** The address of the position, for sendfile. */
export function positionAddress(request: number): number {
  return region().address + (layout.annexOf(request) + POSITION) * 4;
}

/** Bytes that have been sent. */
export function totalOf(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const ofFile = readAddress(words, annex + POSITION) - readAddress(words, annex + START);
  return doneOf(annex) + ofFile;
}

/** The bytes of head and tail that have been sent, also by a thread that has ended in the call. */
function doneOf(annex: number): number {
  const { words } = region();
  if (words[annex + IS_SENDING] === 0) return words[annex + DONE] >>> 0;
  const count = words[annex + MESSAGE + M_LENGTH];
  return (words[annex + BEFORE] >>> 0) + (count === NOT_YET ? 0 : count);
}

/** A call is to send what is left of the head or the tail: the address of its message. `sent` must follow. */
export function sending(request: number, part: number): number {
  const { words, address } = region();
  const annex = layout.annexOf(request);
  settle(annex);
  const done = words[annex + DONE] >>> 0;
  const before = part === HEAD ? 0 : words[annex + HEAD_BYTES] >>> 0;
  const from = readAddress(words, annex + (part === HEAD ? HEAD_AT : TAIL_AT)) + done - before;
  const bytes = words[annex + (part === HEAD ? HEAD_BYTES : TAIL_BYTES)] >>> 0;
  writeAddress(words, annex + layout.X_SHORT_VECTOR, from);
  writeAddress(words, annex + layout.X_SHORT_VECTOR + 2, before + bytes - done);
  const message = annex + MESSAGE;
  writeAddress(words, message + M_VECTOR, address + (annex + layout.X_SHORT_VECTOR) * 4);
  words[message + M_COUNT] = 1;
  words[message + M_LENGTH] = NOT_YET;
  words[annex + BEFORE] = done | 0;
  words[annex + IS_SENDING] = 1;
  return address + message * 4;
}

/** The call is over. Returns how many bytes it has sent. */
export function sent(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  settle(annex);
  return (words[annex + DONE] >>> 0) - (words[annex + BEFORE] >>> 0);
}

/** What a call has sent is counted: right after every store, whoever goes on. */
function settle(annex: number): void {
  const { words } = region();
  words[annex + DONE] = doneOf(annex) | 0;
  words[annex + IS_SENDING] = 0;
}

const poll: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(8));
const pollFields: DataView = new DataView(poll.buffer);

/** Whether a socket takes more, or has failed. */
export function isWritable(fd: number): boolean {
  pollFields.setInt32(0, fd, true);
  pollFields.setInt16(4, OUT, true);
  return sockets().poll(poll, word(1), 0) !== 0;
}
