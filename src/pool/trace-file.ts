/**
 * The file that a trace is written to, by overlapped writes: the owner's event loop
 * never waits for the disk, except at the end.
 *
 * @module
 */

import { NativeBuffer } from "../core/buffer.ts";
import { Win32Error } from "../core/errors.ts";
import { CompletionPort } from "../core/port.ts";
import { FileHandle } from "../handles/file.ts";

/** Bytes of one write. */
const CHUNK_BYTES = 256 * 1024;

/** A file that grows at its end. */
export class TraceFile {
  readonly #file: FileHandle;
  readonly #port: CompletionPort;
  readonly #chunk: NativeBuffer;
  /** Text that is not yet in the chunk. */
  #text = "";
  #offset = 0;
  /** Bytes in flight; 0 if none. */
  #writing = 0;
  /** Why nothing more can be written. */
  #error: Win32Error | null = null;

  /**
   * Makes the file, or empties it.
   *
   * @throws {Win32Error} if it cannot be opened for writing.
   */
  constructor(path: string | URL) {
    this.#file = FileHandle.open(path, { write: true, create: true, truncate: true });
    this.#port = new CompletionPort({ concurrency: 1 });
    this.#port.associate(this.#file, 0);
    this.#chunk = NativeBuffer.allocate(CHUNK_BYTES);
  }

  /** Whether what was handed over is written, so that more will not pile up. */
  get isReady(): boolean {
    this.#advance(0);
    return this.#writing === 0 && this.#text === "";
  }

  /** Adds text at the end. */
  write(text: string): void {
    this.#text += text;
    this.#advance(0);
  }

  /** Waits until all is written, and closes. Returns why not all of it could be. */
  close(): Win32Error | null {
    while (this.#writing > 0 || this.#text !== "") this.#advance(Infinity);
    try {
      this.#file.close();
    } catch (error) {
      // What was written before is lost, which only the closing may tell.
      if (!(error instanceof Win32Error)) throw error;
      this.#error ??= error;
    }
    this.#port.close();
    this.#chunk.free();
    return this.#error;
  }

  /** Takes the packet of the last write, if it comes in time, and starts the next. */
  #advance(timeoutMs: number): void {
    if (this.#writing > 0) {
      const packet = this.#port.get(timeoutMs);
      if (packet === null) return;
      this.#error ??= packet.error;
      this.#offset += this.#writing;
      this.#writing = 0;
    }
    if (this.#error !== null) this.#text = "";
    if (this.#text === "") return;
    const { read, written } = new TextEncoder().encodeInto(this.#text, this.#chunk.bytes);
    this.#text = this.#text.slice(read);
    this.#file.write(this.#chunk.subarray(0, written), this.#offset);
    this.#writing = written;
  }
}
