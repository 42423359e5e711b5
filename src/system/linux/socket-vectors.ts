/**
 * Sending and receiving several buffers on a socket, as sendmsg and recvmsg of one message.
 *
 * @module
 */

import { sockets } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { WSABUF_BYTES } from "../winsock.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, goOn, mustEnd, readAddress, writeAddress } from "./requests.ts";
import { define, IN, OUT, type Rules, SOCKETS } from "./rules.ts";
import { receiveDatagram, sendDatagram } from "./socket-messages.ts";
import { endReceive, endSendingIfDone, failReceive } from "./socket-ends.ts";
import {
  failSocket,
  findSocket,
  hasState,
  IS_DATAGRAM,
  receiveRefusal,
  refuseRequest,
  sendRefusal,
} from "./socket-state.ts";
import {
  clearSecondAddress,
  hasNotWaited,
  RECEIVE,
  receiveFlags,
  SEND,
  SEND_FLAGS,
  startTransfer,
  wantsAll,
} from "./socket-streams.ts";
import { launch, startOn } from "./start.ts";
import { advanceVector, closeVector, openVector, setBuffer, vectorAddress } from "./vectors.ts";

const RECEIVE_VECTOR: number = SOCKETS + 2;
const SEND_VECTOR: number = SOCKETS + 3;

const IORING_OP_SENDMSG = 9;
const IORING_OP_RECVMSG = 10;

const MSG_DONTWAIT = 0x40;
const MSG_WAITALL = 0x100;

// The annex: struct msghdr, then the bytes asked for, and those that are done.
const MESSAGE = layout.X_OWN;
const MESSAGE_WORDS = 14;
const M_VECTOR = 4;
const M_COUNT = 6;
const LENGTH: number = MESSAGE + MESSAGE_WORDS;
const DONE: number = LENGTH + 2;

/** The WSABUFs at `buffers` become the request's vector. False if there is no room for it. */
function takeBuffers(request: number, buffers: number, count: number): boolean {
  if (!openVector(request, count)) return false;
  const { words } = region();
  let total = 0;
  for (let index = 0; index < count; index++) {
    const from = buffers + index * WSABUF_BYTES;
    const fields = wordsAround(from);
    const at = wordIndex(from);
    setBuffer(request, index, fields[at + 2] + fields[at + 3] * 0x100000000, fields[at]);
    total += fields[at];
  }
  const annex = layout.annexOf(request);
  words.fill(0, annex + MESSAGE, annex + DONE + 2);
  writeAddress(words, annex + MESSAGE + M_VECTOR, vectorAddress(request));
  words[annex + MESSAGE + M_COUNT] = count;
  writeAddress(words, annex + LENGTH, total);
  writeAddress(words, request + layout.R_ADDRESS, region().address + (annex + MESSAGE) * 4);
  words[request + layout.R_LENGTH] = 1;
  return true;
}

function start(
  kind: number,
  socket: number,
  at: number,
  buffers: number,
  count: number,
  flags: number,
  overlapped: number,
): number {
  if (count < 1 || count > layout.MAX_VECTOR_LENGTH) return code.WSAEINVAL;
  const refusal = kind === SEND_VECTOR ? sendRefusal(at) : receiveRefusal(at);
  if (refusal !== 0) return refusal;
  return startOn(socket, layout.KIND_SOCKET, 0, kind, overlapped, (port, request) => {
    if (!takeBuffers(request, buffers, count)) return failSocket(port, request, errno.ENOBUFS);
    const { words } = region();
    words[request + layout.R_FLAGS] = kind === SEND_VECTOR ? SEND_FLAGS : receiveFlags(flags);
    launch(port, request);
  });
}

/** A send until all of it is with the kernel: none that was started later may come between. */
function perform(request: number, isSend: boolean): number {
  const { words } = region();
  const fd = descriptorOf(request);
  const message = word(readAddress(words, request + layout.R_ADDRESS));
  const flags = words[request + layout.R_FLAGS] & ~MSG_WAITALL | MSG_DONTWAIT;
  const { recvmsg, sendmsg } = sockets();
  for (;;) {
    const count = Number(isSend ? sendmsg(fd, message, flags) : recvmsg(fd, message, flags));
    const left = lengthOf(request) - doneOf(request);
    if (count < 0) {
      const reason = errno.errno();
      if (reason !== errno.EINTR) return -reason;
    } else if (count >= left || count === 0 || !isSend && !wantsAll(request)) return count;
    else advance(request, count);
  }
}

function lengthOf(request: number): number {
  return readAddress(region().words, layout.annexOf(request) + LENGTH);
}

function doneOf(request: number): number {
  return readAddress(region().words, layout.annexOf(request) + DONE);
}

/** A part is done. */
function advance(request: number, count: number): void {
  const { words } = region();
  writeAddress(words, layout.annexOf(request) + DONE, doneOf(request) + count);
  advanceVector(request, count);
}

function completeReceive(port: Port, request: number, result: number): void {
  if (hasNotWaited(request, result)) return goOn(port, request);
  const length = lengthOf(request);
  const bytes = doneOf(request) + Math.max(result, 0);
  if (result > 0 && bytes < length && wantsAll(request) && !mustEnd(request)) {
    advance(request, result);
    return goOn(port, request);
  }
  closeVector(request);
  if (result < 0) failReceive(port, request, -result, bytes);
  else if (result === 0 && length > 0) endReceive(port, request, bytes);
  else finishRequest(port, request, 0, bytes, 0);
}

function completeSend(port: Port, request: number, result: number): void {
  if (hasNotWaited(request, result)) return goOn(port, request);
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  const length = lengthOf(request);
  const bytes = doneOf(request) + Math.max(result, 0);
  if (result > 0 && bytes < length && !mustEnd(request)) {
    advance(request, result);
    return goOn(port, request);
  }
  closeVector(request);
  if (result < 0) failSocket(port, request, -result, bytes);
  else if (bytes < length) {
    refuseRequest(port, request, code.ERROR_OPERATION_ABORTED, bytes, errno.ECANCELED);
  } else finishRequest(port, request, 0, bytes, 0);
  endSendingIfDone(handle);
}

function vectorRules(opcode: number, isSend: boolean): Rules {
  return {
    opcode,
    events: isSend ? OUT : IN,
    perform: (request) => perform(request, isSend),
    complete: isSend ? completeSend : completeReceive,
    fill: clearSecondAddress,
  };
}

define(RECEIVE_VECTOR, vectorRules(IORING_OP_RECVMSG, false));
define(SEND_VECTOR, vectorRules(IORING_OP_SENDMSG, true));

/** Starts sending. Source: WSASend. */
export function wsaSend(
  socket: number,
  buffers: number,
  count: number,
  flags: number,
  overlapped: number,
): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (flags !== 0) return code.WSAEOPNOTSUPP;
  if (hasState(at, IS_DATAGRAM)) return sendDatagram(socket, buffers, count, overlapped);
  if (count === 1) return startTransfer(SEND, socket, at, buffers, 0, overlapped);
  return start(SEND_VECTOR, socket, at, buffers, count, 0, overlapped);
}

/** Starts receiving. Source: WSARecv. */
export function wsaRecv(
  socket: number,
  buffers: number,
  count: number,
  flags: number,
  overlapped: number,
): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (hasState(at, IS_DATAGRAM)) return receiveDatagram(socket, buffers, count, flags, overlapped);
  const asked = flags === 0 ? 0 : wordsAround(flags)[wordIndex(flags)];
  if (count === 1) return startTransfer(RECEIVE, socket, at, buffers, asked, overlapped);
  return start(RECEIVE_VECTOR, socket, at, buffers, count, asked, overlapped);
}
