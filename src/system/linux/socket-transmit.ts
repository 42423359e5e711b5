/**
 * Sending a file with what goes before and after it: TransmitFile.
 *
 * A ring moves the file's pages through a pipe of the request's own, into it and out of it
 * again, by its splices; without io_uring sendfile does that. Neither copies them. The file's descriptor is
 * the request's own as well, so that the file may be closed meanwhile.
 *
 * @module
 */

import { libc, sockets, streams } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { TF_DISCONNECT } from "../winsock.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import { files, setNonBlocking } from "./files.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, goOn, mustEnd, readAddress, writeAddress } from "./requests.ts";
import { define, OUT, SOCKETS } from "./rules.ts";
import { continueAsDisconnect } from "./socket-connect.ts";
import { endSendingIfDone } from "./socket-ends.ts";
import { failSocket, findSocket, refuseRequest, sendRefusal } from "./socket-state.ts";
import { SEND_FLAGS } from "./socket-streams.ts";
import { launch, READABLE, startOn } from "./start.ts";

const TRANSMIT: number = SOCKETS + 8;

const IORING_OP_SEND = 26;
const IORING_OP_SPLICE = 30;

const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const O_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const SPLICE_F_MORE = 4;

/** Bytes that the pipe of a transmission holds; what the kernel gives to everybody. */
const PIPE_BYTES = 0x100000;
/** Bytes of the file that go at once; a page less, for one that begins in the middle of a page. */
const PART_BYTES: number = PIPE_BYTES - 4096;

/** Parts of a file that go without io_uring before others have their turn. */
const MAX_PARTS = 16;

// What is being done, in this order.
const HEAD = 0;
const FILE = 1;
const TAIL = 2;
const END = 3;

// The annex.
const PHASE = layout.X_OWN;
const FLAGS: number = layout.X_OWN + 1;
/** The descriptors, each plus one: the file's, the pipe's two ends. */
const SOURCE: number = layout.X_OWN + 2;
const PIPE_FROM: number = layout.X_OWN + 3;
const PIPE_TO: number = layout.X_OWN + 4;
/** 1 if the file may be shorter than it was at the start. */
const IS_TO_END: number = layout.X_OWN + 5;
const HEAD_AT: number = layout.X_OWN + 6;
const HEAD_BYTES: number = layout.X_OWN + 8;
const TAIL_BYTES: number = layout.X_OWN + 9;
const TAIL_AT: number = layout.X_OWN + 10;
/** Where in the file the next part begins, and the bytes of it that are left. */
const POSITION: number = layout.X_OWN + 12;
const LEFT: number = layout.X_OWN + 14;
/** Bytes that have been sent. */
const TOTAL: number = layout.X_OWN + 16;
/** Bytes in the pipe. */
const PIPED: number = layout.X_OWN + 18;

/** Starts sending a file. Source: TransmitFile. */
export function transmitFile(
  socket: number,
  file: number,
  byteLength: number,
  head: number,
  headBytes: number,
  tail: number,
  tailBytes: number,
  flags: number,
  overlapped: number,
): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  const refusal = sendRefusal(at);
  if (refusal !== 0) return refusal;
  const fields = wordsAround(overlapped);
  const index = wordIndex(overlapped);
  const position = fields[index + 4] + fields[index + 5] * 0x100000000;
  const source = openSource(file, position, byteLength);
  if (source.code !== 0) return source.code;
  const answer = startOn(socket, layout.KIND_SOCKET, 0, TRANSMIT, overlapped, (port, request) => {
    const { words } = region();
    const annex = layout.annexOf(request);
    words.fill(0, annex + PHASE, annex + PIPED + 1);
    words[annex + FLAGS] = flags;
    words[annex + SOURCE] = source.fd + 1;
    words[annex + IS_TO_END] = byteLength === 0 ? 1 : 0;
    writeAddress(words, annex + HEAD_AT, head);
    words[annex + HEAD_BYTES] = headBytes | 0;
    writeAddress(words, annex + TAIL_AT, tail);
    words[annex + TAIL_BYTES] = tailBytes | 0;
    writeAddress(words, annex + POSITION, position);
    writeAddress(words, annex + LEFT, source.left);
    if (port.isRing() && source.left > 0 && !openPipe(annex)) {
      return fail(port, request, errno.errno());
    }
    if (prepare(request, HEAD)) launch(port, request);
    else end(port, request);
  });
  if (answer !== code.ERROR_IO_PENDING && source.fd >= 0) libc().close(source.fd);
  return answer;
}

/** A descriptor of the file for the request alone, and how many bytes of it are to be sent. */
interface Source {
  readonly code: number;
  readonly fd: number;
  readonly left: number;
}

function openSource(file: number, position: number, byteLength: number): Source {
  if (file === 0) return { code: 0, fd: -1, left: 0 };
  const { words } = region();
  const at = findHandle(file);
  if (at < 0) return { code: code.ERROR_INVALID_HANDLE, fd: -1, left: 0 };
  if (words[at + layout.H_KIND] !== layout.KIND_FILE) {
    return { code: code.ERROR_INVALID_PARAMETER, fd: -1, left: 0 };
  }
  if ((words[at + layout.H_FLAGS] & READABLE) === 0) {
    return { code: code.ERROR_ACCESS_DENIED, fd: -1, left: 0 };
  }
  const size = files.getFileSizeEx(file);
  if (size.code !== 0) return { code: size.code, fd: -1, left: 0 };
  const left = byteLength === 0 ? Math.max(size.value - position, 0) : byteLength;
  if (left > 0x7ffffffe) return { code: code.ERROR_INVALID_PARAMETER, fd: -1, left: 0 };
  const fd = libc().fcntl(words[at + layout.H_FD], F_DUPFD_CLOEXEC, 0);
  return fd < 0 ? { ...errno.failure(), fd, left } : { code: 0, fd, left };
}

function openPipe(annex: number): boolean {
  const { words } = region();
  const ends = new Int32Array(new ArrayBuffer(8));
  if (streams().pipe2(new Uint8Array(ends.buffer), O_CLOEXEC) !== 0) return false;
  // Where the user has too many large pipes it stays small, and there are more parts.
  libc().fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
  words[annex + PIPE_FROM] = ends[0] + 1;
  words[annex + PIPE_TO] = ends[1] + 1;
  return true;
}

/** Gives back what the transmission has opened. */
function closeAll(request: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  for (const at of [annex + SOURCE, annex + PIPE_FROM, annex + PIPE_TO]) {
    if (words[at] !== 0) libc().close(words[at] - 1);
    words[at] = 0;
  }
}

function totalOf(request: number): number {
  return readAddress(region().words, layout.annexOf(request) + TOTAL);
}

function fail(port: Port, request: number, reason: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  closeAll(request);
  failSocket(port, request, reason, totalOf(request));
  endSendingIfDone(handle);
}

/** Prepares what comes first from `phase` on; false if that is the end. */
function prepare(request: number, phase: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  if (phase === HEAD && words[annex + HEAD_BYTES] === 0) phase = FILE;
  if (phase === FILE && readAddress(words, annex + LEFT) === 0) phase = TAIL;
  if (phase === TAIL && words[annex + TAIL_BYTES] === 0) phase = END;
  words[annex + PHASE] = phase;
  if (phase === END) return false;
  words[request + layout.R_DONE] = 0;
  words[request + layout.R_OPCODE] = phase === FILE ? IORING_OP_SPLICE : IORING_OP_SEND;
  const at = phase === HEAD ? HEAD_AT : TAIL_AT;
  words[request + layout.R_ADDRESS] = words[annex + at];
  words[request + layout.R_ADDRESS + 1] = words[annex + at + 1];
  words[request + layout.R_LENGTH] = words[annex + (phase === HEAD ? HEAD_BYTES : TAIL_BYTES)];
  words[request + layout.R_FLAGS] = SEND_FLAGS | (hasMore(request) ? MSG_MORE : 0);
  return true;
}

/** Whether something follows what is being sent: the kernel may wait for it. */
function hasMore(request: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  const phase = words[annex + PHASE];
  if (phase === TAIL) return false;
  return words[annex + TAIL_BYTES] !== 0 || readAddress(words, annex + LEFT) > 0;
}

/** All of it has been sent. */
function end(port: Port, request: number): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  const flags = words[layout.annexOf(request) + FLAGS];
  const total = totalOf(request);
  closeAll(request);
  if ((flags & TF_DISCONNECT) !== 0) return continueAsDisconnect(port, request, flags, total);
  finishRequest(port, request, 0, total, 0);
  endSendingIfDone(handle);
}

/** The entry of a splice: from the file into the pipe, or out of that into the socket. */
function fill(request: number, entries: Int32Array<ArrayBuffer>, at: number): void {
  const { words } = region();
  if (words[request + layout.R_OPCODE] !== IORING_OP_SPLICE) {
    entries[at + 2] = 0;
    entries[at + 3] = 0;
    return;
  }
  const annex = layout.annexOf(request);
  const piped = words[annex + PIPED];
  const isIn = piped === 0;
  if (isIn) entries[at + 1] = words[annex + PIPE_TO] - 1;
  // -1: a pipe and a socket have no positions.
  entries[at + 2] = entries[at + 3] = -1;
  entries[at + 4] = isIn ? words[annex + POSITION] : -1;
  entries[at + 5] = isIn ? words[annex + POSITION + 1] : -1;
  entries[at + 6] = isIn ? Math.min(readAddress(words, annex + LEFT), PART_BYTES) : piped;
  entries[at + 7] = !isIn && hasMore(request) ? SPLICE_F_MORE : 0;
  entries[at + 11] = words[annex + (isIn ? SOURCE : PIPE_FROM)] - 1;
}

/**
 * Without io_uring: all that can be sent now; none that was started later may come between.
 * 0 at the end.
 */
function perform(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const fd = descriptorOf(request);
  for (let times = 0; times < MAX_PARTS; times++) {
    const phase = words[annex + PHASE];
    if (phase === END) return 0;
    const count = phase === FILE ? sendFile(request, fd) : sendBytes(request, fd);
    if (count < 0) {
      const reason = errno.errno();
      if (reason !== errno.EINTR) return -reason;
    } else {
      const isOver = phase === FILE ? isFileOver(request, count) : isPartOver(request, count);
      // The file ended before what was promised.
      if (isOver && phase === FILE && readAddress(words, annex + LEFT) > 0) return 0;
      if (isOver) prepare(request, phase + 1);
    }
  }
  return -errno.EAGAIN;
}

function sendBytes(request: number, fd: number): number {
  const { words } = region();
  const done = words[request + layout.R_DONE] >>> 0;
  const address = readAddress(words, request + layout.R_ADDRESS) + done;
  const length = (words[request + layout.R_LENGTH] >>> 0) - done;
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL | words[request + layout.R_FLAGS] & MSG_MORE;
  return Number(sockets().send(fd, word(address), word(length), flags));
}

function sendFile(request: number, fd: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const position = new Uint8Array(new ArrayBuffer(8));
  new Int32Array(position.buffer).set([words[annex + POSITION], words[annex + POSITION + 1]]);
  const count = Math.min(readAddress(words, annex + LEFT), PART_BYTES);
  setNonBlocking(fd);
  return Number(streams().sendfile(fd, words[annex + SOURCE] - 1, position, word(count)));
}

/** A part of the head or the tail has been sent: true if that was the last. */
function isPartOver(request: number, count: number): boolean {
  const { words } = region();
  const done = (words[request + layout.R_DONE] >>> 0) + count;
  words[request + layout.R_DONE] = done | 0;
  addTotal(request, count);
  return done === words[request + layout.R_LENGTH] >>> 0;
}

/** A part of the file has been sent: true if no more comes. */
function isFileOver(request: number, count: number): boolean {
  takeFromFile(request, count);
  addTotal(request, count);
  return count === 0 || readAddress(region().words, layout.annexOf(request) + LEFT) === 0;
}

/** `count` bytes have been read of the file; none: it has no more. */
function takeFromFile(request: number, count: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  const isEnd = count === 0 && words[annex + IS_TO_END] !== 0;
  const left = isEnd ? 0 : readAddress(words, annex + LEFT) - count;
  writeAddress(words, annex + POSITION, readAddress(words, annex + POSITION) + count);
  writeAddress(words, annex + LEFT, left);
}

function addTotal(request: number, count: number): void {
  const annex = layout.annexOf(request);
  writeAddress(region().words, annex + TOTAL, totalOf(request) + count);
}

/** A splice is done: true if the file has no more, and nothing of it is in the pipe. */
function isSpliceOver(request: number, count: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  if (words[annex + PIPED] === 0) {
    takeFromFile(request, count);
    words[annex + PIPED] = count;
    return count === 0;
  }
  words[annex + PIPED] -= count;
  addTotal(request, count);
  return words[annex + PIPED] === 0 && readAddress(words, annex + LEFT) === 0;
}

function complete(port: Port, request: number, result: number): void {
  if (result < 0) return fail(port, request, -result);
  const { words } = region();
  const annex = layout.annexOf(request);
  let phase = words[annex + PHASE];
  if (port.isRing()) {
    const isOver = phase === FILE ? isSpliceOver(request, result) : isPartOver(request, result);
    const isCut = isOver && phase === FILE && readAddress(words, annex + LEFT) > 0;
    if (isOver && !isCut) prepare(request, phase + 1);
    phase = words[annex + PHASE];
    if (phase !== END && !isCut) {
      return mustEnd(request) ? fail(port, request, errno.ECANCELED) : goOn(port, request);
    }
  }
  if (phase === END) end(port, request);
  else endCut(port, request);
}

/** The file has no more bytes, though they were promised. */
function endCut(port: Port, request: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  closeAll(request);
  refuseRequest(port, request, code.ERROR_HANDLE_EOF, totalOf(request));
  endSendingIfDone(handle);
}

define(TRANSMIT, { opcode: IORING_OP_SEND, events: OUT, perform, complete, fill });
