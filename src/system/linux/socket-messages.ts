/**
 * Datagrams, with their addresses or without, and messages with control data: sendmsg
 * and recvmsg, on a ring or without.
 *
 * @module
 */

import * as code from "../codes.ts";
import type { SocketSystem } from "../contract.ts";
import * as winsock from "../winsock.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import { reaped, reaping } from "./journal.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import {
  failRequest,
  finishRequest,
  goOn,
  mustEnd,
  readAddress,
  writeAddress,
} from "./requests.ts";
import { isBehind } from "./order.ts";
import { define, IN, OUT, POLL, type Rules, SOCKETS, TIMER } from "./rules.ts";
import {
  CONTROL_BYTES,
  DELAY,
  DONE,
  fillHeader,
  fillVector,
  FLAGS,
  LENGTH,
  MESSAGE_BUFFERS,
  MESSAGE_COUNT,
  MESSAGE_FLAGS,
  MSG_TRUNC,
  numberOf,
  type Parts,
  partsOf,
  report,
  translateName,
  TRIES,
  wordOf,
} from "./socket-headers.ts";
import { hasBegun, isLocal, perform, resultOf } from "./socket-exchange.ts";
import { endReceive, endSendingIfDone, failReceive } from "./socket-ends.ts";
import {
  failSocket,
  familyOf,
  findSocket,
  hasState,
  IS_DATAGRAM,
  receiveRefusal,
  sendRefusal,
} from "./socket-state.ts";
import { setTimer } from "./timers.ts";
import { takeReports } from "./socket-reports.ts";
import { launch, startOn } from "./start.ts";
import { advanceVector, closeVector, openVector, setBuffer } from "./vectors.ts";

const SEND_MESSAGE = SOCKETS + 20;
const RECEIVE_MESSAGE = SOCKETS + 21;
/** To another computer, which promises no order: several may be with the ring at once. */
const SEND_DATAGRAM = SOCKETS + 22;

const IORING_OP_SENDMSG = 9;
const IORING_OP_RECVMSG = 10;

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/**
 * On a ring a send that cannot go at once says so: after a poll of its own the kernel would go on
 * where it has stopped reading the data, behind them, and an empty datagram would go.
 */
const SEND_FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT;

const STATUS_BUFFER_OVERFLOW = 0x80000005;

/** More reports of others than come between two tries. */
const MAX_TRIES = 8;

const MAX_DELAY_MS = 16;

/** Starts a request of `kind` on the `count` WSABUFs at `buffers`. */
function start(
  kind: number,
  socket: number,
  buffers: number,
  count: number,
  flags: number,
  parts: Parts,
  overlapped: number,
): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (count < 1 || count > layout.MAX_VECTOR_LENGTH) return code.WSAEINVAL;
  const isSend = kind === SEND_MESSAGE;
  const refusal = isSend ? sendRefusal(at) : receiveRefusal(at);
  if (refusal !== 0) return refusal;
  const own = isSend ? sendKindOf(at) : kind;
  return startOn(socket, layout.KIND_SOCKET, 0, own, overlapped, (port, request) => {
    if (!openVector(request, count)) return failRequest(port, request, errno.ENOBUFS);
    fillHeader(request, fillVector(request, buffers, count), parts, flags);
    if (isSend) translateName(request);
    launchMessage(port, request);
  });
}

/** Which kind a send by this socket is. */
function sendKindOf(handle: number): number {
  const isOrdered = !hasState(handle, IS_DATAGRAM) || familyOf(handle) === winsock.AF_UNIX;
  return isOrdered ? SEND_MESSAGE : SEND_DATAGRAM;
}

/** What waits for its time keeps its place only among those that wait for their turn. */
function launchMessage(port: Port, request: number): void {
  const { words } = region();
  const isSend = words[request + layout.R_KIND] === SEND_MESSAGE;
  if (!isSend || !isLocal(request) || !isBehind(request)) launch(port, request);
  else words[request + layout.R_STATE] = layout.REQUEST_WAITING;
}

/** Starts sending a datagram to the socket's other end. */
export function sendDatagram(
  socket: number,
  buffers: number,
  count: number,
  overlapped: number,
): number {
  return start(SEND_MESSAGE, socket, buffers, count, SEND_FLAGS, {}, overlapped);
}

/** Starts receiving a datagram, from whomever; `flagsAt`: the address of its flags. */
export function receiveDatagram(
  socket: number,
  buffers: number,
  count: number,
  flagsAt: number,
  overlapped: number,
): number {
  const flags = receiveFlags(flagsAt === 0 ? 0 : wordOf(flagsAt));
  return start(RECEIVE_MESSAGE, socket, buffers, count, flags, { toFlags: flagsAt }, overlapped);
}

/** A read or write of ReadFile or WriteFile, just opened on a socket of datagrams, is one of these. */
export function beginDatagram(port: Port, request: number, isSend: boolean): void {
  const { words } = region();
  const length = words[request + layout.R_LENGTH] >>> 0;
  openVector(request, 1);
  setBuffer(request, 0, readAddress(words, request + layout.R_ADDRESS), length);
  fillHeader(request, length, {}, isSend ? SEND_FLAGS : receiveFlags(0));
  words[request + layout.R_KIND] = isSend
    ? sendKindOf(words[request + layout.R_HANDLE])
    : RECEIVE_MESSAGE;
  words[request + layout.R_OPCODE] = isSend ? IORING_OP_SENDMSG : IORING_OP_RECVMSG;
  launchMessage(port, request);
}

/** Kernels before 5.12 take no control data from a ring: it then only tells when the socket is ready. */
function isRefusedByRing(request: number): boolean {
  const { words } = region();
  return words[request + layout.R_OPCODE] !== POLL &&
    words[layout.annexOf(request) + CONTROL_BYTES] !== 0;
}

function completeSend(port: Port, request: number, given: number): void {
  const { words } = region();
  const result = resultOf(request, given);
  const annex = layout.annexOf(request);
  const bytes = readAddress(words, annex + DONE) + Math.max(result, 0);
  if (!mustEnd(request) && isAgain(request, result)) return goOn(port, request);
  // Only a stream sends a part; what goes beside it has gone with that.
  if (result > 0 && bytes < readAddress(words, annex + LENGTH) && !mustEnd(request)) {
    writeAddress(words, annex + DONE, bytes);
    advanceVector(request, result);
    words[annex + CONTROL_BYTES] = 0;
    return goOn(port, request);
  }
  closeVector(request);
  const handle = words[request + layout.R_HANDLE];
  if (result < 0) failSocket(port, request, -result, bytes);
  else finishRequest(port, request, 0, bytes, 0);
  endSendingIfDone(handle);
}

/** Whether a send that has not gone must be tried again, and prepares that. */
function isAgain(request: number, result: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  switch (-result) {
    case errno.ETIME:
      words[request + layout.R_OPCODE] = IORING_OP_SENDMSG;
      return true;
    case errno.EBUSY:
    case errno.EAGAIN:
      if (!isLocal(request)) words[request + layout.R_OPCODE] = POLL;
      else {
        words[annex + DELAY] = Math.min(Math.max(words[annex + DELAY] * 2, 1), MAX_DELAY_MS);
        words[request + layout.R_OPCODE] = TIMER;
        setTimer(request, words[annex + DELAY]);
      }
      return true;
    case errno.EINVAL:
      if (!isRefusedByRing(request)) return false;
      words[request + layout.R_OPCODE] = POLL;
      return true;
    default:
      return result < 0 && isReport(request, -result);
  }
}

/** Whether what has failed may be an earlier datagram, which was reported to this request. */
function isReport(request: number, reason: number): boolean {
  const { words } = region();
  const had = hasReports(request);
  // No send of such a socket is refused itself: as many are as there were datagrams to nobody.
  if (reason === errno.ECONNREFUSED) return words[request + layout.R_KIND] === SEND_DATAGRAM;
  return had && ++words[layout.annexOf(request) + TRIES] <= MAX_TRIES;
}

/** Whether there were reports; they are gone now. Other sockets would take the question for a receive. */
function hasReports(request: number): boolean {
  const handle = region().words[request + layout.R_HANDLE];
  const isAsked = hasState(handle, IS_DATAGRAM) && familyOf(handle) !== winsock.AF_UNIX;
  return isAsked && takeReports(descriptorOf(request)) > 0;
}

function completeReceive(port: Port, request: number, given: number): void {
  const { words } = region();
  const result = resultOf(request, given);
  if (!mustEnd(request) && isReceivedAgain(request, result)) return goOn(port, request);
  closeVector(request);
  if (result < 0) return failReceive(port, request, -result, 0);
  const annex = layout.annexOf(request);
  const flags = words[annex + FLAGS];
  report(request);
  const isDatagram = hasState(words[request + layout.R_HANDLE], IS_DATAGRAM);
  if (result === 0 && !isDatagram && readAddress(words, annex + LENGTH) > 0) {
    return endReceive(port, request, 0);
  }
  const isCut = (flags & MSG_TRUNC) !== 0;
  finishRequest(port, request, isCut ? STATUS_BUFFER_OVERFLOW : 0, result, 0);
}

/** Whether a receive that has failed must be tried again, and prepares that. */
function isReceivedAgain(request: number, result: number): boolean {
  if (result >= 0) return false;
  // As of a stream in non-blocking mode, which a transmission has left it in.
  if (result === -errno.EAGAIN) return true;
  if (result === -errno.EINVAL && isRefusedByRing(request)) {
    region().words[request + layout.R_OPCODE] = POLL;
    return true;
  }
  // That a path takes only shorter datagrams is nothing to a receiver.
  return hasReports(request) && result === -errno.EMSGSIZE;
}

/** Receives that have followed each other without the ring, at once and in this thread. */
let followed = 0;
/** As many at most: each is a call within the last one. */
const MAX_FOLLOWED = 64;

/** What has come already is received at once; only when there is nothing the ring waits for it. */
function followReceive(port: Port, request: number): void {
  if (followed >= MAX_FOLLOWED) return goOn(port, request);
  const result = perform(request, false);
  if (result === -errno.EAGAIN) return goOn(port, request);
  const { words } = region();
  // The one before it is over: the note of its result makes way for this one.
  reaped(port.at);
  const life = words[request + layout.R_GENERATION];
  reaping(port.at, request, life, result, port.engine().position());
  words[request + layout.R_STATE] = layout.REQUEST_STARTED;
  followed++;
  try {
    completeReceive(port, request, result);
  } finally {
    followed--;
  }
  reaped(port.at);
}

const sendRules: Rules = {
  opcode: IORING_OP_SENDMSG,
  events: OUT,
  perform: (request) => perform(request, true),
  complete: completeSend,
  hasBegun,
};

define(SEND_MESSAGE, sendRules);
define(SEND_DATAGRAM, { ...sendRules, isUnordered: true });
define(RECEIVE_MESSAGE, {
  opcode: IORING_OP_RECVMSG,
  events: IN,
  perform: (request) => perform(request, false),
  complete: completeReceive,
  hasBegun,
  follow: followReceive,
});

/** Flags of a receive as Linux has them. A message is whole as it is: MSG_WAITALL means nothing. */
function receiveFlags(flags: number): number {
  return MSG_CMSG_CLOEXEC | flags & winsock.MSG_PEEK;
}

/** The contract's functions for datagrams and messages. */
export const messages: Pick<
  SocketSystem,
  "wsaSendTo" | "wsaRecvFrom" | "wsaSendMsg" | "wsaRecvMsg"
> = {
  wsaSendTo: (socket, buffers, count, _flags, address, addressBytes, overlapped) =>
    start(
      SEND_MESSAGE,
      socket,
      buffers,
      count,
      SEND_FLAGS,
      { address, addressBytes },
      overlapped,
    ),
  wsaRecvFrom(socket, buffers, count, flags, address, addressBytes, overlapped) {
    const parts = {
      address,
      addressBytes: addressBytes === 0 ? 0 : wordOf(addressBytes),
      toLength: addressBytes,
      toFlags: flags,
    };
    const wanted = receiveFlags(flags === 0 ? 0 : wordOf(flags));
    return start(RECEIVE_MESSAGE, socket, buffers, count, wanted, parts, overlapped);
  },
  wsaSendMsg(socket, message, _flags, overlapped) {
    if (message === 0) return code.ERROR_INVALID_PARAMETER;
    const parts = partsOf(message);
    const buffers = numberOf(message + MESSAGE_BUFFERS);
    const count = wordOf(message + MESSAGE_COUNT);
    return start(SEND_MESSAGE, socket, buffers, count, SEND_FLAGS, parts, overlapped);
  },
  wsaRecvMsg(socket, message, overlapped) {
    if (message === 0) return code.ERROR_INVALID_PARAMETER;
    const parts = { ...partsOf(message), toMessage: message };
    const buffers = numberOf(message + MESSAGE_BUFFERS);
    const count = wordOf(message + MESSAGE_COUNT);
    const flags = receiveFlags(wordOf(message + MESSAGE_FLAGS));
    return start(RECEIVE_MESSAGE, socket, buffers, count, flags, parts, overlapped);
  },
};
