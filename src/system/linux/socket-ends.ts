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
  IS_DATAGRAM,
  IS_RESET,
  IS_SPENT,
} from "./socket-state.ts";

const SHUT_WR = 1;

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
  if (hasState(handle, IS_RESET)) failReceive(port, request, errno.ECONNRESET, bytes);
  else finishRequest(port, request, 0, bytes, 0);
}

/** A receive has failed. */
export function failReceive(port: Port, request: number, reason: number, bytes: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  failSocket(port, request, reason, bytes);
  if (reason === errno.ECONNRESET && !hasState(handle, IS_DATAGRAM)) addState(handle, IS_SPENT);
}
