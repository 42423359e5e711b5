/**
 * Random reads through a port.
 *
 * @module
 */

import { CompletionPort, FileHandle, NativeBuffer } from "../../../mod.ts";

/** Bytes of each read. */
export const BLOCK = 4096;

/** A file, a port for it and memory for as many reads as may be in flight. */
export class Reader {
  readonly #port: CompletionPort = new CompletionPort({ concurrency: 1 });
  readonly #file: FileHandle;
  readonly #memory: NativeBuffer;
  readonly #parts: readonly NativeBuffer[];
  readonly #blocks: number;
  #state: number;

  /** `seed` decides where it reads. */
  constructor(path: string, depth: number, unbuffered: boolean, seed: number) {
    this.#file = FileHandle.open(path, { unbuffered });
    this.#port.associate(this.#file, 1);
    this.#blocks = this.#file.size() / BLOCK;
    this.#memory = NativeBuffer.allocate(depth * BLOCK);
    this.#parts = Array.from(
      { length: depth },
      (_, i) => this.#memory.subarray(i * BLOCK, (i + 1) * BLOCK),
    );
    this.#state = seed;
  }

  /** Does `count` reads, as many at a time as there are parts of the memory. */
  read(count: number): void {
    const parts = this.#parts;
    const port = this.#port;
    let started = Math.min(parts.length, count);
    let done = 0;
    port.batch(() => {
      for (let tag = 0; tag < started; tag++) this.#start(tag);
    });
    while (done < count) {
      const packets = port.getMany(parts.length);
      port.batch(() => {
        for (const { operation, bytesTransferred, error } of packets) {
          if (error !== null) throw error;
          if (bytesTransferred !== BLOCK) throw new Error(`A read came to ${bytesTransferred}`);
          if (started++ < count) this.#start(operation!.tag);
        }
      });
      done += packets.length;
    }
  }

  #start(tag: number): void {
    this.#state = Math.imul(this.#state, 1664525) + 1013904223 >>> 0;
    const offset = Math.floor(this.#state / 2 ** 32 * this.#blocks) * BLOCK;
    this.#file.read(this.#parts[tag], offset, tag);
  }

  close(): void {
    this.#file.close();
    this.#memory.free();
    this.#port.close();
  }
}
