/**
 * Changes as Windows writes them: FILE_NOTIFY_INFORMATION, one record behind the
 * other, in the memory of whoever asked.
 *
 * @module
 */

import { view } from "../../ffi/memory.ts";

/** What a record says has happened: FILE_ACTION_…. */
export const ADDED = 1;
export const REMOVED = 2;
export const MODIFIED = 3;
export const RENAMED_OLD_NAME = 4;
export const RENAMED_NEW_NAME = 5;

/** NextEntryOffset, Action, FileNameLength: then the name. */
const NAME = 12;
/** The longest name of a file in bytes of UTF-8: NAME_MAX, or 255 units where that is how they are counted. */
const MAX_NAME = 1023;

/** A name in UTF-16; of one thread, used at once. */
const units: Uint16Array<ArrayBuffer> = new Uint16Array(MAX_NAME + 1);
const decoder = new TextDecoder();

/** Decodes UTF-8 to `into` from `at` on; returns where it ends. What is not UTF-8 becomes U+FFFD. */
export function decodeName(
  into: Uint16Array<ArrayBuffer>,
  at: number,
  bytes: Uint8Array<ArrayBuffer>,
  begin: number,
  length: number,
): number {
  for (let i = 0; i < length; i++) {
    const byte = bytes[begin + i];
    if (byte >= 0x80) return decodeSlowly(into, at, bytes.slice(begin, begin + length));
    into[at + i] = byte;
  }
  return at + length;
}

function decodeSlowly(
  into: Uint16Array<ArrayBuffer>,
  at: number,
  bytes: Uint8Array<ArrayBuffer>,
): number {
  const text = decoder.decode(bytes);
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Where records are written; the memory must stay while this is used. */
export class ChangeRecords {
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #units: Uint16Array<ArrayBuffer>;
  readonly #capacity: number;
  /** Where the last record begins and where it ends. */
  #last = -1;
  #end = 0;

  /** The `byteLength` bytes at `address`, a multiple of 4. */
  constructor(address: number, byteLength: number) {
    const usable = byteLength - byteLength % 4;
    const memory = usable === 0 ? new ArrayBuffer(0) : view(address, usable);
    this.#words = new Int32Array(memory);
    this.#units = new Uint16Array(memory);
    this.#capacity = usable;
  }

  /** Bytes written; the last record is not padded. */
  get byteLength(): number {
    return this.#end;
  }

  /**
   * Adds a record: the name is `folderLength` units of `folder`, then `length`
   * bytes of UTF-8. False if there is no room for it.
   */
  add(
    action: number,
    folder: Uint16Array<ArrayBuffer>,
    folderLength: number,
    bytes: Uint8Array<ArrayBuffer>,
    begin: number,
    length: number,
  ): boolean {
    const count = decodeName(units, 0, bytes, begin, length);
    const at = this.#end + 3 & ~3;
    const end = at + NAME + (folderLength + count) * 2;
    if (end > this.#capacity) return false;
    if (this.#last >= 0) this.#words[this.#last >>> 2] = at - this.#last;
    const head = at >>> 2;
    this.#words[head] = 0;
    this.#words[head + 1] = action;
    this.#words[head + 2] = (folderLength + count) * 2;
    const name = at + NAME >>> 1;
    for (let i = 0; i < folderLength; i++) this.#units[name + i] = folder[i];
    for (let i = 0; i < count; i++) this.#units[name + folderLength + i] = units[i];
    this.#last = at;
    this.#end = end;
    return true;
  }

  /** Where it stands, for `rewind`. */
  mark(): { readonly last: number; readonly end: number } {
    return { last: this.#last, end: this.#end };
  }

  /** Takes back what was added since the mark. */
  rewind({ last, end }: { readonly last: number; readonly end: number }): void {
    this.#last = last;
    this.#end = end;
    if (last >= 0) this.#words[last >>> 2] = 0;
  }
}
