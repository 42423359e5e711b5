/**
 * The errno of this thread, and the numbers of Linux that differ by processor.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { view } from "../../ffi/memory.ts";
import { architecture } from "../../ffi/runtime.ts";
import type { Outcome } from "../contract.ts";
import { errorOfErrno } from "../status.ts";

export const EPERM = 1;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENOENT = 2;
export const EMFILE = 24;
export const ENOSPC = 28;
export const EPIPE = 32;
export const ENOSYS = 38;
export const ELOOP = 40;
export const ENAMETOOLONG = 36;
export const ETIME = 62;
export const EBADMSG = 74;
export const EOPNOTSUPP = 95;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOTCONN = 107;
export const ECONNREFUSED = 111;
export const ENOBUFS = 105;
export const EDESTADDRREQ = 89;
export const EMSGSIZE = 90;
export const EDQUOT = 122;
export const EISCONN = 106;
export const ESHUTDOWN = 108;
export const ETIMEDOUT = 110;
export const ENETUNREACH = 101;
export const EHOSTUNREACH = 113;
export const EALREADY = 114;
export const EINPROGRESS = 115;
export const ECANCELED = 125;

/** Whether this is arm64; otherwise it is x86-64. */
export const isArm: boolean = architecture === "arm64";

export const O_DIRECT: number = isArm ? 0x10000 : 0x4000;
export const O_DIRECTORY: number = isArm ? 0x4000 : 0x10000;
export const O_NOFOLLOW: number = isArm ? 0x8000 : 0x20000;
export const SYS_futex: number = isArm ? 98 : 202;
export const SYS_preadv2: number = isArm ? 286 : 327;
export const SYS_pwritev2: number = isArm ? 287 : 328;
export const SYS_getdents64: number = isArm ? 61 : 217;
export const SYS_io_uring_setup = 425;
export const SYS_io_uring_enter = 426;
export const SYS_cachestat = 451;

let location: Int32Array<ArrayBuffer> | undefined;

/**
 * The errno that the last failing libc call of this thread has left. Its place
 * is the thread's own and lives as long as the thread, so the view is kept.
 */
export function errno(): number {
  location ??= new Int32Array(view(Number(libc().__errno_location()), 4));
  return location[0];
}

/** An outcome with a value. */
export function success(value: number): Outcome {
  return { code: 0, value, errno: 0 };
}

/** The outcome of a failed libc call, by its errno. */
export function failure(error: number = errno()): Outcome {
  return { code: errorOfErrno(error), value: 0, errno: error };
}

/** An outcome that no system call has set. */
export function refusal(code: number): Outcome {
  return { code, value: 0, errno: 0 };
}

/** Room for a path of PATH_MAX bytes and its end; over a buffer of its own, so that it never moves. */
const PATH_BYTES = 4096;
const room: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(PATH_BYTES));

/**
 * A path as C takes it, for the very next foreign call: the memory is the same each
 * time. An encoder takes longer than the opening of a file does, for all but long paths.
 */
export function cPath(path: string): Uint8Array<ArrayBuffer> {
  const { length } = path;
  if (length >= PATH_BYTES) return cString(path);
  for (let i = 0; i < length; i++) {
    const char = path.charCodeAt(i);
    if (char > 0x7f) return cString(path);
    room[i] = char;
  }
  room[length] = 0;
  return room;
}

/** A path or name as C takes it. The caller has refused NUL characters. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}
