/**
 * Sockets on Linux: where the parts of the family come together, and what is asked
 * of a socket without an operation.
 *
 * @module
 */

import { sockets as calls } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import type { SocketSystem } from "../contract.ts";
import { SD_BOTH, SD_RECEIVE, SD_SEND } from "../winsock.ts";
import * as errno from "./errno.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { portAt } from "./port.ts";
import { region } from "./region.ts";
import { acceptEx } from "./socket-accept.ts";
import { connectEx, disconnectEx } from "./socket-connect.ts";
import { control } from "./socket-control.ts";
import { isSending } from "./socket-ends.ts";
import { wsaErrorOf } from "./socket-errors.ts";
import { messages } from "./socket-messages.ts";
import { bind, getPeerName, getSockName, wsaSocket } from "./socket-names.ts";
import { options } from "./socket-options.ts";
import {
  addState,
  ENDED_RECEIVE,
  ENDED_SEND,
  ENDS_LATER,
  findSocket,
  hasState,
  IS_CONNECTED,
  IS_DATAGRAM,
  IS_LISTENING,
} from "./socket-state.ts";
import { transmitFile } from "./socket-transmit.ts";
import { wsaRecv, wsaSend } from "./socket-vectors.ts";
import { self } from "./threads.ts";

const SHUT_WR = 1;
const AF_UNIX = 1;

/** Lets clients come. Source: listen. */
function listen(socket: number, backlog: number): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (hasState(at, IS_CONNECTED)) return code.WSAEISCONN;
  // Linux would choose a port by itself.
  const name = new Uint8Array(new ArrayBuffer(128));
  const bound = getSockName(socket, name);
  if (bound.code !== 0) return bound.code;
  if (name[0] === AF_UNIX && bound.value <= 2) return code.WSAEINVAL;
  if (calls().listen(region().words[at + layout.H_FD], backlog) !== 0) {
    return wsaErrorOf(errno.errno());
  }
  addState(at, IS_LISTENING);
  return 0;
}

/** Ends a direction. Source: shutdown. */
function shutdown(socket: number, how: number): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (how !== SD_RECEIVE && how !== SD_SEND && how !== SD_BOTH) return code.WSAEINVAL;
  if (!hasState(at, IS_CONNECTED | IS_DATAGRAM)) return code.WSAENOTCONN;
  const place = region().words[at + layout.H_PORT];
  if (place === 0) return endDirections(at, how, false);
  const port = portAt(place - 1);
  port.lock(self());
  const answer = findHandle(socket) === at
    ? endDirections(at, how, isSending(at))
    : code.ERROR_INVALID_HANDLE;
  port.unlock();
  return answer;
}

/** What is in flight keeps its direction: a receive still waits (74), what is being sent goes first. */
function endDirections(at: number, how: number, isBusy: boolean): number {
  if (how !== SD_SEND) addState(at, ENDED_RECEIVE);
  if (how === SD_RECEIVE) return 0;
  addState(at, ENDED_SEND | (isBusy ? ENDS_LATER : 0));
  if (isBusy || calls().shutdown(region().words[at + layout.H_FD], SHUT_WR) === 0) return 0;
  const reason = errno.errno();
  // A socket of datagrams has nobody to tell; a connection that was reset has no end any more.
  return reason === errno.ENOTCONN && hasState(at, IS_DATAGRAM) ? 0 : wsaErrorOf(reason);
}

/** The contract's functions for sockets. */
export const sockets: SocketSystem = {
  wsaSocket,
  bind,
  listen,
  shutdown,
  getSockName,
  getPeerName,
  acceptEx,
  connectEx,
  disconnectEx,
  wsaSend,
  wsaRecv,
  transmitFile,
  ...options,
  ...messages,
  ...control,
};
