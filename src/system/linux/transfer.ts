/**
 * Reads and writes by plain system calls, for the engine without io_uring.
 *
 * @module
 */

import { libc, plain, pwritev2 } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { READ } from "./engine.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";

/**
 * Carries out what is left of the request. Returns the count or the negated
 * errno. The memory is the request's own until its packet is taken.
 */
export function perform(request: number): number {
  const { words } = region();
  const done = words[request + layout.R_DONE] >>> 0;
  const handle = words[request + layout.R_HANDLE];
  const fd = words[handle + layout.H_FD] >= 0
    ? words[handle + layout.H_FD]
    : words[handle + layout.H_CLOSING] - 1;
  const at = request + layout.R_ADDRESS;
  const address = (words[at] >>> 0) + (words[at + 1] >>> 0) * 0x100000000 + done;
  const length = (words[request + layout.R_LENGTH] >>> 0) - done;
  const isRead = words[request + layout.R_OPCODE] === READ;
  const isStream = words[handle + layout.H_KIND] === layout.KIND_STREAM;
  for (;;) {
    const count = isStream
      ? stream(isRead, fd, address, length)
      : file(isRead, fd, address, length, request, done);
    if (count >= 0) return count;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

function stream(isRead: boolean, fd: number, address: number, length: number): number {
  const c = plain();
  return Number(
    isRead ? c.read(fd, word(address), word(length)) : c.write(fd, word(address), word(length)),
  );
}

function file(
  isRead: boolean,
  fd: number,
  address: number,
  length: number,
  request: number,
  done: number,
): number {
  const { words } = region();
  const low = words[request + layout.R_OFFSET];
  const high = words[request + layout.R_OFFSET + 1];
  if (low === -1 && high === -1) return append(fd, address, length);
  const offset = word((low >>> 0) + high * 0x100000000 + done);
  const c = plain();
  return Number(
    isRead
      ? c.pread(fd, word(address), word(length), offset)
      : c.pwrite(fd, word(address), word(length), offset),
  );
}

/** A write at the end, wherever that is by then: pwritev2(2) with RWF_APPEND. */
function append(fd: number, address: number, length: number): number {
  const RWF_APPEND = 0x10;
  const vector = new Uint8Array(new ArrayBuffer(16));
  const fields = new DataView(vector.buffer);
  fields.setBigUint64(0, BigInt(address), true);
  fields.setBigUint64(8, BigInt(length), true);
  return Number(
    pwritev2().syscall(errno.SYS_pwritev2, fd, vector, 1, word(0), word(0), RWF_APPEND),
  );
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
