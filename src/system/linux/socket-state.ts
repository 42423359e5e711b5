/**
 * What the engine keeps of a socket beside its descriptor, in the handle's shared
 * words, and what becomes of errors because of it.
 *
 * @module
 */

import * as code from "../codes.ts";
import { errorOfErrno, statusOfError } from "../status.ts";
import { AF_UNIX } from "../winsock.ts";
import * as errno from "./errno.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest } from "./requests.ts";
import { wsaErrorOf } from "./socket-errors.ts";

/** The socket's state: its family in Winsock's number, and the bits below. */
export const S_STATE = layout.H_OWN;
/** The request that accepts a client into the socket; negated while that is put into its place. */
export const S_ACCEPT: number = layout.H_OWN + 1;

const FAMILY = 0x1F;
/** It carries datagrams. */
export const IS_DATAGRAM = 0x20;
/** It has another end. */
export const IS_CONNECTED = 0x40;
/** Clients may come. */
export const IS_LISTENING = 0x80;
/** `shutdown` has ended what it sends. */
export const ENDED_SEND = 0x100;
/** `shutdown` has ended what it receives. */
export const ENDED_RECEIVE = 0x200;
/** The end of what it sends is still to be told to the kernel: sends are in flight. */
export const ENDS_LATER = 0x400;
/** The other end has reset the connection. */
export const IS_RESET = 0x800;
/** And a receive has said so: nothing more comes. */
export const IS_SPENT = 0x1000;
/** A send has found the other end gone. */
export const IS_BROKEN = 0x2000;
/** Options that an accepted socket keeps from before. */
export const HAS_NO_DELAY = 0x4000;
export const HAS_KEEP_ALIVE = 0x8000;
/** It is in non-blocking mode, for transmissions: now and then a ring says EAGAIN instead of waiting. */
export const NEVER_WAITS = 0x10000;

/** The state of a socket that was just made. */
export function newState(family: number, isDatagram: boolean): number {
  return family | (isDatagram ? IS_DATAGRAM : 0);
}

/**
 * The socket's state, as a sum of bits and its family. A plain read: what a thread has changed just
 * now, the kernel says as well.
 */
export function stateOf(handle: number): number {
  return region().words[handle + S_STATE];
}

/** Whether the socket's state has one of these bits. */
export function hasState(handle: number, bits: number): boolean {
  return (stateOf(handle) & bits) !== 0;
}

/** Adds bits to the state. */
export function addState(handle: number, bits: number): void {
  Atomics.or(region().words, handle + S_STATE, bits);
}

/** Takes bits from the state. */
export function dropState(handle: number, bits: number): void {
  Atomics.and(region().words, handle + S_STATE, ~bits);
}

/** The socket is as if it had just been made. */
export function renewState(handle: number): void {
  const kept = FAMILY | IS_DATAGRAM | HAS_NO_DELAY | HAS_KEEP_ALIVE;
  Atomics.and(region().words, handle + S_STATE, kept);
}

/** Winsock's number of the socket's family. */
export function familyOf(handle: number): number {
  return stateOf(handle) & FAMILY;
}

/** The first word of the socket's place; a negated Win32 code if the handle is none. */
export function findSocket(socket: number): number {
  const at = findHandle(socket);
  if (at < 0) return -code.ERROR_INVALID_HANDLE;
  const kind = region().words[at + layout.H_KIND];
  return kind === layout.KIND_SOCKET ? at : -code.WSAENOTSOCK;
}

/** Why the socket cannot send now, as a Winsock code; 0 if it can. */
export function sendRefusal(handle: number): number {
  const state = stateOf(handle);
  if ((state & (IS_RESET | IS_BROKEN)) !== 0) return code.WSAECONNRESET;
  if ((state & ENDED_SEND) !== 0) return code.WSAESHUTDOWN;
  return (state & (IS_CONNECTED | IS_DATAGRAM)) === 0 ? code.WSAENOTCONN : 0;
}

/** Why it cannot receive now, as a Winsock code; 0 if it can. */
export function receiveRefusal(handle: number): number {
  const state = stateOf(handle);
  if ((state & IS_SPENT) !== 0) return code.WSAECONNRESET;
  if ((state & ENDED_RECEIVE) !== 0) return code.WSAESHUTDOWN;
  return (state & (IS_CONNECTED | IS_DATAGRAM)) === 0 ? code.WSAENOTCONN : 0;
}

/** The request of a socket has failed with this errno, after `bytes` bytes. Under the port's lock. */
export function failSocket(port: Port, request: number, reason: number, bytes: number = 0): void {
  const handle = region().words[request + layout.R_HANDLE];
  refuseRequest(port, request, errorOf(handle, reason), bytes, reason);
}

/** It ends with a code of Windows. */
export function refuseRequest(
  port: Port,
  request: number,
  error: number,
  bytes: number = 0,
  reason: number = 0,
): void {
  finishRequest(port, request, statusOfError(error), bytes, reason);
}

function errorOf(handle: number, reason: number): number {
  const state = stateOf(handle);
  const isDatagram = (state & IS_DATAGRAM) !== 0;
  switch (reason) {
    case errno.ECONNRESET:
      if (!isDatagram) addState(handle, IS_RESET);
      return code.ERROR_NETNAME_DELETED;
    case errno.EPIPE:
      if ((state & ENDED_SEND) !== 0) return code.WSAESHUTDOWN;
      if ((state & IS_CONNECTED) === 0) return code.WSAENOTCONN;
      addState(handle, IS_BROKEN);
      return code.ERROR_NETNAME_DELETED;
    case errno.ECONNREFUSED:
      return isDatagram && (state & FAMILY) !== AF_UNIX
        ? code.ERROR_PORT_UNREACHABLE
        : code.ERROR_CONNECTION_REFUSED;
    case errno.EDESTADDRREQ:
      return code.WSAENOTCONN;
    case errno.ECANCELED:
    case errno.ETIMEDOUT:
    case errno.ENETUNREACH:
    case errno.EHOSTUNREACH:
    case errno.ECONNABORTED:
    case errno.ENOBUFS:
      return errorOfErrno(reason);
    default:
      return wsaErrorOf(reason);
  }
}
