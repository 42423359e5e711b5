/**
 * Sockets of this process whose number nobody has noted: a thread has ended right behind the call
 * that made one. They are found among all descriptors by what only they can be.
 *
 * @module
 */

import { libc, socketOptions } from "../../ffi/libc.ts";
import * as layout from "./layout.ts";
import { readNames } from "./names.ts";
import { region } from "./region.ts";
import { isSameFile } from "./statx.ts";

const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;

/** Bytes of the kernel's longest address, and more. */
const ADDRESS_BYTES = 128;

/** The descriptor's address, or its other end's; `null` if it is no socket or has none. */
export function addressOf(
  fd: number,
  call: "getsockname" | "getpeername",
): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(new ArrayBuffer(ADDRESS_BYTES));
  const room = new Uint8Array(new ArrayBuffer(4));
  room[0] = ADDRESS_BYTES;
  return socketOptions()[call](fd, bytes, room) === 0 ? bytes.subarray(0, room[0]) : null;
}

/** Whether the descriptor is a socket that clients come to. */
export function isListening(fd: number): boolean {
  const value = new Uint8Array(new ArrayBuffer(4));
  const length = new Uint8Array(new ArrayBuffer(4));
  length[0] = 4;
  const answer = socketOptions().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, length);
  return answer === 0 && value[0] !== 0;
}

/**
 * The one socket that `fits` and that is no handle's; -1 if there is none, or if it cannot be told
 * from another: better a descriptor is kept than that one is taken from somebody.
 */
export function findLost(fits: (fd: number) => boolean): number {
  const descriptors = [...readNames("/proc/self/fd")].filter((name) => /^\d+$/.test(name));
  const known = descriptorsOfHandles();
  const lost = descriptors.map(Number).filter((fd) => !known.has(fd) && fits(fd));
  return lost.length === 1 ? lost[0] : -1;
}

function descriptorsOfHandles(): Set<number> {
  const { words, handles } = region();
  const known = new Set<number>();
  for (const place of handles.taken()) {
    const at = layout.HANDLES + place * layout.HANDLE_WORDS;
    if (words[at + layout.H_KIND] === layout.KIND_PORT) continue;
    known.add(words[at + layout.H_FD]).add(words[at + layout.H_CLOSING] - 1);
  }
  return known;
}

/**
 * Closes `fd` unless that is done: who was to close it may have ended right behind it, and the number
 * be somebody else's since. `twin` is another descriptor of the same socket.
 */
export function closeTwin(fd: number, twin: number): void {
  if (isSameFile(fd, twin)) libc().close(fd);
}
