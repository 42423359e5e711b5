/**
 * inotify(7), and looking into folders: the system calls that directory changes
 * are made of. Results are counts or descriptors, or a negated errno.
 *
 * @module
 */

import { inotify, libc, plain } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import * as errno from "./errno.ts";

export const IN_ACCESS = 0x1;
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ONLYDIR = 0x1000000;
export const IN_DONT_FOLLOW = 0x2000000;
export const IN_EXCL_UNLINK = 0x4000000;
const IN_MASK_ADD = 0x20000000;
export const IN_ISDIR = 0x40000000;

const IN_CLOEXEC_NONBLOCK = 0x80800;
const FIONREAD = word(0x541B);
const O_CLOEXEC_NONBLOCK = 0x80800;
const AT_EMPTY_PATH = 0x1000;
const STATX_NLINK = 4;

/** Makes an inotify instance. */
export function openInotify(): number {
  return answered(inotify().inotify_init1(IN_CLOEXEC_NONBLOCK));
}

/**
 * Watches the folder of this path, which ends with a NUL, for what is in `mask` beside what it
 * is watched for already. Returns its watch descriptor.
 *
 * Without IN_MASK_ADD the kernel clears the mask of a folder that is watched before it sets it
 * anew, also to the same one, and what happens in between is not told.
 */
export function addWatch(fd: number, path: Uint8Array<ArrayBuffer>, mask: number): number {
  return answered(inotify().inotify_add_watch(fd, path, (mask | IN_MASK_ADD) >>> 0));
}

/** Watches it no more; IN_IGNORED follows. Nothing if it is not watched. */
export function removeWatch(fd: number, watch: number): void {
  inotify().inotify_rm_watch(fd, watch);
}

/** Bytes of events that wait to be read. */
export function queuedBytes(fd: number): number {
  const count = new Uint8Array(new ArrayBuffer(4));
  if (inotify().ioctl(fd, FIONREAD, count) !== 0) return 0;
  return new DataView(count.buffer).getInt32(0, true);
}

/** Reads events into native memory, as many whole ones as there are and fit; 0 if there are none. */
export function readEvents(fd: number, address: number, byteLength: number): number {
  for (;;) {
    const count = Number(plain().read(fd, word(address), word(byteLength)));
    if (count >= 0) return count;
    const reason = errno.errno();
    if (reason === errno.EAGAIN) return 0;
    if (reason !== errno.EINTR) return -reason;
  }
}

/** Opens a folder to look into it; links are followed where `follows`. */
export function openFolder(path: Uint8Array<ArrayBuffer>, follows: boolean): number {
  const flags = errno.O_DIRECTORY | O_CLOEXEC_NONBLOCK | (follows ? 0 : errno.O_NOFOLLOW);
  for (;;) {
    const fd = answered(libc().open(path, flags, 0));
    if (fd !== -errno.EINTR) return fd;
  }
}

/** Reads `struct linux_dirent64` into native memory; 0 at the end. */
export function listFolder(fd: number, address: number, byteLength: number): number {
  return answered(inotify().syscall(errno.SYS_getdents64, fd, word(address), word(byteLength)));
}

/** Whether the folder open as `fd` has been deleted: nothing leads to it any more. */
export function isDeleted(fd: number): boolean {
  const status = new Uint8Array(new ArrayBuffer(256));
  const path = errno.cString("");
  if (libc().statx(fd, path, AT_EMPTY_PATH, STATX_NLINK, status) !== 0) return true;
  return new DataView(status.buffer).getUint32(16, true) === 0;
}

function answered(result: number): number {
  return result >= 0 ? result : -errno.errno();
}
