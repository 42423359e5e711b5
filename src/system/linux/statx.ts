/**
 * What a file is and how long it is: statx(2).
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { cPath } from "./errno.ts";

const AT_EMPTY_PATH = 0x1000;
/** What this system knows of a file on another one is enough. */
export const AT_STATX_DONT_SYNC = 0x4000;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** For a path from the working folder, or from the root. */
export const AT_FDCWD = -100;
const STATX_TYPE_SIZE = 0x201;
const STATX_INO = 0x100;
const S_IFMT = 0o170000;

/** What is known of a file. */
export interface Status {
  /** Its type: one of `S_IF…`. */
  readonly type: number;
  /** Its size in bytes. */
  readonly size: number;
}

/** struct statx, in words: stx_mode in word 7, stx_size in words 10 and 11; the same on every processor. */
const fields: Uint32Array<ArrayBuffer> = new Uint32Array(new ArrayBuffer(256));
const bytes: Uint8Array<ArrayBuffer> = new Uint8Array(fields.buffer);

/** What `path` is, from the folder `fd`, or with an empty path `fd` itself; `null` if that fails. */
export function statx(fd: number, path: string, flags: number = 0): Status | null {
  const all = path === "" ? flags | AT_EMPTY_PATH : flags;
  if (libc().statx(fd, cPath(path), all, STATX_TYPE_SIZE, bytes) !== 0) return null;
  return { type: fields[7] & S_IFMT, size: fields[10] + fields[11] * 0x100000000 };
}

/** Whether two descriptors are of one file or socket. */
export function isSameFile(fd: number, other: number): boolean {
  const first = identityOf(fd, "");
  return first !== null && first === identityOf(other, "");
}

/** Whether `path` itself, and no link there, is the file of the descriptor. */
export function isFileAt(fd: number, path: string): boolean {
  const there = identityOf(AT_FDCWD, path);
  return there !== null && there === identityOf(fd, "");
}

/** What no two files that exist have in common. */
function identityOf(fd: number, path: string): string | null {
  const flags = path === "" ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  if (libc().statx(fd, cPath(path), flags, STATX_INO, bytes) !== 0) return null;
  // stx_ino in words 8 and 9, stx_dev_major and stx_dev_minor in 34 and 35.
  return `${fields[8]} ${fields[9]} ${fields[34]} ${fields[35]}`;
}
