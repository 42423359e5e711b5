/**
 * Files on Linux.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import * as code from "../codes.ts";
import type { FileSystem, Outcome } from "../contract.ts";
import { errorOfErrno } from "../status.ts";
import * as errno from "./errno.ts";
import { findHandle, freeHandle, openHandle } from "./handles.ts";
import { opened } from "./journal.ts";
import * as layout from "./layout.ts";
import { closeLocks } from "./locks.ts";
import { openFile, removeMade } from "./opening.ts";
import { isPipeName } from "./pipe-folders.ts";
import { openPipe } from "./pipe-open.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { releaseRequest } from "./request-places.ts";
import { closeRequests } from "./requests.ts";
import { defineHandle, handleRulesOf, READ, rulesOf, WRITE } from "./rules.ts";
import { beginStart, launch, READABLE, refusalFor, WRITABLE } from "./start.ts";
import { AT_FDCWD, statx } from "./statx.ts";
import { self } from "./threads.ts";
import { openTransfer } from "./transfers.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { H_FD, H_FLAGS, H_KIND, H_PORT, KIND_DEVICE, KIND_FILE, KIND_PORT, KIND_STREAM } = layout;

const O_WRONLY = 0o1;
const O_RDWR = 0o2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOCTTY = 0o400;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const O_DSYNC = 0o10000;
const O_CLOEXEC = 0o2000000;
/** A FIFO without a peer must not hold the opening thread; taken off again afterwards. */
const O_NONBLOCK = 0o4000;

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFBLK = 0o060000;
const S_IFLNK = 0o120000;
const F_SETFL = 4;

const DISPOSITIONS: Readonly<Record<number, number>> = {
  [code.CREATE_NEW]: O_CREAT | O_EXCL,
  [code.CREATE_ALWAYS]: O_CREAT | O_TRUNC,
  [code.OPEN_EXISTING]: 0,
  [code.OPEN_ALWAYS]: O_CREAT,
  [code.TRUNCATE_EXISTING]: O_TRUNC,
};

function openFlags(access: number, disposition: number, flags: number): number {
  const reads = (access & code.GENERIC_READ) !== 0;
  const appends = (access & code.FILE_APPEND_DATA) !== 0;
  const writes = appends || (access & code.GENERIC_WRITE) !== 0;
  let open = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | DISPOSITIONS[disposition];
  if (writes) open |= reads ? O_RDWR : O_WRONLY;
  if (appends) open |= O_APPEND;
  if ((flags & code.FILE_FLAG_NO_BUFFERING) !== 0) open |= errno.O_DIRECT;
  if ((flags & code.FILE_FLAG_WRITE_THROUGH) !== 0) open |= O_DSYNC;
  if ((flags & code.FILE_FLAG_OPEN_REPARSE_POINT) !== 0) open |= errno.O_NOFOLLOW;
  return open;
}

/** Which kind of handle a file of this type gets; 0 if it cannot be opened so. */
function kindOfType(type: number, flags: number): number {
  if (type === S_IFREG || type === S_IFBLK) return KIND_FILE;
  if (type === S_IFLNK) return KIND_DEVICE;
  if (type !== S_IFDIR) return KIND_STREAM;
  return (flags & code.FILE_FLAG_BACKUP_SEMANTICS) !== 0 ? KIND_DEVICE : 0;
}

function createFile(
  path: string,
  access: number,
  _share: number,
  disposition: number,
  flags: number,
  mode: number,
): Outcome {
  if (isPipeName(path)) return openPipe(path, access, flags);
  if (!(disposition in DISPOSITIONS)) return errno.refusal(code.ERROR_INVALID_PARAMETER);
  const open = openFlags(access, disposition, flags);
  const fd = openFile(path, open, mode);
  if (fd < 0) return openFailure(path, -fd);
  // What O_EXCL has made is a file, and nothing else.
  const type = disposition === code.CREATE_NEW ? S_IFREG : statx(fd, "")?.type;
  const kind = type === undefined ? 0 : kindOfType(type, flags);
  if (kind === 0) {
    const reason = type === undefined ? errno.errno() : errno.EISDIR;
    libc().close(fd);
    return errno.failure(reason);
  }
  // io_uring would answer EAGAIN for a stream in non-blocking mode instead of waiting.
  if (kind === KIND_STREAM) libc().fcntl(fd, F_SETFL, open & (O_APPEND | errno.O_DIRECT));
  const rights = (access & code.GENERIC_READ ? READABLE : 0) |
    (access & (code.GENERIC_WRITE | code.FILE_APPEND_DATA) ? WRITABLE : 0);
  const kept = rights | flags & (code.FILE_FLAG_OVERLAPPED | code.FILE_FLAG_NO_BUFFERING);
  const handle = openHandle(kind, fd, kept);
  if (handle !== 0) return errno.success(handle);
  if (disposition === code.CREATE_NEW) removeMade(path, fd);
  libc().close(fd);
  return errno.refusal(code.ERROR_NO_SYSTEM_RESOURCES);
}

/** Windows tells a missing file (2) from a missing folder (3); Linux says ENOENT to both. */
function openFailure(path: string, reason: number): Outcome {
  const folder = path.replace(/[^/]+\/*$/, "") || ".";
  if (reason === errno.ENOENT && statx(AT_FDCWD, folder) === null) {
    return { code: code.ERROR_PATH_NOT_FOUND, value: 0, errno: reason };
  }
  return errno.failure(reason);
}

function transfer(
  right: number,
  handle: number,
  address: number,
  length: number,
  overlapped: number,
): number {
  const at = findHandle(handle);
  const { words } = region();
  const rules = at < 0 ? undefined : handleRulesOf(words[at + H_KIND]);
  if (rules === undefined) return code.ERROR_INVALID_HANDLE;
  const kind = right === READABLE ? rules.read : rules.write;
  const place = words[at + H_PORT];
  let refusal = 0;
  if (kind === 0) refusal = code.ERROR_INVALID_FUNCTION;
  else if ((words[at + H_FLAGS] & right) === 0) refusal = code.ERROR_ACCESS_DENIED;
  else if (place === 0 || overlapped === 0) refusal = code.ERROR_INVALID_PARAMETER;
  if (refusal !== 0) return refusalFor(handle, at, refusal);
  const port = portAt(place - 1);
  const request = beginStart(port, handle, at);
  if (request < 0) return -request;
  refusal = rules.refusal?.(at) ?? 0;
  if (refusal === 0) beginTransfer(port, at, request, kind, address, length, overlapped);
  else releaseRequest(port, request);
  port.unlock();
  return refusal === 0 ? code.ERROR_IO_PENDING : refusal;
}

function beginTransfer(
  port: Port,
  handle: number,
  request: number,
  kind: number,
  address: number,
  length: number,
  overlapped: number,
): void {
  openTransfer(port, handle, request, kind, address, length, overlapped);
  const { begin } = rulesOf(kind);
  if (begin === undefined) return launch(port, request);
  begin(port, request);
  opened(port.at);
  // What has ended at once has its packet in the queue.
  port.queue.release();
}

/** The descriptor of an open file handle; -1 if it is none. */
export function descriptor(file: number): number {
  const at = findHandle(file);
  const { words } = region();
  return at < 0 || words[at + H_KIND] === KIND_PORT ? -1 : words[at + H_FD];
}

/** What changes a file needs the right to, as on Windows. */
export function isWritable(file: number): boolean {
  return (region().words[findHandle(file) + H_FLAGS] & WRITABLE) !== 0;
}

/** The engine without io_uring asks epoll when a stream is ready, and must never wait for it. */
export function setNonBlocking(fd: number): void {
  const F_GETFL = 3;
  libc().fcntl(fd, F_SETFL, libc().fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}

/**
 * Closes the file of a retired handle. Operations in flight are asked to end
 * and complete with their packets; what the thread kept back goes to the kernel
 * first, so that no descriptor number is read after it has been given back. Returns 0, or a Win32
 * code if the system has not kept what was written. What a call under way closes at its
 * end can tell that to nobody.
 */
export function closeFile(at: number): number {
  const { words } = region();
  const fd = words[at + H_FD];
  const place = words[at + H_PORT];
  let mustClose = true;
  if (place === 0) {
    mustClose = handleRulesOf(words[at + H_KIND])?.closing?.(at, null) !== true;
    freeHandle(at);
  } else {
    const port = portAt(place - 1);
    port.lock(self());
    // Owed first, should the thread end in what follows; what is in flight keeps the port beside it.
    port.dropReferenceLater();
    mustClose = closeRequests(port, at);
    port.queue.release();
    port.submitLater();
    port.unlock();
  }
  // The descriptor is gone in any case; other reasons say nothing of the file.
  const reason = mustClose && libc().close(fd) !== 0 ? errno.errno() : 0;
  const isLost = reason === errno.EIO || reason === errno.ENOSPC || reason === errno.EDQUOT;
  return isLost ? errorOfErrno(reason) : 0;
}

defineHandle(KIND_FILE, { read: READ, write: WRITE, closing: closeLocks });
defineHandle(KIND_STREAM, { read: READ, write: WRITE });

/** The contract's functions for files. */
export const files: FileSystem = {
  createFile,
  readFile: (file, buffer, byteLength, overlapped) =>
    transfer(READABLE, file, buffer, byteLength, overlapped),
  writeFile: (file, buffer, byteLength, overlapped) =>
    transfer(WRITABLE, file, buffer, byteLength, overlapped),
  getFileSizeEx(file: number): Outcome {
    const fd = descriptor(file);
    if (fd < 0) return errno.refusal(code.ERROR_INVALID_HANDLE);
    const status = statx(fd, "");
    return status === null ? errno.failure() : errno.success(status.size);
  },
  setEndOfFile(file: number, size: number): Outcome {
    const fd = descriptor(file);
    if (fd < 0) return errno.refusal(code.ERROR_INVALID_HANDLE);
    if (!isWritable(file)) return errno.refusal(code.ERROR_ACCESS_DENIED);
    return libc().ftruncate(fd, word(size)) === 0 ? errno.success(0) : errno.failure();
  },
  flushFileBuffers(file: number): Outcome {
    const fd = descriptor(file);
    if (fd < 0) return errno.refusal(code.ERROR_INVALID_HANDLE);
    if (!isWritable(file)) return errno.refusal(code.ERROR_ACCESS_DENIED);
    return libc().fsync(fd) === 0 ? errno.success(0) : errno.failure();
  },
};
