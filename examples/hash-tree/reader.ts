/**
 * Hashing files in a thread, with reads of many of them in flight.
 *
 * Each thread has a port of its own for that: what has been read is hashed by
 * the thread that has asked for it, so that nothing is handed from one to another.
 *
 * @module
 */

import { CompletionPort, FileHandle, NativeBuffer, type Packet } from "../../src/pool/thread.ts";
import { LargeFiles } from "./large.ts";
import { sha256 } from "./sha256.ts";
import { failureOf, type Shared, TOO_LARGE } from "./work.ts";

/** Files that are read at a time. */
const SLOTS = 32;

/** Bytes of the first read of a file. It brings all of a small one, and shows that it is all. */
const FIRST_BYTES = 32 * 1024;

const ERROR_HANDLE_EOF = 38;

/** A file whose first read is in flight. */
interface OpenFile {
  readonly index: number;
  readonly handle: FileHandle;
}

/** A thread's way of hashing files. */
export class Reader {
  readonly #shared: Shared;
  readonly #thread: number;
  readonly #port: CompletionPort = new CompletionPort();
  readonly #memory: NativeBuffer = NativeBuffer.allocate(SLOTS * FIRST_BYTES);
  readonly #blocks: readonly NativeBuffer[];
  readonly #files: (OpenFile | null)[] = Array(SLOTS).fill(null);
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => slot);
  /** Packets of first reads that nobody has looked at. */
  readonly #arrived: Packet[] = [];
  readonly #large: LargeFiles;
  readonly #maxBytes: number;
  #paths: readonly string[] = [];
  #results: string[] = [];
  #opened = 0;

  /** That of the thread of this number. Files of more than `maxBytes` are for others to hash. */
  constructor(shared: Shared, thread: number, maxBytes: number = Infinity) {
    this.#shared = shared;
    this.#thread = thread;
    this.#maxBytes = maxBytes;
    this.#blocks = this.#free.map((slot) =>
      this.#memory.subarray(slot * FIRST_BYTES, (slot + 1) * FIRST_BYTES)
    );
    // Their tags begin behind those of the slots.
    this.#large = new LargeFiles(this.#port, SLOTS, this.#arrived, (bytes) => this.#count(bytes));
  }

  /** For each file its digest, or behind `FAILURE` why there is none, or `TOO_LARGE`. */
  hash(paths: readonly string[]): string[] {
    this.#paths = paths;
    this.#results = Array(paths.length).fill("");
    this.#opened = 0;
    for (;;) {
      // What is started together goes to the kernel together.
      this.#port.batch(() => this.#fill());
      if (this.#free.length === SLOTS) return this.#results;
      this.#arrived.push(...this.#port.getMany(SLOTS));
      for (let packet = this.#arrived.pop(); packet !== undefined; packet = this.#arrived.pop()) {
        this.#take(packet);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#large[Symbol.dispose]();
    this.#memory.free();
    this.#port.close();
  }

  /** Starts the first reads of further files, as long as there is a place to put them. */
  #fill(): void {
    while (this.#free.length > 0 && this.#opened < this.#paths.length) {
      const index = this.#opened++;
      try {
        this.#begin(index);
      } catch (error) {
        this.#results[index] = failureOf(error);
      }
    }
  }

  #begin(index: number): void {
    const handle = FileHandle.open(this.#paths[index], { read: true });
    try {
      this.#port.associate(handle, 0);
      const slot = this.#free[this.#free.length - 1];
      handle.read(this.#blocks[slot], 0, slot);
      this.#files[slot] = { index, handle };
      this.#free.pop();
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** The first read of a file is done, and with most files so is everything. */
  #take({ operation, error, bytesTransferred }: Packet): void {
    const slot = operation!.tag;
    const { index, handle } = this.#files[slot]!;
    this.#files[slot] = null;
    this.#results[index] = error !== null && error.code !== ERROR_HANDLE_EOF
      ? failureOf(error)
      : this.#digest(handle, this.#blocks[slot].bytes, bytesTransferred);
    handle.close();
    this.#free.push(slot);
  }

  #digest(handle: FileHandle, bytes: Uint8Array, count: number): string {
    if (count === FIRST_BYTES && this.#isTooLarge(handle)) return TOO_LARGE;
    this.#count(count);
    const hash = sha256();
    // A read that comes short was at the end.
    if (count < FIRST_BYTES) return hash.update(bytes.subarray(0, count)).digest("hex");
    return this.#large.hash(handle, FIRST_BYTES, hash.update(bytes));
  }

  /** What has no size here fails when the rest of it is read, with the reason. */
  #isTooLarge(handle: FileHandle): boolean {
    if (this.#maxBytes === Infinity) return false;
    try {
      return handle.size() > this.#maxBytes;
    } catch {
      return false;
    }
  }

  #count(bytes: number): void {
    this.#shared.hashed[this.#thread] += bytes;
  }
}
