/**
 * Connecting: ConnectEx, and its end, DisconnectEx.
 *
 * @module
 */

import { libc, sockets, streams } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { AF_UNIX, SOCKADDR_BYTES, TF_REUSE_SOCKET } from "../winsock.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import { setNonBlocking } from "./files.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, goOn, mustEnd, writeAddress } from "./requests.ts";
import { define, IN, OUT, POLL, SOCKETS, TIMER } from "./rules.ts";
import { keepOptions, makeSocket, toLinuxFamily } from "./socket-names.ts";
import {
  addState,
  ENDED_SEND,
  failSocket,
  familyOf,
  findSocket,
  hasState,
  IS_CONNECTED,
  IS_DATAGRAM,
  IS_LISTENING,
  renewState,
  stateOf,
} from "./socket-state.ts";
import { SEND, SEND_FLAGS } from "./socket-streams.ts";
import { launch, startOn } from "./start.ts";
import { setTimer } from "./timers.ts";

const CONNECT: number = SOCKETS + 6;
const DISCONNECT: number = SOCKETS + 7;

const IORING_OP_CONNECT = 16;
const IORING_OP_SEND = 26;

const SHUT_WR = 1;
const O_CLOEXEC = 0x80000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

// The annex of a connect: the address, what is sent then, and whether the kernel has been asked.
const ADDRESS = layout.X_OWN;
const FIRST: number = ADDRESS + SOCKADDR_BYTES / 4;
const FIRST_BYTES: number = FIRST + 2;
const IS_BEGUN: number = FIRST + 3;
/** Milliseconds after which a listener is asked again that keeps no more clients waiting; 0 before that. */
const DELAY: number = FIRST + 4;
const MAX_DELAY_MS = 16;

/** Starts connecting. Source: ConnectEx. */
export function connectEx(
  socket: number,
  address: number,
  addressBytes: number,
  buffer: number,
  sendBytes: number,
  overlapped: number,
): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (hasState(at, IS_LISTENING)) return code.WSAEINVAL;
  if (hasState(at, IS_CONNECTED) && !hasState(at, IS_DATAGRAM)) return code.WSAEISCONN;
  if (addressBytes < 2 || addressBytes > SOCKADDR_BYTES) return code.WSAEINVAL;
  return startOn(socket, layout.KIND_SOCKET, 0, CONNECT, overlapped, (port, request) => {
    const { words, address: base } = region();
    const annex = layout.annexOf(request);
    const count = Math.ceil(addressBytes / 4);
    const index = wordIndex(address);
    const from = wordsAround(address);
    for (let i = 0; i < count; i++) words[annex + ADDRESS + i] = from[index + i];
    words[annex + ADDRESS] = toLinuxFamily(words[annex + ADDRESS]);
    writeAddress(words, annex + FIRST, buffer);
    words[annex + FIRST_BYTES] = sendBytes | 0;
    words[annex + IS_BEGUN] = 0;
    words[annex + DELAY] = 0;
    writeAddress(words, request + layout.R_ADDRESS, base + (annex + ADDRESS) * 4);
    // What a ring calls the offset is the address' length here.
    words[request + layout.R_OFFSET] = addressBytes;
    launch(port, request);
  });
}

/** Asks the kernel, and again once the socket is writable: only that takes the failure from it. */
function performConnect(request: number): number {
  const { words, address } = region();
  const annex = layout.annexOf(request);
  const fd = descriptorOf(request);
  if (words[annex + IS_BEGUN] === 0) setNonBlocking(fd);
  else if (!isWritable(fd)) return -errno.EAGAIN;
  const at = word(address + (annex + ADDRESS) * 4);
  if (streams().connect(fd, at, words[request + layout.R_OFFSET]) === 0) return 0;
  const reason = errno.errno();
  if (words[annex + IS_BEGUN] !== 0) {
    if (reason === errno.EISCONN) return 0;
    return reason === errno.EALREADY || reason === errno.EINTR ? -errno.EAGAIN : -reason;
  }
  // Of a Unix-domain socket: no event tells when the listener has room for one more.
  if (reason === errno.EAGAIN) return -errno.EBUSY;
  // EALREADY: an earlier one, to some other address perhaps, was cancelled and goes on in the kernel.
  if (reason !== errno.EINPROGRESS && reason !== errno.EINTR) return -reason;
  words[annex + IS_BEGUN] = 1;
  return -errno.EAGAIN;
}

function isWritable(fd: number): boolean {
  const poll = new Uint8Array(new ArrayBuffer(8));
  const fields = new DataView(poll.buffer);
  fields.setInt32(0, fd, true);
  fields.setInt16(4, OUT, true);
  return sockets().poll(poll, word(1), 0) > 0;
}

/** Whether the listener is to be asked again, after some time or now, and prepares that. */
function isAgain(request: number, result: number): boolean {
  const { words } = region();
  if (mustEnd(request)) return false;
  if (result === -errno.ETIME && words[request + layout.R_OPCODE] === TIMER) {
    words[request + layout.R_OPCODE] = IORING_OP_CONNECT;
    return true;
  }
  const isFull = result === -errno.EBUSY || result === -errno.EAGAIN;
  if (!isFull || familyOf(words[request + layout.R_HANDLE]) !== AF_UNIX) return false;
  const delay = layout.annexOf(request) + DELAY;
  words[delay] = Math.min(Math.max(words[delay] * 2, 1), MAX_DELAY_MS);
  words[request + layout.R_OPCODE] = TIMER;
  setTimer(request, words[delay]);
  return true;
}

function completeConnect(port: Port, request: number, result: number): void {
  if (isAgain(request, result)) return goOn(port, request);
  if (result < 0) return failSocket(port, request, -result);
  const { words } = region();
  const annex = layout.annexOf(request);
  addState(words[request + layout.R_HANDLE], IS_CONNECTED);
  if (words[annex + FIRST_BYTES] === 0) return finishRequest(port, request, 0, 0, 0);
  if (mustEnd(request)) return failSocket(port, request, errno.ECANCELED);
  // From here on it is a send.
  words[request + layout.R_ADDRESS] = words[annex + FIRST];
  words[request + layout.R_ADDRESS + 1] = words[annex + FIRST + 1];
  words[request + layout.R_LENGTH] = words[annex + FIRST_BYTES];
  words[request + layout.R_OFFSET] = 0;
  words[request + layout.R_FLAGS] = SEND_FLAGS;
  words[request + layout.R_OPCODE] = IORING_OP_SEND;
  words[request + layout.R_KIND] = SEND;
  goOn(port, request);
}

define(CONNECT, {
  opcode: IORING_OP_CONNECT,
  events: OUT,
  perform: performConnect,
  complete: completeConnect,
});

/** Starts parting. Source: DisconnectEx. */
export function disconnectEx(socket: number, flags: number, overlapped: number): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (!hasState(at, IS_CONNECTED) || hasState(at, IS_DATAGRAM)) return code.WSAENOTCONN;
  return startOn(socket, layout.KIND_SOCKET, 0, DISCONNECT, overlapped, (port, request) => {
    region().words[request + layout.R_FLAGS] = flags;
    startDisconnect(port, request, launch);
  });
}

/**
 * Sends the end. The request waits for the other end's, if the socket is to be used again; what
 * still comes is thrown away. Under the port's lock. `hand` gives it to the engine.
 */
function startDisconnect(
  port: Port,
  request: number,
  hand: (port: Port, request: number) => void,
): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  addState(handle, ENDED_SEND);
  sockets().shutdown(words[handle + layout.H_FD], SHUT_WR);
  if ((words[request + layout.R_FLAGS] & TF_REUSE_SOCKET) !== 0) return hand(port, request);
  finishRequest(port, request, 0, words[request + layout.R_DONE] >>> 0, 0);
}

/** A request that has sent `bytes` bytes parts with the other end now. Under the port's lock. */
export function continueAsDisconnect(
  port: Port,
  request: number,
  flags: number,
  bytes: number,
): void {
  const { words } = region();
  words[request + layout.R_FLAGS] = flags;
  words[request + layout.R_DONE] = bytes | 0;
  words[request + layout.R_OPCODE] = POLL;
  words[request + layout.R_KIND] = DISCONNECT;
  startDisconnect(port, request, goOn);
}

const THROWN_BYTES = 0x10000;
const THROWN_TIMES = 16;
const thrown: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(THROWN_BYTES));

/** Throws away what has come. 0: the other end has ended too. */
function performDisconnect(request: number): number {
  const fd = descriptorOf(request);
  for (let times = 0; times < THROWN_TIMES; times++) {
    // Of TCP the bytes are not even copied.
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    const count = Number(streams().recv(fd, thrown, word(THROWN_BYTES), flags));
    if (count === 0) return 0;
    if (count > 0) continue;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
  return -errno.EAGAIN;
}

function completeDisconnect(port: Port, request: number, result: number): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  if (result < 0 && result !== -errno.ECONNRESET) return failSocket(port, request, -result);
  if (mustEnd(request)) return failSocket(port, request, errno.ECANCELED);
  const fresh = makeSocket(familyOf(handle), false);
  if (fresh < 0) return failSocket(port, request, -fresh);
  keepOptions(fresh, stateOf(handle));
  if (!port.isRing()) setNonBlocking(fresh);
  sockets().dup3(fresh, words[handle + layout.H_FD], O_CLOEXEC);
  libc().close(fresh);
  renewState(handle);
  finishRequest(port, request, 0, words[request + layout.R_DONE] >>> 0, 0);
}

define(DISCONNECT, {
  opcode: POLL,
  events: IN,
  perform: performDisconnect,
  complete: completeDisconnect,
});
