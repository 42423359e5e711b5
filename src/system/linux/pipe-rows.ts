/**
 * What the engine keeps of an end of a pipe: its state in the handle's own words,
 * and in memory that all threads share a row for what does not fit there.
 *
 * All of it is read and written with the lock of the handle's port held, once the
 * handle has one.
 *
 * @module
 */

import { view } from "../../ffi/memory.ts";
import * as layout from "./layout.ts";
import { mapProcessMemory } from "./process-memory.ts";
import { region } from "./region.ts";

/** Words of a handle: its state, how often it has begun to wait for a client, what it is. */
export const PIPE_STATE = layout.H_OWN;
export const PIPE_LIFE: number = layout.H_OWN + 1;
export const PIPE_FLAGS: number = layout.H_OWN + 2;
/** Bytes of the next packet that have been read: it stays in the socket until all have. */
export const PIPE_OFFSET: number = layout.H_OWN + 3;

/** Waits for a client: its descriptor is a socket that listens. */
export const LISTENING = 1;
/** The other end is there, or was. */
export const CONNECTED = 2;
/** Parted from its client. */
export const DISCONNECTED = 3;
/** A client that has come is being put in the place of the socket that listens. */
export const TAKING = 4;
/** A socket that listens is being put in the place of a client that it has parted from. */
export const RETURNING = 5;

/** It is the server's end. */
export const IS_SERVER = 1;
/** Writes are messages. */
export const IS_MESSAGE = 2;
/** Reads are of one message. */
export const READS_MESSAGES = 4;
/** The beginning of a message was read, the next read is to go on with it. */
export const IN_MESSAGE = 8;

/** A row: lengths of folder and entry, then the mode of the sockets it listens on, then the texts. */
const ROW_WORDS = 256;
const FOLDER_BYTES = 0;
const ENTRY_BYTES = 1;
const MODE = 2;
const TEXT = 4;
/** Bytes of the texts of a row. */
export const MAX_TEXT_BYTES: number = (ROW_WORDS - TEXT) * 4;

/** Behind the rows: the number of instances this process has made. */
const SERIAL: number = layout.MAX_HANDLES * ROW_WORDS;

let address = 0;

/** A view of `length` words at word `at`: of a few only, because V8 counts what is viewed as its own. */
function wordsAt(at: number, length: number): Int32Array<ArrayBuffer> {
  if (address === 0) {
    const { code, value } = mapProcessMemory("iocp-pipes-1", (SERIAL + ROW_WORDS) * 4);
    if (code !== 0) throw new RangeError("Reserving memory for pipes failed");
    address = value;
  }
  return new Int32Array(view(address + at * 4, length * 4));
}

function rowOf(handle: number): Int32Array<ArrayBuffer> {
  return wordsAt((handle - layout.HANDLES) / layout.HANDLE_WORDS * ROW_WORDS, ROW_WORDS);
}

/** A number that no other instance of this process has had. */
export function nextSerial(): number {
  return Atomics.add(wordsAt(SERIAL, 1), 0, 1) + 1;
}

/** Begins the row of a new handle of a server's. */
export function openRow(handle: number, folder: string, entry: string, mode: number): void {
  const row = rowOf(handle);
  row[MODE] = mode;
  const [first, second] = [folder, entry].map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(row.buffer, TEXT * 4, MAX_TEXT_BYTES);
  bytes.set(first);
  bytes.set(second, first.length);
  row[FOLDER_BYTES] = first.length;
  row[ENTRY_BYTES] = second.length;
}

/** A row, as it was begun. */
export interface Row {
  /** The path of the instance's folder. */
  readonly folder: string;
  /** What its entries' names have behind their letter. */
  readonly entry: string;
  readonly mode: number;
}

/** The row of a server's handle. */
export function readRow(handle: number): Row {
  const row = rowOf(handle);
  const bytes = new Uint8Array(row.buffer, TEXT * 4, MAX_TEXT_BYTES);
  const end = row[FOLDER_BYTES];
  const decoder = new TextDecoder();
  return {
    folder: decoder.decode(bytes.subarray(0, end)),
    entry: decoder.decode(bytes.subarray(end, end + row[ENTRY_BYTES])),
    mode: row[MODE],
  };
}

/** Sets or clears a flag of a handle. */
export function setFlag(handle: number, flag: number, isSet: boolean): void {
  const { words } = region();
  const flags = words[handle + PIPE_FLAGS];
  words[handle + PIPE_FLAGS] = isSet ? flags | flag : flags & ~flag;
}

/** Whether a handle has a flag. */
export function hasFlag(handle: number, flag: number): boolean {
  return (region().words[handle + PIPE_FLAGS] & flag) !== 0;
}
