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
import { word } from "../../ffi/library.ts";
import * as code from "../codes.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import { setNonBlocking } from "./files.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
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
const MSG_DONTWAIT = 0x40;

// The annex: the accepted socket's place, life and descriptor, where first bytes go, and whether
// the client has come to its place.
const ACCEPTED = layout.X_OWN;
const LIFE: number = layout.X_OWN + 1;
const DESCRIPTOR: number = layout.X_OWN + 2;
const FIRST_BYTES: number = layout.X_OWN + 3;
const FIRST: number = layout.X_OWN + 4;
const IS_PLACED: number = layout.X_OWN + 6;

/** What `S_ACCEPT` of a closed socket is. */
const CLOSED = -0x7fffffff;

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
    words[annex + IS_PLACED] = 0;
    words[request + layout.R_FLAGS] = SOCK_CLOEXEC;
    if (Atomics.compareExchange(words, into + S_ACCEPT, 0, request) !== 0) {
      return refuseRequest(port, request, code.WSAEINVAL);
    }
    if (findHandle(accepted) !== into) {
      // Closed meanwhile, and the place perhaps another socket's.
      Atomics.compareExchange(words, into + S_ACCEPT, request, 0);
      return refuseRequest(port, request, code.ERROR_INVALID_HANDLE);
    }
    launch(port, request);
  });
}

function performAccept(request: number): number {
  for (;;) {
    const fd = sockets().accept4(descriptorOf(request), word(0), word(0), SOCK_CLOEXEC);
    if (fd >= 0) return fd;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

/** Puts the client in the place of the socket that it is to become; false if that was closed. */
function placeClient(request: number, client: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  if (words[annex + IS_PLACED] !== 0) return true;
  const into = words[annex + ACCEPTED];
  const fd = words[annex + DESCRIPTOR];
  // Who ended in the middle of this has left the mark.
  const before = Atomics.compareExchange(words, into + S_ACCEPT, request, -request);
  if (before !== request && before !== -request) {
    libc().close(client);
    return false;
  }
  const port = words[into + layout.H_PORT];
  if (port !== 0 && !portAt(port - 1).isRing()) setNonBlocking(client);
  keepOptions(client, stateOf(into));
  sockets().dup3(client, fd, O_CLOEXEC);
  words[annex + IS_PLACED] = 1;
  libc().close(client);
  addState(into, IS_CONNECTED);
  if (Atomics.compareExchange(words, into + S_ACCEPT, -request, request) === -request) return true;
  // It was closed, and its descriptor left to us.
  libc().close(fd);
  return false;
}

/** The socket is no longer accepted into. */
function leave(request: number): void {
  const { words } = region();
  const into = words[layout.annexOf(request) + ACCEPTED];
  Atomics.compareExchange(words, into + S_ACCEPT, request, 0);
}

function completeAccept(port: Port, request: number, result: number): void {
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
  if (mustEnd(request)) return completeFirst(port, request, -errno.ECANCELED);
  words[request + layout.R_KIND] = ACCEPT_FIRST;
  words[request + layout.R_OPCODE] = IORING_OP_RECV;
  words[request + layout.R_ADDRESS] = words[annex + FIRST];
  words[request + layout.R_ADDRESS + 1] = words[annex + FIRST + 1];
  words[request + layout.R_LENGTH] = words[annex + FIRST_BYTES];
  words[request + layout.R_FLAGS] = 0;
  goOn(port, request);
}

function performFirst(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const address = word(readAddress(words, annex + FIRST));
  const length = word(words[annex + FIRST_BYTES] >>> 0);
  for (;;) {
    const count = Number(sockets().recv(words[annex + DESCRIPTOR], address, length, MSG_DONTWAIT));
    if (count >= 0) return count;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

/** The first bytes have come, or will not. The errors are the accepted socket's. */
function completeFirst(port: Port, request: number, result: number): void {
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
  perform: performAccept,
  complete: completeAccept,
});

define(ACCEPT_FIRST, {
  opcode: IORING_OP_RECV,
  events: IN,
  perform: performFirst,
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

/** The socket is being closed; true if its descriptor is closed by whoever puts a client into its place. */
function closing(handle: number, port: Port | null): boolean {
  const { words } = region();
  const request = Atomics.exchange(words, handle + S_ACCEPT, CLOSED);
  if (request === 0) return false;
  const life = words[handle + layout.H_LIVES];
  const end = () => endAccept(Math.abs(request), handle, life);
  if (port === null) end();
  else port.later(end);
  return request < 0;
}

defineHandle(layout.KIND_SOCKET, { read: RECEIVE, write: SEND, closing });
