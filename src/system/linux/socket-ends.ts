/**
 * The ends of connections: when what is sent ends, and what follows; what receives end with.
 *
 * @module
 */

import { sockets } from "../../ffi/libc.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { eventsOf } from "./order.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest } from "./requests.ts";
import { OUT } from "./rules.ts";
import {
  addState,
  dropState,
  ENDS_LATER,
  failSocket,
  hasState,
  IS_BROKEN,
  IS_DATAGRAM,
  IS_RESET,
  IS_SPENT,
} from "./socket-state.ts";

const SHUT_WR = 1;

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** The first byte of a struct tcp_info: neither end has the connection any more. */
const TCP_CLOSE = 7;

/** Whether the socket has something in flight that it sends. Under the port's lock. */
export function isSending(handle: number): boolean {
  const { words } = region();
  for (let at = words[handle + layout.H_NEWEST]; at !== 0; at = words[at + layout.R_OLDER]) {
    if (eventsOf(at) === OUT) return true;
  }
  return false;
}

/** The last send of a socket whose sending was to end takes the end with it. Under the port's lock. */
export function endSendingIfDone(handle: number): void {
  if (!hasState(handle, ENDS_LATER) || isSending(handle)) return;
  dropState(handle, ENDS_LATER);
  const fd = region().words[handle + layout.H_FD];
  if (fd >= 0) sockets().shutdown(fd, SHUT_WR);
}

/** What a stream's receive comes to once the engine says 0: its end, unless the other end has reset it. */
export function endReceive(port: Port, request: number, bytes: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  if (hasState(handle, IS_RESET) || isTorn(handle)) {
    failReceive(port, request, errno.ECONNRESET, bytes);
  } else finishRequest(port, request, 0, bytes, 0);
}

const info: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(8));
const infoLength: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(4));

/**
 * Whether a send may have used up what a receive should have been told. The kernel keeps a reset for
 * one call, and a send that it has got on with then says only how much has gone: to the receive it is
 * as if the other end had ended in order. A connection whose own end goes on sending is closed
 * by nothing but a reset, or the loss of the other end.
 */
function isTorn(handle: number): boolean {
  if (!isSending(handle) && !hasState(handle, IS_BROKEN)) return false;
  infoLength[0] = info.length;
  const fd = region().words[handle + layout.H_FD];
  const got = sockets().getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, infoLength);
  return got === 0 && info[0] === TCP_CLOSE;
}

/** A receive has failed. */
export function failReceive(port: Port, request: number, reason: number, bytes: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  failSocket(port, request, reason, bytes);
  if (reason === errno.ECONNRESET && !hasState(handle, IS_DATAGRAM)) addState(handle, IS_SPENT);
}
