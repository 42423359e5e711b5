/**
 * Winsock of this process: that it is started once, which handles are sockets, where
 * a socket's provider has Microsoft's extensions, and why a call was refused.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { functionAt, word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import { MSWSOCK } from "../../ffi/mswsock.ts";
import type { Callable } from "../../ffi/signature.ts";
import { ws2_32 } from "../../ffi/ws2_32.ts";
import { ERROR_INVALID_HANDLE, ERROR_IO_PENDING, ERROR_NOT_SUPPORTED } from "../codes.ts";
import type { Outcome } from "../contract.ts";
import { SOCK_DGRAM } from "../winsock.ts";
import { failure, handleWord, success } from "./last-error.ts";
import { memory } from "./memory.ts";

const VERSION_2_2 = 0x0202;
const WSADATA_BYTES = 408;
const SIO_GET_EXTENSION_FUNCTION_POINTER = 0xC8000006;
const GUID_BYTES = 16;
const WSAEMFILE = 10024;
const WSAENOTSOCK = 10038;
/** A datagram is longer than the buffer, or than any can be. */
export const WSAEMSGSIZE = 10040;
const NOTHING = word(0);

/**
 * Memory of the process: whether Winsock was started, then a byte for every handle
 * below the limit: of a socket made here its family and whether it is for datagrams,
 * 0 of all else.
 */
const NAME = "iocp-sockets";
const HEAD_BYTES = 64;
/** Handles are multiples of 4; a process has that many long after it has no memory left. */
const HANDLE_LIMIT = 2 ** 24;
/** Bit of a byte: datagrams. */
const DATAGRAMS = 0x80;

interface Table {
  readonly state: Int32Array<ArrayBuffer>;
  readonly notes: Uint8Array<ArrayBuffer>;
}

let table: Table | undefined;

function openTable(): Table {
  const byteLength = HEAD_BYTES + HANDLE_LIMIT / 4;
  const { code, value } = memory.mapProcessMemory(NAME, byteLength);
  if (code !== 0) throw new RangeError(`Reserving ${byteLength} bytes of memory failed: ${code}`);
  const buffer = view(value, byteLength);
  return {
    state: new Int32Array(buffer, 0, 1),
    notes: new Uint8Array(buffer, HEAD_BYTES),
  };
}

/**
 * Makes sure that Winsock is started for this process. Returns the code.
 * Threads that come here together may start it twice: all but one take it back.
 */
export function startWinsock(): number {
  const { state } = table ??= openTable();
  if (Atomics.load(state, 0) !== 0) return 0;
  const data = new Uint8Array(new ArrayBuffer(WSADATA_BYTES));
  const code = ws2_32().WSAStartup(VERSION_2_2, data);
  if (code === 0 && Atomics.exchange(state, 0, 1) !== 0) ws2_32().WSACleanup();
  return code;
}

/** The byte of the table that is `handle`'s; -1 if that can be no socket of ours. */
function indexOf(handle: number): number {
  return Number.isSafeInteger(handle) && handle >= 0 && handle < HANDLE_LIMIT ? handle >>> 2 : -1;
}

/** Enters a socket that was just made. Refuses it, closed, if it has no byte. */
export function enterSocket(socket: number, family: number, type: number): Outcome {
  const { notes } = table ??= openTable();
  const index = indexOf(socket);
  if (index < 0) {
    ws2_32().closesocket(handleWord(socket));
    return failure(WSAEMFILE);
  }
  Atomics.store(notes, index, type === SOCK_DGRAM ? family | DATAGRAMS : family);
  return success(socket);
}

function noteOf(handle: number): number {
  const index = indexOf(handle);
  return index < 0 ? 0 : Atomics.load((table ??= openTable()).notes, index);
}

/** The family of a socket that was made here; 0 of everything else. */
export function familyOf(handle: number): number {
  return noteOf(handle) & ~DATAGRAMS;
}

/** Whether the handle is a socket for datagrams, and was made here. */
export function hasDatagrams(handle: number): boolean {
  return (noteOf(handle) & DATAGRAMS) !== 0;
}

/**
 * Closes `handle` if it is a socket: providers keep things of their own for each,
 * and CloseHandle does not tell them. False if it is none, and nothing was done.
 */
export function closeSocket(handle: number): boolean {
  const index = indexOf(handle);
  if (index < 0) return false;
  // Forgotten first: the number may be another thread's as soon as it is closed.
  const note = Atomics.exchange((table ??= openTable()).notes, index, 0);
  return note !== 0 && ws2_32().closesocket(handleWord(handle)) === 0;
}

/**
 * Why Winsock has refused a call on `socket`, of which `error` is the last error. It calls
 * a closed handle "no socket" as well, which the contract does not.
 */
export function reasonOf(error: number, socket: number): number {
  return error === WSAENOTSOCK && !isFile(socket) ? ERROR_INVALID_HANDLE : error;
}

/** Whether the handle is open, and of something that is read or written. */
function isFile(handle: number): boolean {
  const k = kernel32();
  const type = k.GetFileType(handleWord(handle));
  const error = k.GetLastError();
  return type !== 0 || error === 0;
}

/** 0 for a call that has answered 0, else why it was refused. */
export function socketAnswer(result: number, error: number, socket: number): number {
  return result === 0 ? 0 : reasonOf(error, socket);
}

/** The result of a start that has answered 0 if it could: ERROR_IO_PENDING if a packet comes (66). */
export function socketStarted(result: number, error: number, socket: number): number {
  return result === 0 ? ERROR_IO_PENDING : reasonOf(error, socket);
}

/** As above, of one of Microsoft's extensions, which answer TRUE if they could. */
export function extensionStarted(bool: number, error: number, socket: number): number {
  return bool !== 0 ? ERROR_IO_PENDING : reasonOf(error, socket);
}

/**
 * As `socketStarted` for a receive: a datagram longer than its buffer is told at once by some
 * starts, and its packet comes all the same (67).
 */
export function socketReceiving(result: number, error: number, socket: number): number {
  const code = socketStarted(result, error, socket);
  return code === WSAEMSGSIZE ? ERROR_IO_PENDING : code;
}

type Extensions = typeof MSWSOCK;
type ExtensionName = keyof Extensions;
type Found = { [K in ExtensionName]?: Callable<Extensions[K]> };

/** What this thread has asked for, by family: providers are of one. */
const found: Map<number, Found> = new Map();

/** A GUID as it lies in memory: three numbers and eight bytes. */
function guidOf(id: string): Uint8Array<ArrayBuffer> {
  const digits = id.replaceAll("-", "");
  const bytes = new Uint8Array(new ArrayBuffer(GUID_BYTES));
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  order.forEach((from, i) => bytes[i] = parseInt(digits.slice(from * 2, from * 2 + 2), 16));
  return bytes;
}

/** The address of the function that the socket's provider has for this id. */
function addressOf(socket: number, id: string): Outcome {
  const bytes = () => new Uint8Array(new ArrayBuffer(8));
  const [address, length, guid] = [bytes(), bytes(), guidOf(id)];
  const k = kernel32();
  const asked = ws2_32().WSAIoctl(
    handleWord(socket),
    SIO_GET_EXTENSION_FUNCTION_POINTER,
    guid,
    GUID_BYTES,
    address,
    address.length,
    length,
    NOTHING,
    NOTHING,
  );
  const error = k.GetLastError();
  if (asked !== 0) return failure(reasonOf(error, socket));
  const value = Number(new DataView(address.buffer).getBigUint64(0, true));
  return value === 0 ? failure(ERROR_NOT_SUPPORTED) : success(value);
}

/** Microsoft's extension `name` for this socket, or the code with which there is none. */
export function extension<K extends ExtensionName>(
  name: K,
  socket: number,
): Callable<Extensions[K]> | number {
  const family = familyOf(socket);
  const known = found.get(family)?.[name];
  if (known !== undefined) return known;
  const { code, value } = addressOf(socket, MSWSOCK[name].id);
  if (code !== 0) return code;
  const asked = functionAt<Extensions[K]>(value, MSWSOCK[name]);
  // A socket that was not made here may be another provider's than the next one.
  if (family !== 0) found.set(family, { ...found.get(family), [name]: asked });
  return asked;
}
