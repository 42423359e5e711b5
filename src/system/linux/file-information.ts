/**
 * What is known of a file beside its bytes: mode and times.
 *
 * @module
 */

import { fileInformation as calls, libc } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import type { FileChange, FileInformation, FileInformationSystem, Outcome } from "../contract.ts";
import * as errno from "./errno.ts";
import { descriptor, isWritable } from "./files.ts";

const AT_EMPTY_PATH = 0x1000;
const STATX_MODE_SIZE_TIMES = 0x2 | 0x20 | 0x40 | 0x200;
const MODE = 0o7777;

/** futimens(2): this time stays. */
const UTIME_OMIT = 0x3ffffffe;

/** Where struct statx has what, in words: the same on every processor. */
const W_MODE = 7;
const W_SIZE = 10;
const W_ACCESSED = 16;
const W_MODIFIED = 28;

/** Memory for the very next call: a statx, or the two times. */
const words: Int32Array<ArrayBuffer> = new Int32Array(new ArrayBuffer(256));
const bytes: Uint8Array<ArrayBuffer> = new Uint8Array(words.buffer);
const times: Int32Array<ArrayBuffer> = new Int32Array(new ArrayBuffer(32));
const timesBytes: Uint8Array<ArrayBuffer> = new Uint8Array(times.buffer);

const HIGH = 0x100000000;

/** struct statx_timestamp: seconds of 64 bits, and nanoseconds. */
function readTime(at: number): number {
  const seconds = (words[at] >>> 0) + words[at + 1] * HIGH;
  return seconds * 1000 + words[at + 2] / 1e6;
}

/** struct timespec: seconds and nanoseconds, of 64 bits each. */
function writeTime(at: number, ms: number | undefined): void {
  const seconds = ms === undefined ? 0 : Math.floor(ms / 1000);
  const nanoseconds = ms === undefined
    ? UTIME_OMIT
    : Math.min(Math.round((ms - seconds * 1000) * 1e6), 999_999_999);
  times[at] = seconds | 0;
  times[at + 1] = Math.floor(seconds / HIGH);
  times[at + 2] = nanoseconds;
  times[at + 3] = 0;
}

function getFileInformationByHandle(file: number, information: FileInformation): Outcome {
  const fd = descriptor(file);
  if (fd < 0) return errno.refusal(code.ERROR_INVALID_HANDLE);
  const empty = errno.cPath("");
  if (libc().statx(fd, empty, AT_EMPTY_PATH, STATX_MODE_SIZE_TIMES, bytes) !== 0) {
    return errno.failure();
  }
  information.size = (words[W_SIZE] >>> 0) + words[W_SIZE + 1] * HIGH;
  information.mode = words[W_MODE] & MODE;
  information.accessedMs = readTime(W_ACCESSED);
  information.modifiedMs = readTime(W_MODIFIED);
  return errno.success(0);
}

function setFileInformationByHandle(file: number, change: FileChange): Outcome {
  const fd = descriptor(file);
  if (fd < 0) return errno.refusal(code.ERROR_INVALID_HANDLE);
  if (!isWritable(file)) return errno.refusal(code.ERROR_ACCESS_DENIED);
  const { mode, accessedMs, modifiedMs } = change;
  const c = calls();
  if (mode !== undefined && c.fchmod(fd, mode & MODE) !== 0) return errno.failure();
  if (accessedMs === undefined && modifiedMs === undefined) return errno.success(0);
  writeTime(0, accessedMs);
  writeTime(4, modifiedMs);
  return c.futimens(fd, timesBytes) === 0 ? errno.success(0) : errno.failure();
}

/** The contract's functions for what is known of files. */
export const fileInformation: FileInformationSystem = {
  getFileInformationByHandle,
  setFileInformationByHandle,
};
