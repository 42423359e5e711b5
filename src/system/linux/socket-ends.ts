/**
 * The ends of connections: when what is sent ends, and what follows.
 *
 * @module
 */

import { sockets } from "../../ffi/libc.ts";
import * as layout from "./layout.ts";
import { eventsOf } from "./order.ts";
import { region } from "./region.ts";
import { OUT } from "./rules.ts";
import { dropState, ENDS_LATER, hasState } from "./socket-state.ts";

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
