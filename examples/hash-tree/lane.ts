/**
 * Hashing the files of one task, with reads of several of them in flight.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import {
  FileHandle,
  type NativeBuffer,
  type PoolThread,
  Win32Error,
} from "../../src/pool/thread.ts";
import {
  AHEAD_BYTES,
  BLOCK_BYTES,
  FAILURE,
  outcomeOf,
  type Shared,
  SLOTS,
  type Work,
} from "./lanes.ts";

const ERROR_HANDLE_EOF = 38;

/** A file, as far as it has been hashed. */
interface OpenFile {
  readonly index: number;
  readonly handle: FileHandle;
  /** Its size when it was opened. */
  readonly size: number;
  readonly hash: Hash;
  /** Bytes hashed. */
  done: number;
  /** Why it cannot be read. */
  failure: string | null;
}

/** A read that was started and not hashed. */
interface Read {
  readonly file: OpenFile;
  readonly offset: number;
  readonly bytes: number;
  /** Whether it is the last of those that the file's size asks for. */
  readonly isLast: boolean;
}

/** The files of one task on their way. */
export class Lane {
  readonly #thread: PoolThread;
  readonly #shared: Shared;
  readonly #lane: number;
  readonly #paths: readonly string[];
  readonly #results: string[];
  readonly #blocks: readonly NativeBuffer[];
  /** Started reads, the oldest first; the one with number n is in slot n modulo `SLOTS`. */
  readonly #reads: Read[] = [];
  #started = 0;
  #bytesAhead = 0;
  #opened = 0;
  /** The file that reads are being started of, and where the next one begins. */
  #file: OpenFile | null = null;
  #offset = 0;

  /** The lane of `work` in `thread`; `blocks` has a piece of memory for each slot. */
  constructor(thread: PoolThread, { lane, paths }: Work, blocks: readonly NativeBuffer[]) {
    this.#thread = thread;
    this.#shared = thread.data as Shared;
    this.#lane = lane;
    this.#paths = paths;
    this.#results = Array(paths.length).fill("");
    this.#blocks = blocks;
  }

  /** For each file its digest, or behind `FAILURE` why there is none. */
  hash(): string[] {
    for (;;) {
      // What is started together goes to the kernel together.
      this.#thread.port.batch(() => this.#fill());
      const read = this.#reads.shift();
      if (read === undefined) return this.#results;
      this.#take(read);
    }
  }

  /** Starts reads until enough are in flight. */
  #fill(): void {
    while (this.#reads.length < SLOTS && this.#bytesAhead < AHEAD_BYTES) {
      this.#file ??= this.#openNext();
      if (this.#file === null) return;
      const left = this.#file.size - this.#offset;
      // A byte more than the file has: the read that comes short is its last.
      const isLast = left < BLOCK_BYTES;
      this.#start({
        file: this.#file,
        offset: this.#offset,
        bytes: isLast ? left + 1 : BLOCK_BYTES,
        isLast,
      });
      this.#offset += BLOCK_BYTES;
      if (isLast) this.#file = null;
    }
  }

  /** Opens the next file that can be opened; `null` if none is left. */
  #openNext(): OpenFile | null {
    while (this.#opened < this.#paths.length) {
      const index = this.#opened++;
      try {
        const handle = FileHandle.open(this.#paths[index], { read: true });
        try {
          this.#thread.port.associate(handle, this.#lane);
          this.#offset = 0;
          const size = handle.size();
          return { index, handle, size, hash: createHash("sha256"), done: 0, failure: null };
        } catch (error) {
          handle.close();
          throw error;
        }
      } catch (error) {
        this.#results[index] = failureOf(error);
      }
    }
    return null;
  }

  #start(read: Read): void {
    const slot = this.#started % SLOTS;
    const block = this.#blocks[slot];
    const into = read.bytes === BLOCK_BYTES ? block : block.subarray(0, read.bytes);
    Atomics.store(this.#shared.words, this.#lane * SLOTS + slot, 0);
    read.file.handle.read(into, read.offset, slot);
    this.#started++;
    this.#bytesAhead += read.bytes;
    this.#reads.push(read);
  }

  /** Hashes what the oldest read has brought. */
  #take(read: Read): void {
    const { file, offset, isLast } = read;
    const slot = (this.#started - this.#reads.length - 1) % SLOTS;
    const outcome = this.#wait(slot);
    this.#bytesAhead -= read.bytes;
    if (outcome < 0) file.failure ??= failureOfCode(-outcome);
    // Behind a read that came short is a gap, unless it was at the end.
    else if (file.done === offset) this.#update(file, slot, outcome);
    if (!isLast) return;
    while (file.failure === null && file.done !== file.size) {
      if (!this.#readOn(file, slot)) break;
    }
    this.#close(file);
  }

  /** A file is not as long as it was, or does not know its size: reads on until its end, false there. */
  #readOn(file: OpenFile, slot: number): boolean {
    Atomics.store(this.#shared.words, this.#lane * SLOTS + slot, 0);
    file.handle.read(this.#blocks[slot], file.done, slot);
    const outcome = this.#wait(slot);
    if (outcome < 0) file.failure = failureOfCode(-outcome);
    else this.#update(file, slot, outcome);
    return outcome > 0;
  }

  /** Waits until a slot's read is done. Others run meanwhile: one of them takes the packet. */
  #wait(slot: number): number {
    const { words } = this.#shared;
    const at = this.#lane * SLOTS + slot;
    if (Atomics.load(words, at) === 0) {
      this.#thread.blocking(() => {
        while (Atomics.load(words, at) === 0) Atomics.wait(words, at, 0);
      });
    }
    const outcome = outcomeOf(Atomics.load(words, at));
    return outcome === -ERROR_HANDLE_EOF ? 0 : outcome;
  }

  #update(file: OpenFile, slot: number, bytes: number): void {
    if (bytes === 0) return;
    file.hash.update(this.#blocks[slot].bytes.subarray(0, bytes));
    file.done += bytes;
    this.#shared.hashed[this.#lane] += bytes;
  }

  #close({ index, handle, hash, failure }: OpenFile): void {
    handle.close();
    this.#results[index] = failure ?? hash.digest("hex");
  }
}

function failureOf(error: unknown): string {
  if (error instanceof Win32Error) return failureOfCode(error.code);
  return `${FAILURE}${error instanceof Error ? error.message : String(error)}`;
}

function failureOfCode(code: number): string {
  return `${FAILURE}${code}`;
}
