/**
 * What the operations of a pipe do once its socket is ready: reads and writes of
 * bytes and of messages, transactions, and a server's wait for its client.
 *
 * All of them wait for readiness and then work by plain calls, on a ring too: a
 * read that has no room for a message takes of it only what it can hand out.
 *
 * @module
 */

import * as code from "../codes.ts";
import { statusOfError } from "../status.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { followerOf, isBehind, startInOrder } from "./order.ts";
import {
  CONNECTED,
  hasFlag,
  IN_MESSAGE,
  IS_MESSAGE,
  LISTENING,
  PIPE_OFFSET,
  PIPE_STATE,
  READS_MESSAGES,
  setFlag,
} from "./pipe-rows.ts";
import * as pipe from "./pipe-sockets.ts";
import { accept, closing, IS_CUT_OFF, refusalOf, resume } from "./pipe-states.ts";
import * as steps from "./pipe-steps.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { failRequest, finishRequest, goOn, mustEnd, readAddress } from "./requests.ts";
import { define, defineHandle, IN, OUT, PIPES, POLL, type Rules } from "./rules.ts";

export const CONNECT: number = PIPES;
export const PIPE_READ: number = PIPES + 1;
export const PIPE_WRITE: number = PIPES + 2;
export const TRANSACT: number = PIPES + 3;
/** A transaction that has sent its message; becomes it from `TRANSACT`. */
export const REPLY: number = PIPES + 4;

/** In the annex of a transaction: where its reply goes, and how long that may be. */
export const X_REPLY = layout.X_OWN;
export const X_REPLY_BYTES: number = layout.X_OWN + 2;

/** A bit of a request's `R_FLAGS`: the message goes on behind what the read had room for. */
const HAS_MORE = 1;
/** Packets one call takes at most: other handles of the port want their turn. */
const MAX_PACKETS = 64;

const head: pipe.Head = { byteLength: 0, flags: 0 };

function performConnect(request: number): number {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  if (isOver(request)) return -errno.ECANCELED;
  if (words[handle + PIPE_STATE] === CONNECTED) return 0;
  return words[handle + PIPE_STATE] === LISTENING ? accept(handle) : -errno.ENOTCONN;
}

/** Asked to end: the descriptor may be another client's by now. */
function isOver(request: number): boolean {
  return region().words[request + layout.R_STATE] === layout.REQUEST_CANCELLED;
}

function performRead(request: number): number {
  const { words } = region();
  if (steps.resume(request)) return steps.resultOf(request);
  if (isOver(request)) return -errno.ECANCELED;
  const handle = words[request + layout.R_HANDLE];
  const address = readAddress(words, request + layout.R_ADDRESS);
  const length = words[request + layout.R_LENGTH] >>> 0;
  if (hasFlag(handle, IS_MESSAGE)) return readMessage(request, handle, address, length);
  return readBytes(request, descriptorOf(request), address, length);
}

/** The first bytes that come are all it reads. */
function readBytes(request: number, fd: number, address: number, length: number): number {
  if (steps.doneOf(request) > 0) return steps.doneOf(request);
  if (length === 0) {
    const seen = pipe.peekBytes(fd, 0, 0);
    return seen === 0 ? -errno.EPIPE : Math.min(seen, 0);
  }
  steps.note(request, 0, 0);
  const failure = pipe.receiveBytes(fd, steps.calling(request, true), address, length);
  steps.called(request);
  return failure !== 0 ? failure : steps.doneOf(request) || -errno.EPIPE;
}

/**
 * Reads until the message or the room is at its end. Returns all bytes that the
 * request has by then.
 */
function readMessage(request: number, handle: number, address: number, length: number): number {
  const fd = descriptorOf(request);
  for (let packets = 0; packets < MAX_PACKETS; packets++) {
    const seen = pipe.peekHead(fd, head);
    if (seen <= 0) return waitOrEnd(request, handle, seen);
    readPacket(request, handle, fd, address, length);
    if (steps.hasEnded(request)) return steps.resultOf(request);
  }
  return waitOrEnd(request, handle, -errno.EAGAIN);
}

/** Reads of the packet that is there what the request has room for. */
function readPacket(
  request: number,
  handle: number,
  fd: number,
  address: number,
  length: number,
): void {
  const offset = region().words[handle + PIPE_OFFSET];
  const isFirst = (head.flags & pipe.FIRST) !== 0 && offset === 0;
  const isLast = (head.flags & pipe.LAST) !== 0;
  const isInMessage = hasFlag(handle, IN_MESSAGE);
  if (isFirst && isInMessage) return giveUp(request);
  const before = isFirst ? 0 : steps.doneOf(request);
  if (!isFirst && offset === 0 && before === 0 && !isInMessage) return skip(request, fd);
  const left = head.byteLength - offset;
  const count = Math.min(length - before, left);
  const isWhole = count === left;
  const done = before + count;
  const readsMessages = hasFlag(handle, READS_MESSAGES);
  if (!isWhole || !isLast && done === length) {
    // The next read goes on with this message. A read of nothing has not begun it.
    const flags = readsMessages ? HAS_MORE : 0;
    const isBegun = isInMessage || done > 0;
    steps.note(request, done, steps.ENDED, flags, isWhole ? 0 : offset + count, isBegun);
  } else if (isLast && (done > 0 || readsMessages)) {
    steps.note(request, done, steps.ENDED, 0, 0, false);
  } else steps.note(request, done, 0, 0, 0, isInMessage);
  if (isWhole) {
    pipe.receivePacket(fd, steps.calling(request, false), offset, address + before, count);
    steps.called(request);
  } else {
    // What there is no room for stays where it is, and so keeps the socket ready.
    pipe.peekPacket(fd, offset, address + before, count);
    steps.take(request);
  }
}

/** The next packet belongs to nothing. */
function skip(request: number, fd: number): void {
  steps.note(request, 0, -errno.EBADMSG);
  pipe.receivePacket(fd, steps.calling(request, false), 0, 0, 0);
  steps.called(request);
}

/** The rest of a message that has been read in part never comes: what was not handed out yet never was. */
function giveUp(request: number): void {
  steps.note(request, steps.doneOf(request), -errno.ECONNABORTED, 0, 0, false);
  steps.take(request);
}

/** There is no packet for `reason`. */
function waitOrEnd(request: number, handle: number, reason: number): number {
  const done = steps.doneOf(request);
  const hasBytes = done > 0 && !hasFlag(handle, READS_MESSAGES);
  if (reason === -errno.EAGAIN && !hasBytes) return reason;
  if (hasBytes) steps.note(request, done, steps.ENDED, 0, 0, true);
  else steps.note(request, done, reason === 0 ? -errno.EPIPE : reason, 0, 0, false);
  if (reason === -errno.EBADMSG) {
    pipe.receivePacket(descriptorOf(request), steps.calling(request, false), 0, 0, 0);
    steps.called(request);
  } else steps.take(request);
  return steps.resultOf(request);
}

function performWrite(request: number): number {
  const { words } = region();
  if (steps.resume(request)) return steps.resultOf(request);
  if (isOver(request)) return -errno.ECANCELED;
  const fd = descriptorOf(request);
  const address = readAddress(words, request + layout.R_ADDRESS);
  const length = words[request + layout.R_LENGTH] >>> 0;
  const isMessage = hasFlag(words[request + layout.R_HANDLE], IS_MESSAGE);
  if (length === 0 && !isMessage) return pipe.isHungUp(fd) ? -errno.EPIPE : 0;
  for (;;) {
    const done = steps.doneOf(request);
    if (!isMessage && done === length) return done;
    const failure = isMessage
      ? writePacket(request, fd, address, length)
      : writeBytes(request, fd, address, length);
    if (failure !== 0) return failure;
    if (steps.hasEnded(request)) return steps.resultOf(request);
  }
}

/** Sends the next packet of a message, which may be empty. Returns 0 or a negated errno. */
function writePacket(request: number, fd: number, address: number, length: number): number {
  const done = steps.doneOf(request);
  const part = Math.min(length - done, pipe.PACKET_BYTES);
  const isLast = done + part === length;
  const flags = (done === 0 ? pipe.FIRST : 0) | (isLast ? pipe.LAST : 0);
  steps.note(request, done + part, isLast ? steps.ENDED : 0);
  const message = steps.calling(request, false);
  const failure = pipe.sendPacket(fd, message, address + done, part, flags);
  steps.called(request);
  return failure;
}

/** Sends of a stream's bytes as many as there is room for. Returns 0 or a negated errno. */
function writeBytes(request: number, fd: number, address: number, length: number): number {
  const done = steps.doneOf(request);
  steps.note(request, done, 0);
  const message = steps.calling(request, true);
  const failure = pipe.sendBytes(fd, message, address + done, length - done);
  steps.called(request);
  return failure;
}

/** What no data can come of: who has ended it, and how. */
function endWithout(port: Port, request: number, reason: number, closed: number): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  const isCutOff = (words[request + layout.R_FLAGS] & IS_CUT_OFF) !== 0;
  const isClosed = words[handle + layout.H_GENERATION] === 0;
  const isGone = reason === errno.EPIPE || reason === errno.ECONNRESET;
  if (isCutOff || reason === errno.ENOTCONN) end(port, request, code.ERROR_PIPE_NOT_CONNECTED, 0);
  else if (reason === errno.ECANCELED && isClosed) end(port, request, code.ERROR_BROKEN_PIPE, 0);
  else if (reason === errno.EBADMSG) end(port, request, code.ERROR_BAD_PIPE, reason);
  else if (isGone) end(port, request, closed, reason);
  else failRequest(port, request, reason);
}

function end(port: Port, request: number, error: number, reason: number): void {
  finishRequest(port, request, statusOfError(error), 0, reason);
}

function completeConnect(port: Port, request: number, result: number): void {
  if (result >= 0) finishRequest(port, request, 0, 0, 0);
  else endWithout(port, request, -result, code.ERROR_BROKEN_PIPE);
}

function completeRead(port: Port, request: number, result: number): void {
  const { words } = region();
  const done = steps.doneOf(request);
  const flags = words[request + layout.R_FLAGS];
  if (result >= 0) {
    const status = (flags & HAS_MORE) !== 0 ? statusOfError(code.ERROR_MORE_DATA) : 0;
    finishRequest(port, request, status, result, 0);
  } else if (result === -errno.ECANCELED && done > 0 && (flags & IS_CUT_OFF) === 0) {
    // Half a message has been taken from the pipe already: the rest is for the next read.
    setFlag(words[request + layout.R_HANDLE], IN_MESSAGE, true);
    finishRequest(port, request, statusOfError(code.ERROR_MORE_DATA), done, 0);
  } else endWithout(port, request, -result, code.ERROR_BROKEN_PIPE);
}

function completeWrite(port: Port, request: number, result: number): void {
  const { words } = region();
  const done = steps.doneOf(request);
  const isCutOff = (words[request + layout.R_FLAGS] & IS_CUT_OFF) !== 0;
  if (result >= 0) finishRequest(port, request, 0, result, 0);
  else if (result === -errno.ECANCELED && done > 0 && !isCutOff) {
    failRequest(port, request, -result, done);
  } else endWithout(port, request, -result, code.ERROR_NO_DATA);
}

/** The message is on its way: from here on it is a read. */
function completeSent(port: Port, request: number, result: number): void {
  if (result < 0) return completeWrite(port, request, result);
  if (mustEnd(request)) return endWithout(port, request, errno.ECANCELED, code.ERROR_NO_DATA);
  const { words } = region();
  const follower = followerOf(request);
  const annex = layout.annexOf(request);
  words[request + layout.R_ADDRESS] = words[annex + X_REPLY];
  words[request + layout.R_ADDRESS + 1] = words[annex + X_REPLY + 1];
  words[request + layout.R_LENGTH] = words[annex + X_REPLY_BYTES];
  words[request + layout.R_STATE] = layout.REQUEST_STARTED;
  // Last: until then whoever goes on finds what was sent, and comes here again.
  words[request + layout.R_KIND] = REPLY;
  startInOrder(port, request);
  port.submitLater();
  if (follower !== 0 && !isBehind(follower)) goOn(port, follower);
}

function rules(events: number, perform: Rules["perform"], complete: Rules["complete"]): Rules {
  return { opcode: POLL, events, perform, complete, hasBegun: steps.hasBegun };
}

define(CONNECT, {
  ...rules(IN, performConnect, completeConnect),
  hasBegun: (request) => {
    const { words } = region();
    return words[words[request + layout.R_HANDLE] + PIPE_STATE] === CONNECTED;
  },
});
define(PIPE_READ, rules(IN, performRead, completeRead));
define(PIPE_WRITE, rules(OUT, performWrite, completeWrite));
define(TRANSACT, rules(OUT, performWrite, completeSent));
define(REPLY, rules(IN, performRead, completeRead));

defineHandle(layout.KIND_PIPE, {
  read: PIPE_READ,
  write: PIPE_WRITE,
  refusal: refusalOf,
  closing,
  resume,
});
