/**
 * Accepting clients: AcceptEx.
 *
 * The socket that a client is to become exists before. Once the client is there, its descriptor
 * is put under the number of that socket's, so that nobody who knows the socket has to be told.
 * The word `S_ACCEPT` of the socket's handle decides between that and a thread which closes the socket
 * meanwhile: each changes it by one exchange, and who finds the other's mark leaves it the rest.
 *
 * @module
 */

import { libc, sockets } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import { setNonBlocking } from "./files.ts";
import { findHandle } from "./handles.ts";
import { goingOn } from "./journal.ts";
import * as layout from "./layout.ts";
import { closeTwin } from "./lost-sockets.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import {
  cancelRequest,
  finishRequest,
  goOn,
  mustEnd,
  readAddress,
  writeAddress,
} from "./requests.ts";
import { define, defineHandle, IN, SOCKETS } from "./rules.ts";
import {
  acceptClient,
  awaitFirst,
  clientOf,
  firstOf,
  forgetClient,
  receiveFirst,
} from "./socket-clients.ts";
import { keepOptions } from "./socket-names.ts";
import {
  addState,
  failSocket,
  familyOf,
  findSocket,
  hasState,
  IS_CONNECTED,
  IS_DATAGRAM,
  IS_LISTENING,
  refuseRequest,
  S_ACCEPT,
  stateOf,
} from "./socket-state.ts";
import { clearSecondAddress, RECEIVE, SEND } from "./socket-streams.ts";
import { launch, startOn } from "./start.ts";
import { self } from "./threads.ts";

const ACCEPT: number = SOCKETS + 4;
/** An accept whose client is there, and has not sent anything yet; becomes it from `ACCEPT`. */
const ACCEPT_FIRST: number = SOCKETS + 5;

const IORING_OP_ACCEPT = 13;
const IORING_OP_RECV = 27;

const SOCK_CLOEXEC = 0x80000;
const O_CLOEXEC = 0x80000;
const SHUT_RDWR = 2;

// The annex: the accepted socket's place, life and descriptor, where first bytes go, how far the
// client is on the way to its place, and the life of the request in which it waits for the client.
const ACCEPTED = layout.X_OWN;
const LIFE: number = layout.X_OWN + 1;
const DESCRIPTOR: number = layout.X_OWN + 2;
const FIRST_BYTES: number = layout.X_OWN + 3;
const FIRST: number = layout.X_OWN + 4;
const STAGE: number = layout.X_OWN + 6;
const WAITING_LIFE: number = layout.X_OWN + 7;

/** What `S_ACCEPT` of a closed socket is. */
const CLOSED = -0x7fffffff;
/** The same, and its descriptor is closed by whoever was putting a client into its place. */
const LEFT = -0x7ffffffe;

// The stages of a client. Each is noted before what cannot be done twice.
/** It has a number of its own only. */
const CAME = 0;
/** It is under the number of the socket as well. */
const PLACED = 1;
/** The number it came under is given back. */
const ALONE = 2;
/** It is the socket. */
const IS_IN = 3;
/** The socket was closed before. */
const TURNED_AWAY = 4;

/** Why no client can come into the socket at `accepted`, as a Winsock code; 0 if one can. */
function refusal(listener: number, accepted: number): number {
  if (!hasState(listener, IS_LISTENING)) return code.WSAEINVAL;
  if (familyOf(accepted) !== familyOf(listener)) return code.WSAEINVAL;
  return hasState(accepted, IS_CONNECTED | IS_LISTENING | IS_DATAGRAM) ? code.WSAEINVAL : 0;
}

/** Starts waiting for a client. Source: AcceptEx. */
export function acceptEx(
  listener: number,
  accepted: number,
  buffer: number,
  receiveBytes: number,
  _localAddressBytes: number,
  _remoteAddressBytes: number,
  overlapped: number,
): number {
  const at = findSocket(listener);
  const into = findSocket(accepted);
  if (at < 0) return -at;
  if (into < 0) return -into;
  const refused = refusal(at, into);
  if (refused !== 0) return refused;
  return startOn(listener, layout.KIND_SOCKET, 0, ACCEPT, overlapped, (port, request) => {
    const { words } = region();
    const annex = layout.annexOf(request);
    words[annex + ACCEPTED] = into;
    words[annex + LIFE] = words[into + layout.H_LIVES];
    words[annex + DESCRIPTOR] = words[into + layout.H_FD];
    words[annex + FIRST_BYTES] = receiveBytes | 0;
    writeAddress(words, annex + FIRST, buffer);
    words[annex + STAGE] = CAME;
    forgetClient(request);
    words[request + layout.R_FLAGS] = SOCK_CLOEXEC;
    words[annex + WAITING_LIFE] = words[request + layout.R_GENERATION];
    if (!claim(request)) return refuseRequest(port, request, code.WSAEINVAL);
    if (findHandle(accepted) !== into) {
      // Closed meanwhile, and the place perhaps another socket's.
      Atomics.compareExchange(words, into + S_ACCEPT, request, 0);
      return refuseRequest(port, request, code.ERROR_INVALID_HANDLE);
    }
    launch(port, request);
  });
}

/** The client will come into the socket, and into it none for another request. */
function claim(request: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  const into = words[annex + ACCEPTED];
  if (words[into + layout.H_LIVES] !== words[annex + LIFE]) return false;
  const before = Atomics.compareExchange(words, into + S_ACCEPT, 0, request);
  return before === 0 || before === request;
}

/** Whether it waits for a client; after that for what the client sends. */
function isWaiting(request: number): boolean {
  const { words } = region();
  return words[layout.annexOf(request) + WAITING_LIFE] === words[request + layout.R_GENERATION];
}

/** What a thread has begun that has ended meanwhile is gone on with, if the socket is still there. */
function hasBegun(request: number): boolean {
  return isWaiting(request) && claim(request);
}

/**
 * Puts the client in the place of the socket that it is to become; false if that was closed. Who
 * ended in the middle of this has left the mark, and it is gone on with.
 */
function placeClient(request: number, client: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  const into = words[annex + ACCEPTED];
  const fd = words[annex + DESCRIPTOR];
  const wasPlaced = words[annex + STAGE] !== CAME;
  if (words[annex + STAGE] === IS_IN) return true;
  if (words[annex + STAGE] === TURNED_AWAY) return false;
  if (words[annex + STAGE] === CAME) {
    const before = Atomics.compareExchange(words, into + S_ACCEPT, request, -request);
    if (before !== request && before !== -request) {
      turnAway(request, client);
      if (before === LEFT) libc().close(fd);
      return false;
    }
    const port = words[into + layout.H_PORT];
    if (port !== 0 && !portAt(port - 1).isRing()) setNonBlocking(client);
    keepOptions(client, stateOf(into));
    sockets().dup3(client, fd, O_CLOEXEC);
    words[annex + STAGE] = PLACED;
  }
  if (words[annex + STAGE] === PLACED) {
    if (wasPlaced) closeTwin(client, fd);
    else libc().close(client);
    forgetClient(request);
    words[annex + STAGE] = ALONE;
  }
  return giveBack(request, wasPlaced);
}

/** The other end is told before: should this thread end here, only a number is lost. */
function turnAway(request: number, client: number): void {
  sockets().shutdown(client, SHUT_RDWR);
  region().words[layout.annexOf(request) + STAGE] = TURNED_AWAY;
  libc().close(client);
}

/** The client is the socket, unless that was closed meanwhile. `isAgain`: a thread may have done this and ended. */
function giveBack(request: number, isAgain: boolean): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  const into = words[annex + ACCEPTED];
  if (words[into + layout.H_LIVES] === words[annex + LIFE]) addState(into, IS_CONNECTED);
  const before = Atomics.compareExchange(words, into + S_ACCEPT, -request, request);
  words[annex + STAGE] = IS_IN;
  if (before === -request || before === request) return true;
  // It was closed, and its descriptor left to us; or, if it was given back, closed by who closed it.
  if (before === LEFT || !isAgain) libc().close(words[annex + DESCRIPTOR]);
  return false;
}

/** The socket is no longer accepted into. */
function leave(request: number): void {
  const { words } = region();
  const into = words[layout.annexOf(request) + ACCEPTED];
  Atomics.compareExchange(words, into + S_ACCEPT, request, 0);
}

function completeAccept(port: Port, request: number, given: number): void {
  // A client that came before the request was asked to end is there.
  const result = given >= 0 ? given : clientOf(request, given);
  if (result < 0) {
    leave(request);
    // The client came and has gone again.
    const reason = -result === errno.ECONNABORTED ? errno.ECONNRESET : -result;
    if (reason !== errno.ECONNRESET) return failSocket(port, request, reason);
    return refuseRequest(port, request, code.ERROR_NETNAME_DELETED, 0, -result);
  }
  if (!placeClient(request, result)) return failSocket(port, request, errno.ECANCELED);
  const { words } = region();
  const annex = layout.annexOf(request);
  if (words[annex + FIRST_BYTES] === 0) {
    leave(request);
    return finishRequest(port, request, 0, 0, 0);
  }
  awaitFirst(request, readAddress(words, annex + FIRST), words[annex + FIRST_BYTES] >>> 0);
  if (mustEnd(request)) return endFirst(port, request, -errno.ECANCELED);
  words[request + layout.R_OPCODE] = IORING_OP_RECV;
  words[request + layout.R_ADDRESS] = words[annex + FIRST];
  words[request + layout.R_ADDRESS + 1] = words[annex + FIRST + 1];
  words[request + layout.R_LENGTH] = words[annex + FIRST_BYTES];
  words[request + layout.R_FLAGS] = 0;
  words[request + layout.R_KIND] = ACCEPT_FIRST;
  // From its next life on, what the engine says is of the first bytes, and no more of the client.
  goingOn(port.at, request, port.engine().position());
  words[request + layout.R_GENERATION] = words[request + layout.R_GENERATION] + 1 | 0;
  goOn(port, request);
}

/** The first bytes have come, or will not. The errors are the accepted socket's. */
function completeFirst(port: Port, request: number, result: number): void {
  // A thread has ended between the two: its result is the client still.
  if (isWaiting(request)) completeAccept(port, request, result);
  else endFirst(port, request, result);
}

function endFirst(port: Port, request: number, given: number): void {
  const result = given >= 0 ? given : firstOf(request, given);
  leave(request);
  if (result >= 0) finishRequest(port, request, 0, result, 0);
  else if (-result === errno.ECONNRESET) {
    refuseRequest(port, request, code.ERROR_NETNAME_DELETED, 0, errno.ECONNRESET);
  } else failSocket(port, request, -result);
}

define(ACCEPT, {
  opcode: IORING_OP_ACCEPT,
  events: IN,
  isUnordered: true,
  perform: (request) => acceptClient(request, descriptorOf(request)),
  complete: completeAccept,
  hasBegun,
});

define(ACCEPT_FIRST, {
  opcode: IORING_OP_RECV,
  events: IN,
  perform: (request) => receiveFirst(request, descriptorOf(request)),
  complete: completeFirst,
  descriptor: (request) => region().words[layout.annexOf(request) + DESCRIPTOR],
  fill: clearSecondAddress,
});

/** The accept into a socket that is closed must end: asked on its listener's port, without any lock. */
function endAccept(request: number, into: number, life: number): void {
  const { words } = region();
  const place = words[words[request + layout.R_HANDLE] + layout.H_PORT];
  if (place === 0) return;
  const port = portAt(place - 1);
  port.lock(self());
  const annex = layout.annexOf(request);
  const kind = words[request + layout.R_KIND];
  // It may have ended since, and be another one.
  const isSame = words[request + layout.R_STATE] !== 0 &&
    words[words[request + layout.R_HANDLE] + layout.H_PORT] === place &&
    (kind === ACCEPT || kind === ACCEPT_FIRST) &&
    words[annex + ACCEPTED] === into && words[annex + LIFE] === life;
  if (isSame) cancelRequest(port, request);
  port.queue.release();
  port.unlock();
}

/** Notes in `S_ACCEPT` who closes the descriptor. Returns what was there. */
function markClosed(handle: number): number {
  const { words } = region();
  for (;;) {
    const seen = Atomics.load(words, handle + S_ACCEPT);
    const mark = seen < 0 ? LEFT : CLOSED;
    if (Atomics.compareExchange(words, handle + S_ACCEPT, seen, mark) === seen) return seen;
  }
}

/** The socket is being closed; true if its descriptor is closed by whoever puts a client into its place. */
function closing(handle: number, port: Port | null): boolean {
  const { words } = region();
  const request = markClosed(handle);
  if (request === 0) return false;
  const life = words[handle + layout.H_LIVES];
  const end = () => endAccept(Math.abs(request), handle, life);
  if (port === null) end();
  else port.later(end);
  return request < 0;
}

defineHandle(layout.KIND_SOCKET, { read: RECEIVE, write: SEND, closing });
