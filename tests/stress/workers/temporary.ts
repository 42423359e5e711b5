/**
 * Ports that come and go during a stress run, closed with packets and operations on them.
 *
 * @module
 */

import { CompletionPort, FileHandle, type PortToken } from "../../../src/pool/thread.ts";
import { STARTED, TEMPORARY_PORT } from "../board.ts";
import { isClosedError, isFifo } from "./files.ts";
import type { Thread } from "./thread.ts";

/** Numbers of a temporary port: its packets may be dropped, but not taken twice. */
const MARK = STARTED | TEMPORARY_PORT;

/** Makes a port with files, shows it to the others, uses it and closes it with what is on it. */
export function stayOnTemporaryPort(thread: Thread): void {
  thread.say("temporary port");
  const { random, board } = thread;
  const port = new CompletionPort({ concurrency: 1 + random(4) });
  const files = Array.from({ length: random(3) }, () => openFile(thread, port));
  const slot = thread.temporarySlot();
  close(board.exchange(slot, port.token));
  try {
    for (let i = random(20); i > 0; i--) {
      const dice = random(8);
      if (dice < 3) postTemporarily(thread, port);
      else if (dice === 3) thread.takeFrom(port).forEach((packet) => thread.note(packet));
      else if (files.length > 0) startTemporarily(thread, files[random(files.length)]);
    }
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
  // Closed by this thread, or in its place by one that puts its own port there.
  const mustClose = random(4) > 0;
  if (mustClose && random(2) === 0) port.close();
  for (const file of files) file.close();
  if (mustClose) port.close();
}

/** Takes from the temporary port of another thread, which may be closed meanwhile. */
export function visitTemporaryPort(thread: Thread): void {
  const slot = thread.temporarySlot();
  thread.say("guest of a temporary port", slot);
  const token = thread.board.lookAt(slot);
  if (token === null) return;
  try {
    const port = CompletionPort.attach({ kind: "iocp.port", ...token } as PortToken);
    postTemporarily(thread, port);
    thread.takeFrom(port).forEach((packet) => thread.note(packet));
    if (thread.random(8) === 0) port.close();
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
}

/** Closes the port that `token` names, if it is still open. */
export function close(token: { place: number; generation: number } | null): void {
  if (token === null) return;
  try {
    CompletionPort.attach({ kind: "iocp.port", ...token } as PortToken).close();
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
}

function openFile(thread: Thread, port: CompletionPort): FileHandle {
  const path = thread.pathFor(thread.random(4));
  const file = FileHandle.open(path, isFifo(path) ? { read: true, write: true } : {});
  port.associate(file, 1);
  return file;
}

function postTemporarily(thread: Thread, port: CompletionPort): void {
  thread.board.settle(1);
  thread.postTo(port, MARK);
}

/** A read, or a write that is refused: its packet is posted, perhaps just as the port is closed. */
function startTemporarily(thread: Thread, file: FileHandle): void {
  thread.board.settle(1);
  if (isFifo(file.name) || thread.random(4) > 0) thread.readFrom(file, MARK);
  else thread.writeTo(file, MARK);
}
