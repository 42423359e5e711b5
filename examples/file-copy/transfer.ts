/**
 * One file on its way from source to target.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { renameSync } from "node:fs";
import {
  type CompletionPort,
  FileHandle,
  type FileInformation,
  type HandleToken,
  type NativeBuffer,
  Win32Error,
} from "../../mod.ts";
import { SECTOR_BYTES } from "./arguments.ts";
import { keepInformation } from "./attributes.ts";
import { cannotCopy, cannotRead, cannotWrite } from "./failure.ts";
import { releasePart, removePart, reservePart } from "./part.ts";
import type { FileItem } from "./plan.ts";

/** Completion keys: which side of a transfer a packet is from. */
export const SOURCE = 1;
export const TARGET = 2;

const ERROR_FILE_EXISTS = 80;
const ERROR_INVALID_PARAMETER = 87;

/** A stretch of the file that one slot works on. */
export interface Block {
  readonly offset: number;
  readonly length: number;
}

/** How files are opened. */
export interface TransferOptions {
  readonly block: number;
  readonly unbuffered: boolean;
  readonly verify: boolean;
}

/**
 * One file on its way: two handles, and which blocks have been given out. It
 * ends by `complete`, which gives the copy its name, or by `abandon`, which
 * leaves nothing of it.
 */
export class Transfer {
  readonly item: FileItem;
  readonly size: number;
  readonly #source: FileHandle;
  readonly #target: FileHandle;
  readonly #part: string;
  readonly #information: FileInformation;
  readonly #options: TransferOptions;
  #isVerifying = false;
  #offset = 0;
  /** Bytes of this pass that are not done yet. */
  #left: number;

  private constructor(
    item: FileItem,
    source: FileHandle,
    target: FileHandle,
    part: string,
    information: FileInformation,
    options: TransferOptions,
  ) {
    this.item = item;
    this.#source = source;
    this.#target = target;
    this.#part = part;
    this.#information = information;
    this.#options = options;
    this.#left = this.size = information.size;
  }

  /** Opens the source and a part beside the target, and ties both to `port`. */
  static open(item: FileItem, port: CompletionPort, options: TransferOptions): Transfer {
    const { information, source } = openSource(item.source, options.unbuffered);
    try {
      const { target, part } = openPart(item.target, options);
      try {
        const transfer = new Transfer(item, source, target, part, information, options);
        transfer.#extend();
        port.associate(source, SOURCE);
        port.associate(target, TARGET);
        return transfer;
      } catch (error) {
        target.close();
        removePart(part);
        throw cannotCopy(item.source, item.target, error);
      }
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** The copy, for the threads that write it. */
  get target(): HandleToken {
    return this.#target.token;
  }

  /** Whether the copy is written and both files are being read back. */
  get isVerifying(): boolean {
    return this.#isVerifying;
  }

  /** Gives out the next block of this pass, at most `length` bytes; `null` at the end. */
  nextBlock(length: number): Block | null {
    const { size } = this;
    if (this.#offset >= size) return null;
    const block = { offset: this.#offset, length: Math.min(length, size - this.#offset) };
    this.#offset += block.length;
    return block;
  }

  /** A block of this pass is done; true if it was the last. */
  blockDone({ length }: Block): boolean {
    this.#left -= length;
    return this.#left === 0;
  }

  /** Begins the second pass, if one is wanted and has not been made. */
  beginVerifying(): boolean {
    if (!this.#options.verify || this.#isVerifying || this.size === 0) return false;
    this.#cut();
    this.#isVerifying = true;
    this.#offset = 0;
    this.#left = this.size;
    return true;
  }

  /** Starts reading a block of the source. */
  read(into: NativeBuffer, { offset, length }: Block, tag: number): void {
    this.#source.read(this.#stretch(into, length), offset, tag);
  }

  /** Starts reading a block of the copy back. */
  readBack(into: NativeBuffer, { offset, length }: Block, tag: number): void {
    this.#target.read(this.#stretch(into, length), offset, tag);
  }

  /** Starts writing a block of the copy. Past the page cache, whole sectors are written. */
  write(from: NativeBuffer, { offset, length }: Block, tag: number): void {
    const stretch = this.#stretch(from, length);
    stretch.bytes.fill(0, length);
    this.#target.write(stretch, offset, tag);
  }

  /** @throws {CopyFailure} if the operation of `key` failed or brought less than the block. */
  check(key: number, error: Win32Error | null, bytes: number, { length }: Block): void {
    const { source, target } = this.item;
    if (error !== null && error.name !== "ERROR_HANDLE_EOF") {
      throw key === SOURCE ? cannotRead(source, error) : cannotWrite(target, error);
    }
    if (bytes >= length) return;
    if (key === SOURCE) throw cannotRead(source, "It shrank while it was read");
    throw cannotWrite(target, "The copy is shorter than what was written");
  }

  /** @throws {CopyFailure} if source and copy differ in the block. */
  compare(one: NativeBuffer, other: NativeBuffer, { offset, length }: Block): void {
    const expected = one.bytes.subarray(0, length);
    const found = other.bytes.subarray(0, length);
    if (Buffer.compare(expected, found) === 0) return;
    const at = offset + expected.findIndex((byte, index) => byte !== found[index]);
    throw cannotCopy(this.item.source, this.item.target, `The copy differs at byte ${at}`);
  }

  /** Closes both files and gives the copy its name. Returns what of mode and times was refused. */
  complete(): string | null {
    const { target } = this.item;
    try {
      this.#cut();
      const refused = keepInformation(this.#target, this.#information);
      this.#source.close();
      this.#target.close();
      renameSync(this.#part, target);
      releasePart(this.#part);
      return refused;
    } catch (error) {
      throw cannotWrite(target, error);
    }
  }

  /** Asks that all operations end. Their packets still come. */
  cancel(): void {
    if (!this.#source.isClosed) this.#source.cancel();
    if (!this.#target.isClosed) this.#target.cancel();
  }

  /** Closes both files and removes the part. */
  abandon(): void {
    this.#source.close();
    try {
      this.#target.close();
    } finally {
      removePart(this.#part);
    }
  }

  /**
   * Gives a file of several blocks its size at once: writes that come in any order
   * need not extend it, which Windows would do one at a time.
   */
  #extend(): void {
    if (this.size > this.#options.block) this.#target.truncate(this.size);
  }

  /** Takes off what whole sectors have written too much. */
  #cut(): void {
    if (this.#options.unbuffered && this.size % SECTOR_BYTES !== 0) {
      this.#target.truncate(this.size);
    }
  }

  /** The part of a slot's buffer that `length` bytes need. */
  #stretch(buffer: NativeBuffer, length: number): NativeBuffer {
    const bytes = this.#options.unbuffered
      ? Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES
      : length;
    return bytes === buffer.byteLength ? buffer : buffer.subarray(0, bytes);
  }
}

interface OpenedSource {
  readonly source: FileHandle;
  /** As they were before the reading, which changes the time of access. */
  readonly information: FileInformation;
}

function openSource(path: string, unbuffered: boolean): OpenedSource {
  let source: FileHandle;
  try {
    source = FileHandle.open(path, { read: true, unbuffered });
  } catch (error) {
    throw cannotRead(path, explained(error, unbuffered));
  }
  try {
    return { information: source.information(), source };
  } catch (error) {
    source.close();
    throw cannotRead(path, error);
  }
}

interface OpenedPart {
  readonly target: FileHandle;
  readonly part: string;
}

/** Makes the part. Until it is whole, only the owner may read it. */
function openPart(path: string, { unbuffered, verify }: TransferOptions): OpenedPart {
  for (;;) {
    const part = reservePart(path);
    const options = { read: verify, write: true, createNew: true, mode: 0o600, unbuffered };
    try {
      return { part, target: FileHandle.open(part, options) };
    } catch (error) {
      if (error instanceof Win32Error && error.code === ERROR_FILE_EXISTS) {
        releasePart(part);
        continue;
      }
      // Linux leaves a file behind where it finds only then that O_DIRECT cannot be had.
      removePart(part);
      throw cannotWrite(path, explained(error, unbuffered));
    }
  }
}

/** The one error of an open that says little by itself. */
function explained(error: unknown, unbuffered: boolean): unknown {
  const isRefused = error instanceof Win32Error && error.code === ERROR_INVALID_PARAMETER;
  return unbuffered && isRefused ? "This file system cannot do --unbuffered" : error;
}
