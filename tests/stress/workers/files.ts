/**
 * The files of a stress run: open ones lie in slots that all threads know.
 *
 * @module
 */

import {
  type CompletionPort,
  FileHandle,
  type HandleToken,
  Win32Error,
} from "../../../src/pool/thread.ts";
import { type Board, SLOTS } from "../board.ts";

/** Bytes of the regular file: reads begin in it and behind it. */
export const FILE_BYTES = 20_000;

/** Whether `error` says that a handle or port is closed. */
export function isClosedError(error: unknown): boolean {
  return error instanceof TypeError && / it is closed| it has been closed/.test(error.message) ||
    error instanceof Win32Error && (error.code === 6 || error.code === 735);
}

/** One thread's view of the slots. */
export class Files {
  readonly #board: Board;
  readonly #known: (FileHandle | undefined)[] = [];
  readonly #generations: number[] = [];

  constructor(board: Board) {
    this.#board = board;
  }

  /** The open file in a slot; null if it is empty or the file closed. */
  at(slot: number): FileHandle | null {
    const token = this.#board.lookAt(slot);
    if (token === null) return null;
    const known = this.#known[slot];
    if (known?.place === token.place && this.#generations[slot] === token.generation) return known;
    try {
      const file = FileHandle.attach({ kind: "iocp.file", ...token } as HandleToken);
      this.#known[slot] = file;
      this.#generations[slot] = token.generation;
      return file;
    } catch (error) {
      if (isClosedError(error)) return null;
      throw error;
    }
  }

  /** Opens `path`, associates it with `port` and puts it in a slot; what was there is closed. */
  replace(slot: number, path: string, port: CompletionPort): void {
    const file = FileHandle.open(path, isFifo(path) ? { read: true, write: true } : {});
    port.associate(file, slot + 1);
    this.#close(this.#board.exchange(slot, file.token));
  }

  /** Empties a slot and closes its file, with what is in flight on it. */
  close(slot: number): void {
    this.#close(this.#board.exchange(slot, null));
  }

  /** Closes the files of all slots. */
  closeAll(): void {
    for (let slot = 0; slot < SLOTS; slot++) this.close(slot);
  }

  #close(token: { place: number; generation: number } | null): void {
    if (token === null) return;
    FileHandle.attach({ kind: "iocp.file", ...token } as HandleToken).close();
  }
}

/** Whether the path is that of a FIFO of the run. */
export function isFifo(path: string): boolean {
  return path.includes("fifo-");
}
