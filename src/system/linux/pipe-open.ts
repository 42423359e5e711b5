/**
 * How an end of a named pipe is made: an instance by its server, the other end by
 * a client that opens the pipe.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import type { Outcome } from "../contract.ts";
import * as errno from "./errno.ts";
import { findHandle, openHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import * as found from "./pipe-folders.ts";
import * as rows from "./pipe-rows.ts";
import * as pipe from "./pipe-sockets.ts";
import { region } from "./region.ts";
import { READABLE, WRITABLE } from "./start.ts";

/** Times a folder is looked up again that others remove while it is used. */
const MAX_ATTEMPTS = 100;
/** Instances of a process after which it looks once more for what ended servers have left. */
const TIDY_EVERY = 64;
/** What WaitNamedPipe waits if neither it nor the server says. */
const DEFAULT_TIMEOUT_MS = 50;

/** Makes an instance of a pipe. */
export function createNamedPipe(
  name: string,
  openMode: number,
  pipeMode: number,
  maxInstances: number,
  _outBufferBytes: number,
  _inBufferBytes: number,
  defaultTimeoutMs: number,
  _descriptor: string,
  mode: number,
): Outcome {
  const access = openMode & code.PIPE_ACCESS_DUPLEX;
  const isMessage = (pipeMode & code.PIPE_TYPE_MESSAGE) !== 0;
  const readsMessages = (pipeMode & code.PIPE_READMODE_MESSAGE) !== 0;
  const isCount = maxInstances >= 1 && maxInstances <= code.PIPE_UNLIMITED_INSTANCES;
  if (access === 0 || !isCount || readsMessages && !isMessage) {
    return errno.refusal(code.ERROR_INVALID_PARAMETER);
  }
  const folder = found.folderOf(name);
  if (typeof folder === "number") return errno.refusal(folder);
  const timeout = defaultTimeoutMs || DEFAULT_TIMEOUT_MS;
  const wanted = found.describeInstances(isMessage, access, maxInstances, timeout);
  const isFirst = (openMode & code.FILE_FLAG_FIRST_PIPE_INSTANCE) !== 0;
  const serial = rows.nextSerial();
  for (let attempt = 0;; attempt++) {
    const fd = found.lockFolder(folder, mode);
    if (fd < 0 && (fd !== -errno.ENOENT || attempt >= MAX_ATTEMPTS)) return failure(-fd);
    if (fd < 0) continue;
    const rights = (access & code.PIPE_ACCESS_INBOUND ? READABLE : 0) |
      (access & code.PIPE_ACCESS_OUTBOUND ? WRITABLE : 0);
    const flags = rights | openMode & code.FILE_FLAG_OVERLAPPED;
    const refused = refusalIn(fd, wanted, isFirst, serial % TIDY_EVERY === 1);
    const made = refused !== 0
      ? errno.refusal(refused)
      : makeInstance(folder, fd, found.nameInstance(serial, wanted), mode, flags, pipeMode);
    found.unlockFolder(fd);
    // The last instance of another server has taken the folder with it.
    if (made.errno !== errno.ENOENT || attempt >= MAX_ATTEMPTS) return made;
  }
}

/** Why the pipe takes no further instance of this description; 0 if it does. */
function refusalIn(fd: number, wanted: string, isFirst: boolean, mustTidy: boolean): number {
  let living = 0;
  let limit = 0;
  for (const { letter, isAlive, entry, maxInstances } of found.readInstances(fd, "ILT")) {
    if (!isAlive) found.removeEntry(found.entryPath(fd, entry));
    if (!isAlive || letter !== "I") continue;
    if (isFirst || !entry.endsWith(`.${wanted}`)) return code.ERROR_ACCESS_DENIED;
    living++;
    limit = maxInstances;
    if (limit === code.PIPE_UNLIMITED_INSTANCES && !mustTidy) return 0;
  }
  return limit < code.PIPE_UNLIMITED_INSTANCES && living > 0 && living >= limit
    ? code.ERROR_PIPE_BUSY
    : 0;
}

/** Makes an instance in the folder locked by `fd`. */
function makeInstance(
  { path }: found.PipeFolder,
  fd: number,
  entry: string,
  mode: number,
  flags: number,
  pipeMode: number,
): Outcome {
  if (new TextEncoder().encode(path + entry).length > rows.MAX_TEXT_BYTES) {
    return errno.refusal(code.ERROR_INVALID_NAME);
  }
  const isMessage = (pipeMode & code.PIPE_TYPE_MESSAGE) !== 0;
  const reason = found.makeEntry(fd, `I.${entry}`);
  const socket = reason === 0 ? pipe.listenIn(fd, `${entry}.1`, isMessage, mode) : -reason;
  const handle = socket < 0 ? 0 : openHandle(layout.KIND_PIPE, socket, flags);
  if (handle === 0) {
    found.removeEntry(found.entryPath(fd, `L.${entry}.1`));
    found.removeEntry(found.entryPath(fd, `I.${entry}`));
    if (socket < 0) return failure(-socket);
    libc().close(socket);
    return errno.refusal(code.ERROR_NO_SYSTEM_RESOURCES);
  }
  const { words } = region();
  const at = findHandle(handle);
  rows.openRow(at, path, entry, mode);
  words[at + rows.PIPE_FLAGS] = rows.IS_SERVER | (isMessage ? rows.IS_MESSAGE : 0) |
    (pipeMode & code.PIPE_READMODE_MESSAGE ? rows.READS_MESSAGES : 0);
  words[at + rows.PIPE_LIFE] = 1;
  words[at + rows.PIPE_STATE] = rows.LISTENING;
  return errno.success(handle);
}

/** A Unix-domain socket has reasons of its own. */
function failure(reason: number): Outcome {
  return reason === errno.ENAMETOOLONG
    ? { code: code.ERROR_INVALID_NAME, value: 0, errno: reason }
    : errno.failure(reason);
}

/** Opens the client's end of a pipe: what `createFile` does with a pipe's name. */
export function openPipe(name: string, access: number, flags: number): Outcome {
  const folder = found.folderOf(name);
  if (typeof folder === "number") return errno.refusal(folder);
  const fd = found.enterFolder(folder);
  if (fd < 0) return found.lookupFailure(-fd);
  const outcome = connectIn(fd, access, flags & code.FILE_FLAG_OVERLAPPED);
  libc().close(fd);
  return outcome;
}

function connectIn(fd: number, access: number, flags: number): Outcome {
  let isThere = false;
  for (const instance of found.readInstances(fd, "IL")) {
    if (!instance.isAlive) continue;
    isThere = true;
    const rights = rightsOf(access, instance.access);
    if (rights < 0) return errno.refusal(code.ERROR_ACCESS_DENIED);
    if (instance.letter !== "L") continue;
    const socket = pipe.connectTo(fd, instance.entry, instance.isMessage);
    if (socket >= 0) return openClient(socket, flags | rights, instance.isMessage);
    if (!TAKEN.includes(-socket)) return errno.failure(-socket);
  }
  return errno.refusal(isThere ? code.ERROR_PIPE_BUSY : code.ERROR_FILE_NOT_FOUND);
}

/** Reasons for which another client has an instance. */
const TAKEN: readonly number[] = [errno.EAGAIN, errno.ECONNREFUSED, errno.ENOENT];

/** What `access` comes to at the client's end of a pipe that goes as `offered`; -1 if it does not. */
function rightsOf(access: number, offered: number): number {
  const reads = (access & code.GENERIC_READ) !== 0;
  const writes = (access & code.GENERIC_WRITE) !== 0;
  const isRefused = reads && (offered & code.PIPE_ACCESS_OUTBOUND) === 0 ||
    writes && (offered & code.PIPE_ACCESS_INBOUND) === 0;
  return isRefused ? -1 : (reads ? READABLE : 0) | (writes ? WRITABLE : 0);
}

function openClient(socket: number, flags: number, isMessage: boolean): Outcome {
  const handle = openHandle(layout.KIND_PIPE, socket, flags);
  if (handle === 0) {
    libc().close(socket);
    return errno.refusal(code.ERROR_NO_SYSTEM_RESOURCES);
  }
  const { words } = region();
  const at = findHandle(handle);
  words[at + rows.PIPE_FLAGS] = isMessage ? rows.IS_MESSAGE : 0;
  words[at + rows.PIPE_STATE] = rows.CONNECTED;
  return errno.success(handle);
}
