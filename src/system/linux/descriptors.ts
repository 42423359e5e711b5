/**
 * The descriptors of handles: whose it is, and when it may be closed.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { rulesOf } from "./rules.ts";

/** The descriptor a request is about; of a closed handle, the one that is kept for its calls. */
export function descriptorOf(request: number): number {
  const { words } = region();
  const rules = rulesOf(words[request + layout.R_KIND]);
  if (rules.descriptor !== undefined) return rules.descriptor(request);
  const handle = words[request + layout.R_HANDLE];
  const fd = words[handle + layout.H_FD];
  return fd >= 0 ? fd : words[handle + layout.H_CLOSING] - 1;
}

/**
 * A call on the handle's descriptor is to come. Under the lock: a handle that is
 * closed from then on keeps its descriptor until the call is over.
 */
export function openDescriptor(handle: number): void {
  Atomics.add(region().words, handle + layout.H_CALLS, 1);
}

/**
 * The handle is closed: its descriptor stays for the calls that were announced.
 * Under the lock. True if there are none, and the caller must close it.
 */
export function leaveDescriptor(handle: number): boolean {
  const { words } = region();
  const fd = words[handle + layout.H_FD];
  words[handle + layout.H_FD] = -1;
  if (Atomics.load(words, handle + layout.H_CALLS) === 0) return true;
  Atomics.store(words, handle + layout.H_CLOSING, fd + 1);
  // The last call may just have ended without seeing it.
  if (Atomics.load(words, handle + layout.H_CALLS) === 0) closeNow(handle);
  return false;
}

function closeNow(handle: number): void {
  const closing = Atomics.exchange(region().words, handle + layout.H_CLOSING, 0);
  if (closing !== 0) libc().close(closing - 1);
}

/** A call on the handle's descriptor is over; the last one closes it, if the handle is closed. */
export function closeDescriptor(handle: number): void {
  if (Atomics.sub(region().words, handle + layout.H_CALLS, 1) === 1) closeNow(handle);
}
