/**
 * Directories on Linux: ReadDirectoryChangesW on inotify(7).
 *
 * A handle has an inotify instance of its own. A read polls it and then writes
 * what has happened; whatever has no room stays for the next read.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import type { DirectorySystem, Outcome } from "../contract.ts";
import { statusOfError } from "../status.ts";
import { ChangeRecords } from "./change-records.ts";
import * as errno from "./errno.ts";
import { BUSY, D_READY, D_ROOT, ERROR, FILTER, MASK, RECURSIVE, ROOT } from "./folder-layout.ts";
import { closeFolders, foldersOf, openFolders } from "./folder-memory.ts";
import { Prefix } from "./folder-paths.ts";
import { findHandle, openHandle } from "./handles.ts";
import * as inotify from "./inotify.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import {
  failRequest,
  finishRequest,
  goOn,
  mustEnd,
  readAddress,
  writeAddress,
} from "./requests.ts";
import { define, defineHandle, DIRECTORIES, IN, POLL } from "./rules.ts";
import { lose, type Output } from "./output.ts";
import { closeScan, MORE, scan } from "./scan.ts";
import { launch, READABLE, refusalFor, startOn } from "./start.ts";
import { self } from "./threads.ts";
import { begin, hasMore, MORE_TO_DO, translate } from "./translation.ts";

const READ_CHANGES = DIRECTORIES;

/** A ring is done with this at once: IORING_OP_NOP. */
const AT_ONCE = 0;

const F_DUPFD_CLOEXEC = 1030;

/** All bits that Windows knows, those of EAs and streams among them. */
const VALID_FILTER = 0xFFF;

const STATUS_NOTIFY_ENUM_DIR = 0x10C;
const STATUS_DELETE_PENDING = 0xC0000056;

const prefix = new Prefix();

function openDirectory(path: string): Outcome {
  const root = inotify.openFolder(errno.cString(path), true);
  if (root < 0) return openFailure(path, -root);
  const fd = inotify.openInotify();
  const reason = fd === -errno.EMFILE && isDescriptorLeft(root) ? errno.ENOSPC : -fd;
  const handle = fd < 0 ? 0 : openHandle(
    layout.KIND_DIRECTORY,
    fd,
    code.FILE_FLAG_OVERLAPPED | READABLE,
  );
  if (handle !== 0) {
    region().words[findHandle(handle) + D_ROOT] = root + 1;
    return errno.success(handle);
  }
  if (fd >= 0) libc().close(fd);
  libc().close(root);
  if (fd >= 0) return errno.refusal(code.ERROR_NO_SYSTEM_RESOURCES);
  return { ...errno.failure(reason), code: codeOf(reason) };
}

/** inotify_init1 says EMFILE to both: no descriptor is left, or the user has max_user_instances. */
function isDescriptorLeft(fd: number): boolean {
  const another = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (another >= 0) libc().close(another);
  return another >= 0;
}

/** Windows tells a missing directory from a missing folder on the way, and both from a file. */
function openFailure(path: string, reason: number): Outcome {
  const folder = path.replace(/[^/]+\/*$/, "") || ".";
  if (reason === errno.ENOENT || reason === errno.ENOTDIR) {
    const parent = inotify.openFolder(errno.cString(folder), true);
    if (parent < 0) return { code: code.ERROR_PATH_NOT_FOUND, value: 0, errno: reason };
    libc().close(parent);
  }
  if (reason === errno.ENOTDIR) return { code: code.ERROR_DIRECTORY, value: 0, errno: reason };
  return errno.failure(reason);
}

/** ENOSPC of inotify is no full disk but the user's quota: max_user_watches or _instances. */
function codeOf(reason: number): number {
  return reason === errno.ENOSPC ? code.ERROR_NOT_ENOUGH_QUOTA : errno.failure(reason).code;
}

function readDirectoryChanges(
  directory: number,
  buffer: number,
  byteLength: number,
  watchSubtree: boolean,
  notifyFilter: number,
  overlapped: number,
): number {
  const { words } = region();
  const at = findHandle(directory);
  const kind = at < 0 ? layout.KIND_PORT : words[at + layout.H_KIND];
  if (kind !== layout.KIND_PORT) {
    if (kind !== layout.KIND_DIRECTORY) {
      return refusalFor(directory, at, code.ERROR_INVALID_PARAMETER);
    }
    if (notifyFilter === 0 || (notifyFilter & ~VALID_FILTER) !== 0) {
      return code.ERROR_INVALID_PARAMETER;
    }
    if (buffer % 4 !== 0) return code.ERROR_NOACCESS;
    const place = words[at + layout.H_PORT];
    if (place === 0 || overlapped === 0) {
      return refusalFor(directory, at, code.ERROR_INVALID_PARAMETER);
    }
    const answer = words[at + D_READY] === 0
      ? prepare(portAt(place - 1), directory, at, watchSubtree, notifyFilter)
      : 0;
    if (answer !== 0) return answer;
  }
  const start = (port: Port, request: number) => {
    writeAddress(words, request + layout.R_ADDRESS, buffer);
    words[request + layout.R_LENGTH] = byteLength | 0;
    // The oldest looks first what there is already.
    const isBehind = words[request + layout.R_OLDER] !== 0;
    const result = isBehind ? -errno.EAGAIN : perform(request);
    if (result === -errno.EAGAIN) launch(port, request);
    else complete(port, request, result);
  };
  return startOn(directory, layout.KIND_DIRECTORY, READABLE, READ_CHANGES, overlapped, start);
}

/**
 * The first read says what is watched. When it returns all folders are; the port
 * can be used in between. Returns 0 or why not all could be.
 */
function prepare(
  port: Port,
  directory: number,
  at: number,
  recursive: boolean,
  filter: number,
): number {
  const { words } = region();
  for (;;) {
    port.lock(self());
    let answer = 0;
    if (findHandle(directory) !== at) answer = code.ERROR_INVALID_HANDLE;
    else if (words[at + D_READY] === 0) answer = prepareLocked(at, recursive, filter);
    port.unlock();
    if (answer !== code.ERROR_IO_PENDING) return answer;
  }
}

/** A part of it, at once. ERROR_IO_PENDING if there is more to do. */
function prepareLocked(at: number, recursive: boolean, filter: number): number {
  const { words } = region();
  const folders = foldersOf(at) ?? openFolders(at);
  if (folders === null) return code.ERROR_NOT_ENOUGH_MEMORY;
  const output = outputOf(at, folders, new ChangeRecords(0, 0));
  if (folders.words[ROOT] === 0) {
    folders.words[FILTER] = filter;
    folders.words[RECURSIVE] = recursive ? 1 : 0;
    folders.words[MASK] = maskOf(filter, recursive);
    begin(output);
  }
  const isMore = folders.words[ERROR] === 0 && scan(output) === MORE;
  const reason = folders.words[ERROR];
  if (reason !== 0) {
    closeScan(folders);
    closeFolders(at);
    return codeOf(reason);
  }
  if (isMore) return code.ERROR_IO_PENDING;
  words[at + D_READY] = 1;
  return 0;
}

/** What inotify is asked for. To know of new folders it must tell of names, whoever wants to. */
function maskOf(filter: number, recursive: boolean): number {
  const names = code.FILE_NOTIFY_CHANGE_FILE_NAME | code.FILE_NOTIFY_CHANGE_DIR_NAME;
  const attributes = code.FILE_NOTIFY_CHANGE_ATTRIBUTES | code.FILE_NOTIFY_CHANGE_SECURITY;
  const data = code.FILE_NOTIFY_CHANGE_SIZE | code.FILE_NOTIFY_CHANGE_LAST_WRITE;
  let mask = inotify.IN_ONLYDIR | inotify.IN_EXCL_UNLINK;
  if ((filter & names) !== 0 || recursive) {
    mask |= inotify.IN_CREATE | inotify.IN_DELETE | inotify.IN_MOVED_FROM | inotify.IN_MOVED_TO;
  }
  if ((filter & attributes) !== 0) mask |= inotify.IN_ATTRIB;
  if ((filter & data) !== 0) mask |= inotify.IN_MODIFY;
  if ((filter & code.FILE_NOTIFY_CHANGE_LAST_ACCESS) !== 0) mask |= inotify.IN_ACCESS;
  return mask;
}

function outputOf(handle: number, folders: Output["folders"], records: ChangeRecords): Output {
  return { folders, fd: region().words[handle + layout.H_FD], records, prefix };
}

/** Writes what has happened to the request's memory; see `translate`. */
function perform(request: number): number {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  // When the handle was closed, its memory went.
  if (words[handle + layout.H_FD] < 0) return -errno.ECANCELED;
  const folders = foldersOf(handle)!;
  // A thread has ended in the middle: what it was doing is not known.
  if (folders.words[BUSY] !== 0) lose(folders);
  folders.words[BUSY] = 1;
  const address = readAddress(words, request + layout.R_ADDRESS);
  const records = new ChangeRecords(address, words[request + layout.R_LENGTH] >>> 0);
  const result = translate(outputOf(handle, folders, records));
  // What is told stays noted until its packet is queued.
  if (result === -errno.EAGAIN || result === MORE_TO_DO) folders.words[BUSY] = 0;
  return result;
}

function complete(port: Port, request: number, result: number): void {
  const { words } = region();
  if (words[request + layout.R_OPCODE] === AT_ONCE) {
    words[request + layout.R_OPCODE] = POLL;
    if (result >= 0) result = mustEnd(request) ? -errno.ECANCELED : perform(request);
    if (result === -errno.EAGAIN) return goOn(port, request);
  }
  if (result === MORE_TO_DO && mustEnd(request)) result = -errno.ECANCELED;
  if (result === MORE_TO_DO) {
    againAtOnce(port, request);
    goOn(port, request);
    return;
  }
  const handle = words[request + layout.R_HANDLE];
  const folders = words[handle + layout.H_FD] < 0 ? null : foldersOf(handle);
  if (folders !== null && hasMore(folders)) letNextLook(port, request);
  end(port, request, result);
  if (folders !== null) folders.words[BUSY] = 0;
}

/** The packet of a read: `result` is what `translate` has answered. */
function end(port: Port, request: number, result: number): void {
  if (result > 0) finishRequest(port, request, 0, result, 0);
  else if (result === 0) finishRequest(port, request, STATUS_NOTIFY_ENUM_DIR, 0, 0);
  else if (result === -errno.ENOENT) {
    finishRequest(port, request, STATUS_DELETE_PENDING, 0, errno.ENOENT);
  } else if (result === -errno.ENOSPC) {
    finishRequest(port, request, statusOfError(codeOf(errno.ENOSPC)), 0, errno.ENOSPC);
  } else failRequest(port, request, -result);
}

/** The engine without io_uring performs at every start; a ring would wait for inotify to say something. */
function againAtOnce(port: Port, request: number): void {
  if (port.isRing()) region().words[request + layout.R_OPCODE] = AT_ONCE;
}

/** The read behind this one must not wait for events: there is something left of those that were read. */
function letNextLook(port: Port, request: number): void {
  const { words } = region();
  const next = words[request + layout.R_NEWER];
  if (next !== 0 && words[next + layout.R_STATE] === layout.REQUEST_WAITING) {
    againAtOnce(port, next);
  }
}

define(READ_CHANGES, { opcode: POLL, events: IN, perform, complete });

defineHandle(layout.KIND_DIRECTORY, {
  read: 0,
  write: 0,
  closing(handle: number): void {
    const { words } = region();
    const folders = foldersOf(handle);
    if (folders !== null) closeScan(folders);
    closeFolders(handle);
    if (words[handle + D_ROOT] !== 0) libc().close(words[handle + D_ROOT] - 1);
    words[handle + D_ROOT] = 0;
  },
});

/** The contract's functions for directories. */
export const directories: DirectorySystem = { openDirectory, readDirectoryChanges };
