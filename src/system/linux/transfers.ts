/**
 * Reads and writes: of files at an offset, of streams as they come.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import { deviceCalls, plain, pwritev2 } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import {
  failRequest,
  finishRequest,
  goOn,
  mustEnd,
  openRequest,
  readAddress,
  writeAddress,
} from "./requests.ts";
import { define, IN, OUT, READ, type Rules, WRITE } from "./rules.ts";
import { AT_STATX_DONT_SYNC, statx } from "./statx.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { H_KIND, KIND_FILE, R_ADDRESS, R_DONE, R_FLAGS, R_HANDLE, R_LENGTH, R_OFFSET } = layout;

const IORING_OP_READ = 22;
const IORING_OP_WRITE = 23;

/** NTSTATUS of a read that begins at the end or behind it. */
export const STATUS_END_OF_FILE = 0xC0000011;
const STATUS_PIPE_BROKEN = 0xC000014B;

/** pwritev2(2): what an offset of all ones means to WriteFile, at the end of the file. */
export const RWF_APPEND = 0x10;

/**
 * A transfer begins, from or to the `length` bytes at `address`, where the
 * OVERLAPPED says. Under the port's lock; the caller hands it to the engine.
 */
export function openTransfer(
  port: Port,
  handle: number,
  request: number,
  kind: number,
  address: number,
  length: number,
  overlapped: number,
): void {
  openRequest(port, handle, request, kind, overlapped);
  const { words } = region();
  writeAddress(words, request + R_ADDRESS, address);
  words[request + R_LENGTH] = length | 0;
  setPosition(request, handle, overlapped);
}

/** Where a transfer begins: as its OVERLAPPED says. */
export function setPosition(request: number, handle: number, overlapped: number): void {
  const { words } = region();
  const fields = wordsAround(overlapped);
  const at = wordIndex(overlapped);
  let low = fields[at + 4] | 0;
  let high = fields[at + 5] | 0;
  let flags = 0;
  // A stream has no positions, and a ring wants to be told so.
  if (words[handle + H_KIND] !== KIND_FILE) low = high = -1;
  else if (low === -1 && high === -1) flags = RWF_APPEND;
  words[request + R_OFFSET] = low;
  words[request + R_OFFSET + 1] = high;
  words[request + R_FLAGS] = flags;
}

/**
 * A completion of a transfer. A file's that came short goes on, so that a count
 * below the length means the end of the file and nothing else: true if so.
 */
export function isShort(request: number, result: number, isRead: boolean): boolean {
  if (result <= 0 || mustEnd(request)) return false;
  const { words } = region();
  if (words[words[request + R_HANDLE] + H_KIND] !== KIND_FILE) return false;
  const done = (words[request + R_DONE] >>> 0) + result;
  if (done >= words[request + R_LENGTH] >>> 0 || isRead && isAtEnd(request, done)) {
    return false;
  }
  words[request + R_DONE] = done | 0;
  return true;
}

/**
 * Whether a read that has brought `done` bytes has come exactly to the file's end. A look
 * at the size costs a tenth of a further read that brings nothing. Where it says anything
 * else, as of files in /proc, only such a read can tell.
 */
function isAtEnd(request: number, done: number): boolean {
  const { words } = region();
  const offset = request + R_OFFSET;
  const end = (words[offset] >>> 0) + words[offset + 1] * 0x100000000 + done;
  return statx(descriptorOf(request), "", AT_STATX_DONT_SYNC)?.size === end;
}

/** What a completion of a read or write comes to. */
function complete(port: Port, request: number, result: number, isRead: boolean): void {
  const { words } = region();
  const length = words[request + R_LENGTH] >>> 0;
  const done = words[request + R_DONE] >>> 0;
  const bytes = result > 0 ? done + result : done;
  if (result >= 0 && bytes === length) finishRequest(port, request, 0, bytes, 0);
  else if (isShort(request, result, isRead)) goOn(port, request);
  else if (result < 0 && !(isRead && done > 0)) failRequest(port, request, -result, bytes);
  // Nothing read is the end (69). Nothing written is what no file system should answer.
  else if (bytes === 0 && isRead) finishRequest(port, request, endOf(request), 0, 0);
  else if (bytes === 0) failRequest(port, request, errno.ENOSPC);
  else finishRequest(port, request, 0, bytes, 0);
}

function endOf(request: number): number {
  const { words } = region();
  return words[words[request + R_HANDLE] + H_KIND] === KIND_FILE
    ? STATUS_END_OF_FILE
    : STATUS_PIPE_BROKEN;
}

/** Carries out what is left of a transfer. The memory is the request's until its packet is taken. */
function perform(request: number, isRead: boolean): number {
  const { words } = region();
  const done = words[request + R_DONE] >>> 0;
  const handle = words[request + R_HANDLE];
  const fd = descriptorOf(request);
  const address = readAddress(words, request + R_ADDRESS) + done;
  const length = (words[request + R_LENGTH] >>> 0) - done;
  const isFile = words[handle + H_KIND] === KIND_FILE;
  for (;;) {
    const count = isFile
      ? file(isRead, fd, address, length, request, done)
      : stream(isRead, fd, address, length);
    const isEnd = isRead && !isFile && Number(count) === 0 && length > 0;
    if (isEnd && !isReadable(fd)) return -errno.EAGAIN;
    if (count >= 0) return Number(count);
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

/**
 * Whether a stream that has brought nothing is at its end. A FIFO reads as ended before
 * its first writer comes; poll(2) tells the two apart, and so does a ring.
 */
function isReadable(fd: number): boolean {
  const asked = new Uint8Array(new ArrayBuffer(8));
  const fields = new DataView(asked.buffer);
  fields.setInt32(0, fd, true);
  fields.setInt16(4, IN, true);
  return deviceCalls().poll(asked, word(1), 0) !== 0;
}

function stream(isRead: boolean, fd: number, address: number, length: number): number | bigint {
  const c = plain();
  return isRead
    ? c.read(fd, word(address), word(length))
    : c.write(fd, word(address), word(length));
}

function file(
  isRead: boolean,
  fd: number,
  address: number,
  length: number,
  request: number,
  done: number,
): number | bigint {
  const { words } = region();
  const low = words[request + R_OFFSET];
  const high = words[request + R_OFFSET + 1];
  if (low === -1 && high === -1) return append(fd, address, length);
  const offset = word((low >>> 0) + high * 0x100000000 + done);
  const c = plain();
  return isRead
    ? c.pread(fd, word(address), word(length), offset)
    : c.pwrite(fd, word(address), word(length), offset);
}

/** A write at the end, wherever that is by then: pwritev2(2) with RWF_APPEND. */
function append(fd: number, address: number, length: number): number | bigint {
  const vector = new Uint8Array(new ArrayBuffer(16));
  const fields = new DataView(vector.buffer);
  fields.setBigUint64(0, BigInt(address), true);
  fields.setBigUint64(8, BigInt(length), true);
  return pwritev2().syscall(errno.SYS_pwritev2, fd, vector, 1, word(0), word(0), RWF_APPEND);
}

/** All of it is done. */
export function isWhole(request: number, result: number): boolean {
  const { words } = region();
  const done = words[request + R_DONE] >>> 0;
  return result >= 0 && done + result === words[request + R_LENGTH] >>> 0;
}

function transferRules(opcode: number, events: number, isRead: boolean): Rules {
  return {
    opcode,
    events,
    perform: (request) => perform(request, isRead),
    complete: (port, request, result) => complete(port, request, result, isRead),
    isPlain: isWhole,
  };
}

define(READ, transferRules(IORING_OP_READ, IN, true));
define(WRITE, transferRules(IORING_OP_WRITE, OUT, false));
