/**
 * Named pipes on Linux: Unix-domain sockets, each instance of a pipe a socket of
 * its own that takes one client.
 *
 * @module
 */

import { folders, libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { processId } from "../../ffi/runtime.ts";
import * as code from "../codes.ts";
import type { Outcome, PipeClient, PipeState, PipeSystem } from "../contract.ts";
import * as errno from "./errno.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import * as found from "./pipe-folders.ts";
import { createNamedPipe } from "./pipe-open.ts";
import * as rows from "./pipe-rows.ts";
import { CONNECT, TRANSACT, X_REPLY, X_REPLY_BYTES } from "./pipe-rules.ts";
import * as pipe from "./pipe-sockets.ts";
import { cutOff, listenAgain, refusalOf, tryAccept } from "./pipe-states.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { cancelRequests, writeAddress } from "./requests.ts";
import { launch, READABLE, startOn, WRITABLE } from "./start.ts";
import { self } from "./threads.ts";

/**
 * Does `work` with the first word of an open pipe's place, and with its port if it
 * has one, under that port's lock. Returns a Win32 code.
 */
function withPipe(handle: number, work: (at: number, port: Port | null) => number): number {
  const { words } = region();
  const at = findHandle(handle);
  if (at < 0 || words[at + layout.H_KIND] === layout.KIND_PORT) return code.ERROR_INVALID_HANDLE;
  if (words[at + layout.H_KIND] !== layout.KIND_PIPE) return code.ERROR_INVALID_FUNCTION;
  const place = words[at + layout.H_PORT];
  if (place === 0) return work(at, null);
  const port = portAt(place - 1);
  port.lock(self());
  const answer = findHandle(handle) === at ? work(at, port) : code.ERROR_INVALID_HANDLE;
  port.queue.release();
  port.unlock();
  return answer;
}

function connectNamedPipe(handle: number, overlapped: number): number {
  const answer = overlapped === 0 ? code.ERROR_INVALID_PARAMETER : withPipe(handle, beginListening);
  if (answer !== 0) return answer;
  return startOn(handle, layout.KIND_PIPE, 0, CONNECT, overlapped, launch);
}

/** Lets a client come to a server's end; why there is none to wait for, as a code. */
function beginListening(at: number, port: Port | null): number {
  if (!rows.hasFlag(at, rows.IS_SERVER)) return code.ERROR_INVALID_FUNCTION;
  if (port === null) return code.ERROR_INVALID_PARAMETER;
  tryAccept(at);
  const { words } = region();
  const state = words[at + rows.PIPE_STATE];
  if (state === rows.DISCONNECTED) return listenAgain(at);
  if (state === rows.LISTENING) return 0;
  const isGone = pipe.isHungUp(words[at + layout.H_FD]);
  return isGone ? code.ERROR_NO_DATA : code.ERROR_PIPE_CONNECTED;
}

function disconnectNamedPipe(handle: number): number {
  return withPipe(handle, (at, port) => {
    if (!rows.hasFlag(at, rows.IS_SERVER)) return code.ERROR_INVALID_FUNCTION;
    const refused = refusalOf(at);
    if (refused !== 0) return refused;
    cutOff(at);
    if (port !== null) cancelRequests(port, at, 0);
    return 0;
  });
}

function transactNamedPipe(
  handle: number,
  request: number,
  requestBytes: number,
  reply: number,
  replyBytes: number,
  overlapped: number,
): number {
  const answer = withPipe(handle, refusalOfTransaction);
  if (answer !== 0) return answer;
  const { words } = region();
  return startOn(handle, layout.KIND_PIPE, 0, TRANSACT, overlapped, (port, at) => {
    writeAddress(words, at + layout.R_ADDRESS, request);
    words[at + layout.R_LENGTH] = requestBytes | 0;
    const annex = layout.annexOf(at);
    writeAddress(words, annex + X_REPLY, reply);
    words[annex + X_REPLY_BYTES] = replyBytes | 0;
    launch(port, at);
  });
}

function refusalOfTransaction(at: number): number {
  const { words } = region();
  const both = READABLE | WRITABLE;
  if ((words[at + layout.H_FLAGS] & both) !== both) return code.ERROR_ACCESS_DENIED;
  if (!rows.hasFlag(at, rows.READS_MESSAGES)) return code.ERROR_BAD_PIPE;
  const refused = refusalOf(at);
  if (refused !== 0) return refused;
  return pipe.queuedBytes(words[at + layout.H_FD]) > 0 ? code.ERROR_PIPE_BUSY : 0;
}

function peekNamedPipe(
  handle: number,
  buffer: number,
  byteLength: number,
  state: PipeState,
): number {
  return withPipe(handle, (at) => {
    const { words } = region();
    const refused = refusalOf(at);
    if (refused !== 0) return refused;
    if ((words[at + layout.H_FLAGS] & READABLE) === 0) return code.ERROR_ACCESS_DENIED;
    const fd = words[at + layout.H_FD];
    return rows.hasFlag(at, rows.IS_MESSAGE)
      ? peekMessage(at, fd, buffer, byteLength, state)
      : peekBytes(fd, buffer, byteLength, state);
  });
}

function peekBytes(fd: number, buffer: number, byteLength: number, state: PipeState): number {
  const count = pipe.peekBytes(fd, buffer, byteLength);
  if (count === 0) return code.ERROR_BROKEN_PIPE;
  state.bytesRead = Math.max(Math.min(count, byteLength), 0);
  state.bytesAvailable = pipe.queuedBytes(fd);
  state.bytesLeft = 0;
  return 0;
}

function peekMessage(
  at: number,
  fd: number,
  buffer: number,
  byteLength: number,
  state: PipeState,
): number {
  const head: pipe.Head = { byteLength: 0, flags: 0 };
  const seen = pipe.peekHead(fd, head);
  if (seen === 0) return code.ERROR_BROKEN_PIPE;
  if (seen === -errno.EBADMSG) pipe.dropPacket(fd);
  if (seen < 0 && seen !== -errno.EAGAIN) return code.ERROR_BAD_PIPE;
  const offset = region().words[at + rows.PIPE_OFFSET];
  const left = seen > 0 ? head.byteLength - offset : 0;
  const count = Math.min(byteLength, left);
  if (count > 0) pipe.peekPacket(fd, offset, buffer, count);
  state.bytesRead = count;
  state.bytesAvailable = left;
  state.bytesLeft = left - count;
  return 0;
}

function waitNamedPipe(name: string, timeoutMs: number): number {
  const folder = found.folderOf(name);
  if (typeof folder === "number") return folder;
  const begin = performance.now();
  // What changes after the watch was set up ends a wait that begins before it is seen.
  const watch = openWatch(folder.path);
  const fd = found.enterFolder(folder);
  let answer = fd < 0 ? found.lookupFailure(-fd).code : -1;
  while (answer < 0) {
    const state = lookFor(fd);
    const left = begin + (timeoutMs || state.defaultTimeoutMs) - performance.now();
    if (state.isFree) answer = 0;
    else if (!state.isThere) answer = code.ERROR_FILE_NOT_FOUND;
    else if (left <= 0) answer = code.ERROR_SEM_TIMEOUT;
    else waitForChange(watch, left);
  }
  if (fd >= 0) libc().close(fd);
  if (watch >= 0) libc().close(watch);
  return answer;
}

/** Whether a pipe has instances, and one that waits for a client. */
function lookFor(fd: number): { isThere: boolean; isFree: boolean; defaultTimeoutMs: number } {
  const state = { isThere: false, isFree: false, defaultTimeoutMs: 0 };
  for (const { letter, isAlive, defaultTimeoutMs } of found.readInstances(fd, "IL")) {
    if (!isAlive) continue;
    state.isThere = true;
    state.defaultTimeoutMs = defaultTimeoutMs;
    state.isFree = letter === "L";
    if (state.isFree) break;
  }
  return state;
}

/** A descriptor that is readable once an entry of the folder has come or gone. */
function openWatch(path: string): number {
  const IN_NONBLOCK_CLOEXEC = 0x80800;
  const IN_ENTRIES = 0x7c0; // moved, made, removed, and the folder itself
  const watch = folders().inotify_init1(IN_NONBLOCK_CLOEXEC);
  if (watch >= 0) folders().inotify_add_watch(watch, errno.cString(path), IN_ENTRIES);
  return watch;
}

/** A server that is killed removes nothing: so it is looked at again from time to time. */
function waitForChange(watch: number, milliseconds: number): void {
  const LOOK_MS = 500;
  pipe.waitReadable(watch, Math.ceil(Math.min(milliseconds, LOOK_MS)));
  const bytes = new Uint8Array(new ArrayBuffer(4096));
  while (Number(libc().read(watch, bytes, word(bytes.length))) > 0);
}

/** The peer's credentials, or our own if the other end is the one asked for. */
function ask(handle: number, wantsClient: boolean, use: (fd: number | null) => void): number {
  return withPipe(handle, (at) => {
    const refused = refusalOf(at);
    if (refused !== 0) return refused;
    const isServer = rows.hasFlag(at, rows.IS_SERVER);
    use(isServer === wantsClient ? region().words[at + layout.H_FD] : null);
    return 0;
  });
}

function processOf(handle: number, wantsClient: boolean): Outcome {
  let value = 0;
  const answer = ask(handle, wantsClient, (fd) => {
    value = fd === null ? processId : pipe.peerOf(fd).pid;
  });
  return answer === 0 ? errno.success(value) : errno.refusal(answer);
}

/** The contract's functions for pipes. */
export const pipes: PipeSystem = {
  createNamedPipe,
  connectNamedPipe,
  disconnectNamedPipe,
  transactNamedPipe,
  peekNamedPipe,
  waitNamedPipe,
  setNamedPipeHandleState: (handle, mode) =>
    withPipe(handle, (at) => {
      const readsMessages = (mode & code.PIPE_READMODE_MESSAGE) !== 0;
      if (readsMessages && !rows.hasFlag(at, rows.IS_MESSAGE)) return code.ERROR_INVALID_PARAMETER;
      rows.setFlag(at, rows.READS_MESSAGES, readsMessages);
      return 0;
    }),
  getNamedPipeHandleState: (handle, client: PipeClient) =>
    ask(handle, true, (fd) => {
      client.user = pipe.userName(fd === null ? folders().geteuid() : pipe.peerOf(fd).uid);
    }),
  getNamedPipeClientProcessId: (handle) => processOf(handle, true),
  getNamedPipeServerProcessId: (handle) => processOf(handle, false),
};
