/**
 * What state a server's end of a pipe is in: it waits for a client, has one, or has parted from it.
 * From one to the next the socket under its descriptor is another one; who ends in the middle of
 * that is noted in the state, so that whoever has the lock next goes on with it.
 *
 * All functions are called with the lock of the handle's port held, once the handle has one.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { findLost, isListening } from "./lost-sockets.ts";
import { enterFolder, removeEntry, removeFolder } from "./pipe-folders.ts";
import {
  CONNECTED,
  DISCONNECTED,
  hasFlag,
  IN_MESSAGE,
  IS_MESSAGE,
  IS_SERVER,
  LISTENING,
  PIPE_LIFE,
  PIPE_OFFSET,
  PIPE_STATE,
  readRow,
  RETURNING,
  setFlag,
  TAKING,
} from "./pipe-rows.ts";
import * as pipe from "./pipe-sockets.ts";
import * as steps from "./pipe-steps.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { cancelRequests } from "./requests.ts";

/** A bit of a request's `R_FLAGS`: the server has parted from the client that it was for. */
export const IS_CUT_OFF = 2;

/** Takes the client that has come: 0, or a negated errno; -EAGAIN: none has. A failure can be tried again. */
export function accept(handle: number): number {
  const { words } = region();
  const fd = words[handle + layout.H_FD];
  if (!pipe.hasClient(fd)) return -errno.EAGAIN;
  words[handle + PIPE_STATE] = TAKING;
  const result = pipe.acceptOnto(fd);
  if (result < 0) words[handle + PIPE_STATE] = LISTENING;
  else welcome(handle);
  return result;
}

/** The client is in its place, and no other need try. */
function welcome(handle: number): void {
  removeEntry(listeningEntry(handle));
  region().words[handle + PIPE_STATE] = CONNECTED;
}

/** The path of the entry by which clients find the instance. */
function listeningEntry(handle: number): string {
  const { folder, entry } = readRow(handle);
  return `${folder}/L.${entry}.${region().words[handle + PIPE_LIFE]}`;
}

/** A client may have come before it was waited for. If it is waited for, that will see it. */
export function tryAccept(handle: number): void {
  const { words } = region();
  const isWaitedFor = words[handle + layout.H_IN_FLIGHT] > 0;
  if (words[handle + PIPE_STATE] === LISTENING && !isWaitedFor) accept(handle);
}

/** Why nothing can be read or written now, as a Win32 code; 0 if it can. */
export function refusalOf(handle: number): number {
  const { words } = region();
  tryAccept(handle);
  const state = words[handle + PIPE_STATE];
  if (state === CONNECTED) return 0;
  return state === LISTENING ? code.ERROR_PIPE_LISTENING : code.ERROR_PIPE_NOT_CONNECTED;
}

/** The instance of a server that has parted from its client can be found again. */
export function listenAgain(at: number): number {
  const { words } = region();
  const { folder, entry, mode } = readRow(at);
  const fd = enterFolder({ path: folder, isPrivate: false });
  if (fd < 0) return errno.failure(-fd).code;
  const life = words[at + PIPE_LIFE] + 1;
  const isMessage = hasFlag(at, IS_MESSAGE);
  words[at + PIPE_STATE] = RETURNING;
  const socket = pipe.listenIn(fd, `${entry}.${life}`, isMessage, mode);
  libc().close(fd);
  if (socket < 0) {
    words[at + PIPE_STATE] = DISCONNECTED;
    return errno.failure(-socket).code;
  }
  pipe.replace(words[at + layout.H_FD], socket);
  words[at + PIPE_LIFE] = life;
  words[at + PIPE_STATE] = LISTENING;
  return 0;
}

/** Nobody finds the instance any more. */
export function closing(handle: number): void {
  if (!hasFlag(handle, IS_SERVER)) return;
  const { folder, entry } = readRow(handle);
  if (region().words[handle + PIPE_STATE] === LISTENING) removeEntry(listeningEntry(handle));
  removeEntry(`${folder}/I.${entry}`);
  removeFolder(folder);
}

/** The handle's client is gone for good: what is in flight for it ends, and what it left goes. */
export function cutOff(handle: number): void {
  const { words } = region();
  words[handle + PIPE_STATE] = DISCONNECTED;
  let at = words[handle + layout.H_NEWEST];
  for (; at !== 0; at = words[at + layout.R_OLDER]) {
    // What an ended thread has left there is of this client too.
    steps.doneOf(at);
    words[at + layout.R_FLAGS] |= IS_CUT_OFF;
  }
  words[handle + PIPE_OFFSET] = 0;
  setFlag(handle, IN_MESSAGE, false);
  pipe.hangUp(words[handle + layout.H_FD]);
}

/** A thread has ended while it was changing what the handle's socket is. */
export function resume(handle: number, port: Port): void {
  const state = region().words[handle + PIPE_STATE];
  if (!hasFlag(handle, IS_SERVER)) return;
  if (state === TAKING) resumeTaking(handle);
  else if (state === RETURNING) resumeReturning(handle);
  else if (state === DISCONNECTED) {
    cutOff(handle);
    cancelRequests(port, handle, 0);
  }
}

/** The client is put in its place, if it was accepted; otherwise that is still to be done. */
function resumeTaking(handle: number): void {
  const { words } = region();
  const fd = words[handle + layout.H_FD];
  const entry = `${readRow(handle).entry}.${words[handle + PIPE_LIFE]}`;
  const client = findLost((lost) => !isListening(lost) && pipe.isEntry(lost, entry));
  if (!isListening(fd)) {
    if (client >= 0) libc().close(client);
  } else if (client >= 0) pipe.replace(fd, client);
  else {
    words[handle + PIPE_STATE] = LISTENING;
    return;
  }
  welcome(handle);
}

/** It listens again if its socket does; what was made for that and is not in its place goes. */
function resumeReturning(handle: number): void {
  const { words } = region();
  const { folder, entry } = readRow(handle);
  const fd = words[handle + layout.H_FD];
  const isBack = isListening(fd);
  let life = words[handle + PIPE_LIFE];
  if (!isBack || !pipe.isEntry(fd, `${entry}.${life}`)) life++;
  const socket = findLost((lost) => isListening(lost) && pipe.isEntry(lost, `${entry}.${life}`));
  if (socket >= 0) libc().close(socket);
  if (isBack) words[handle + PIPE_LIFE] = life;
  else {
    removeEntry(`${folder}/T.${entry}.${life}`);
    removeEntry(`${folder}/L.${entry}.${life}`);
  }
  words[handle + PIPE_STATE] = isBack ? LISTENING : DISCONNECTED;
}
