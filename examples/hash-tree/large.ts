/**
 * Hashing the rest of a file that one read could not bring.
 *
 * @module
 */

import {
  type CompletionPort,
  type FileHandle,
  NativeBuffer,
  type Packet,
} from "../../src/pool/thread.ts";
import type { Hash } from "./sha256.ts";
import { failureOf } from "./work.ts";

/** Bytes of one read. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Reads in flight. Enough to be ahead of the hashing, and no more than a processor's cache
 * holds: what was read is hashed while it is there.
 */
const AHEAD = 4;

const ERROR_HANDLE_EOF = 38;

/** Large files, one after the other, a few reads ahead. */
export class LargeFiles {
  readonly #port: CompletionPort;
  readonly #firstTag: number;
  readonly #others: Packet[];
  readonly #count: (bytes: number) => void;
  readonly #memory: NativeBuffer = NativeBuffer.allocate(AHEAD * BLOCK_BYTES);
  readonly #blocks: readonly NativeBuffer[];
  /** The packet of the read into each block; `null` while it is in flight. */
  readonly #packets: (Packet | null)[] = Array(AHEAD).fill(null);
  /** Reads started and looked at, of the file in hand. */
  #started = 0;
  #looked = 0;

  /**
   * Files on `port`, whose reads have tags from `firstTag` on. Packets of other operations
   * go to `others`; `count` is told of bytes hashed.
   */
  constructor(
    port: CompletionPort,
    firstTag: number,
    others: Packet[],
    count: (bytes: number) => void,
  ) {
    this.#port = port;
    this.#firstTag = firstTag;
    this.#others = others;
    this.#count = count;
    this.#blocks = Array.from(
      { length: AHEAD },
      (_, block) => this.#memory.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES),
    );
  }

  /** The digest of a file, from whose first `begin` bytes `hash` is; or `FAILURE` and why there is none. */
  hash(handle: FileHandle, begin: number, hash: Hash): string {
    let failure: string | null = null;
    try {
      const size = handle.size();
      while (this.#next(handle, begin, size, hash));
    } catch (error) {
      failure = failureOf(error);
    }
    // What is behind the end, or behind what could not be read.
    while (this.#looked < this.#started) this.#look();
    this.#started = this.#looked = 0;
    return failure ?? hash.digest("hex");
  }

  [Symbol.dispose](): void {
    this.#memory.free();
  }

  /** Hashes the next block of the file. False if it was the last. */
  #next(handle: FileHandle, begin: number, size: number, hash: Hash): boolean {
    while (this.#started - this.#looked < AHEAD) {
      const offset = begin + this.#started * BLOCK_BYTES;
      // A file that has grown meanwhile is read on, a read at a time.
      if (offset >= size && this.#started > this.#looked) break;
      const block = this.#started % AHEAD;
      handle.read(this.#blocks[block], offset, this.#firstTag + block);
      this.#started++;
    }
    const block = this.#looked % AHEAD;
    const { bytesTransferred, error } = this.#look();
    if (error !== null) {
      if (error.code === ERROR_HANDLE_EOF) return false;
      throw error;
    }
    hash.update(this.#blocks[block].bytes.subarray(0, bytesTransferred));
    this.#count(bytesTransferred);
    return bytesTransferred === BLOCK_BYTES;
  }

  /** The packet of the oldest read that was not looked at. Waits for it. */
  #look(): Packet {
    const block = this.#looked++ % AHEAD;
    for (;;) {
      const packet = this.#packets[block];
      this.#packets[block] = null;
      if (packet !== null) return packet;
      for (const other of this.#port.getMany(AHEAD)) {
        const which = other.operation!.tag - this.#firstTag;
        if (which >= 0) this.#packets[which] = other;
        else this.#others.push(other);
      }
    }
  }
}
