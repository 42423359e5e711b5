/**
 * Sending and receiving one buffer on a stream. What has several is in
 * `socket-vectors.ts`, what are datagrams or has addresses in `socket-messages.ts`.
 *
 * A receive that finds nothing waits in the engine; a send goes on until all of it is with
 * the kernel, so that its count is the length of its buffer unless it has failed.
 *
 * @module
 */

import { sockets, streams } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { statusOfError } from "../status.ts";
import * as winsock from "../winsock.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, goOn, mustEnd, openRequest, readAddress } from "./requests.ts";
import { define, IN, OUT, POLL, SOCKETS } from "./rules.ts";
import { endReceive, endSendingIfDone, failReceive } from "./socket-ends.ts";
import { beginDatagram } from "./socket-messages.ts";
import {
  ENDS_LATER,
  failSocket,
  hasState,
  IS_DATAGRAM,
  receiveRefusal,
  sendRefusal,
} from "./socket-state.ts";
import { beginStart, launch, refusalFor } from "./start.ts";
import { isWhole } from "./transfers.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { H_PORT, R_ADDRESS, R_DONE, R_FLAGS, R_HANDLE, R_KIND, R_LENGTH, R_OFFSET, R_OPCODE } =
  layout;

export const RECEIVE: number = SOCKETS;
export const SEND: number = SOCKETS + 1;

const IORING_OP_SEND = 26;
const IORING_OP_RECV = 27;

const MSG_PEEK = 0x2;
const MSG_DONTWAIT = 0x40;
const MSG_WAITALL = 0x100;
const MSG_NOSIGNAL = 0x4000;

/** On a ring the kernel goes on with a send by itself. */
export const SEND_FLAGS: number = MSG_NOSIGNAL | MSG_WAITALL;

/** What Linux calls the flags of a receive. */
export function receiveFlags(flags: number): number {
  return (flags & winsock.MSG_PEEK) | (flags & winsock.MSG_WAITALL ? MSG_WAITALL : 0);
}

/**
 * Starts a transfer of one WSABUF by the socket whose place begins at `at`. `flags`: of a receive, in
 * Winsock's numbers.
 */
export function startTransfer(
  kind: number,
  socket: number,
  at: number,
  buffers: number,
  flags: number,
  overlapped: number,
): number {
  const { words } = region();
  const refusal = kind === SEND ? sendRefusal(at) : receiveRefusal(at);
  if (refusal !== 0) return refusalFor(socket, at, refusal);
  const place = words[at + H_PORT];
  if (place === 0 || overlapped === 0) return refusalFor(socket, at, code.ERROR_INVALID_PARAMETER);
  const port = portAt(place - 1);
  const request = beginStart(port, socket, at);
  if (request < 0) return -request;
  openRequest(port, at, request, kind, overlapped);
  words[request + R_OFFSET] = 0;
  words[request + R_OFFSET + 1] = 0;
  // The WSABUF: its length, then its address.
  const from = wordsAround(buffers);
  const index = wordIndex(buffers);
  words[request + R_ADDRESS] = from[index + 2];
  words[request + R_ADDRESS + 1] = from[index + 3];
  words[request + R_LENGTH] = from[index];
  words[request + R_FLAGS] = kind === SEND ? SEND_FLAGS : receiveFlags(flags);
  prepareReceive(request, kind, from[index]);
  launch(port, request);
  port.unlock();
  return code.ERROR_IO_PENDING;
}

/** The kernel would not wait: a receive of nothing says when there is something. */
function prepareReceive(request: number, kind: number, byteLength: number): void {
  if (kind === RECEIVE && byteLength === 0) region().words[request + R_OPCODE] = POLL;
}

/** Whether a stream's receive wants more than what has come. */
export function wantsAll(request: number): boolean {
  const { words } = region();
  const flags = words[request + R_FLAGS] & (MSG_WAITALL | MSG_PEEK);
  return flags === MSG_WAITALL;
}

function performReceive(request: number): number {
  const { words } = region();
  const isLook = words[request + R_OPCODE] === POLL;
  const flags = words[request + R_FLAGS] & ~MSG_WAITALL | MSG_DONTWAIT;
  const fd = descriptorOf(request);
  for (;;) {
    const [address, length] = restOf(request);
    const count = isLook ? look(fd) : sockets().recv(fd, word(address), word(length), flags);
    if (count < 0) {
      const reason = errno.errno();
      if (reason !== errno.EINTR) return -reason;
    } else if (Number(count) === length || Number(count) === 0 || !wantsAll(request)) {
      return Number(count);
    } else advance(request, Number(count));
  }
}

/** Where the rest of a transfer is, and how long. */
function restOf(request: number): [address: number, byteLength: number] {
  const { words } = region();
  const done = words[request + R_DONE] >>> 0;
  const address = readAddress(words, request + R_ADDRESS) + done;
  return [address, (words[request + R_LENGTH] >>> 0) - done];
}

function advance(request: number, count: number): void {
  const { words } = region();
  words[request + R_DONE] = (words[request + R_DONE] >>> 0) + count | 0;
}

const byte: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(1));

/** 0 if there is something to receive, or the end has come; negative if not. */
function look(fd: number): number {
  return Number(streams().recv(fd, byte, word(1), MSG_PEEK | MSG_DONTWAIT)) < 0 ? -1 : 0;
}

/** Until all of it is with the kernel: none that was started later may come between. */
function performSend(request: number): number {
  const fd = descriptorOf(request);
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  for (;;) {
    const [address, length] = restOf(request);
    const count = Number(sockets().send(fd, word(address), word(length), flags));
    if (count === length) return count;
    if (count >= 0) advance(request, count);
    else {
      const reason = errno.errno();
      if (reason !== errno.EINTR) return -reason;
    }
  }
}

/**
 * Whether the socket was in non-blocking mode and the kernel, which tries again in a thread of its own,
 * did not wait there. Then it must be asked once more.
 */
export function hasNotWaited(request: number, result: number): boolean {
  return result === -errno.EAGAIN && !mustEnd(request);
}

function completeReceive(port: Port, request: number, result: number): void {
  const { words } = region();
  if (hasNotWaited(request, result)) return goOn(port, request);
  const done = words[request + R_DONE] >>> 0;
  const length = words[request + R_LENGTH] >>> 0;
  if (result < 0) return failReceive(port, request, -result, done);
  const bytes = done + result;
  if (result === 0 && length > 0) return endReceive(port, request, bytes);
  if (bytes < length && wantsAll(request) && !mustEnd(request)) {
    advance(request, result);
    return goOn(port, request);
  }
  finishRequest(port, request, 0, bytes, 0);
}

function completeSend(port: Port, request: number, result: number): void {
  const { words } = region();
  if (hasNotWaited(request, result)) return goOn(port, request);
  const done = words[request + R_DONE] >>> 0;
  const length = words[request + R_LENGTH] >>> 0;
  const handle = words[request + R_HANDLE];
  const bytes = result > 0 ? done + result : done;
  if (result > 0 && bytes < length && !mustEnd(request)) {
    advance(request, result);
    return goOn(port, request);
  }
  if (result < 0) failSocket(port, request, -result, bytes);
  else if (bytes < length) failSocket(port, request, errno.ECANCELED, bytes);
  else finishRequest(port, request, 0, bytes, 0);
  endSendingIfDone(handle);
}

/** Any count that is not the end will do, unless all was asked for. */
function isPlainReceive(request: number, result: number): boolean {
  return result > 0 && region().words[request + R_OPCODE] !== POLL && !wantsAll(request);
}

function isPlainSend(request: number, result: number): boolean {
  const handle = region().words[request + R_HANDLE];
  return isWhole(request, result) && !hasState(handle, ENDS_LATER);
}

/** A transfer has no second address, and a ring would take a position for one. */
export function clearSecondAddress(
  _request: number,
  entries: Int32Array<ArrayBuffer>,
  at: number,
): void {
  entries[at + 2] = 0;
  entries[at + 3] = 0;
}

/** One that ReadFile or WriteFile has begun. */
function begin(port: Port, request: number): void {
  const { words } = region();
  const handle = words[request + R_HANDLE];
  const kind = words[request + R_KIND];
  const refusal = kind === SEND ? sendRefusal(handle) : receiveRefusal(handle);
  if (refusal !== 0) return finishRequest(port, request, statusOfError(refusal), 0, 0);
  if (hasState(handle, IS_DATAGRAM)) return beginDatagram(port, request, kind === SEND);
  words[request + R_FLAGS] = kind === SEND ? SEND_FLAGS : receiveFlags(0);
  prepareReceive(request, kind, words[request + R_LENGTH]);
  launch(port, request);
}

define(RECEIVE, {
  opcode: IORING_OP_RECV,
  events: IN,
  perform: performReceive,
  complete: completeReceive,
  isPlain: isPlainReceive,
  begin,
  fill: clearSecondAddress,
});

define(SEND, {
  opcode: IORING_OP_SEND,
  events: OUT,
  perform: performSend,
  complete: completeSend,
  isPlain: isPlainSend,
  begin,
  fill: clearSecondAddress,
});
