/**
 * Plain values as bytes: numbers, strings, booleans, null, undefined, and arrays,
 * plain objects and native buffers of them. What is none of these, or refers to
 * one object twice, is left to the runtime's own structured clone (`values.ts`).
 *
 * @module
 */

import { type BufferToken, NativeBuffer } from "../core/buffer.ts";
import { keepBuffer } from "../core/holds.ts";

const UNDEFINED = 0;
const NULL = 1;
const TRUE = 2;
const FALSE = 3;
const NUMBER = 4;
/** A string of characters below 256, a byte each; and any other, two bytes each. */
const LATIN = 5;
const STRING = 6;
const ARRAY = 7;
const OBJECT = 8;
const BUFFER = 9;
/** A long string, if UTF-8 can hold it. */
const UTF8 = 10;

/** Objects in one value, at most: each is held against all before it. */
const MAX_OBJECTS = 64;

/** Writes one value at a time. */
export class TreeWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(4096));
  #view: DataView<ArrayBuffer> = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #seen: object[] = [];
  /** Native buffers of the last value, each kept once more; whoever has the bytes drops them. */
  readonly buffers: NativeBuffer[] = [];

  /** The value as bytes, which are good until the next call; `null` if it is none of ours. */
  write(value: unknown): Uint8Array<ArrayBuffer> | null {
    this.#at = 0;
    this.#seen.length = 0;
    this.buffers.length = 0;
    const isOurs = this.#value(value);
    this.#seen.length = 0;
    if (!isOurs) {
      this.buffers.length = 0;
      return null;
    }
    for (const { place, token } of this.buffers) keepBuffer(place, token.generation);
    return this.#bytes.subarray(0, this.#at);
  }

  #value(value: unknown): boolean {
    switch (typeof value) {
      case "number":
        this.#tag(NUMBER);
        return this.#number(value);
      case "string":
        return this.#string(value);
      case "boolean":
        return this.#tag(value ? TRUE : FALSE);
      case "undefined":
        return this.#tag(UNDEFINED);
      case "object":
        return value === null ? this.#tag(NULL) : this.#object(value);
      default:
        return false;
    }
  }

  #object(value: object): boolean {
    if (this.#seen.length === MAX_OBJECTS || this.#seen.includes(value)) return false;
    this.#seen.push(value);
    if (value instanceof NativeBuffer) return this.#buffer(value);
    if (Array.isArray(value)) return this.#array(value);
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    const keys = Object.keys(value);
    this.#tag(OBJECT);
    this.#length(keys.length);
    for (const key of keys) {
      // Written to an object, this key would change its prototype.
      if (key === "__proto__") return false;
      this.#string(key);
      if (!this.#value((value as Record<string, unknown>)[key])) return false;
    }
    return true;
  }

  #array(value: unknown[]): boolean {
    this.#tag(ARRAY);
    this.#length(value.length);
    for (let i = 0; i < value.length; i++) {
      if (value[i] === undefined && !(i in value)) return false;
      if (!this.#value(value[i])) return false;
    }
    return true;
  }

  #buffer(buffer: NativeBuffer): boolean {
    const { place, generation, byteOffset, byteLength } = buffer.token;
    if (buffer.isFreed) throw new TypeError("Cannot send the buffer: it has been freed");
    this.buffers.push(buffer);
    this.#tag(BUFFER);
    for (const word of [place, generation, byteOffset, byteLength]) this.#number(word);
    return true;
  }

  #tag(tag: number): true {
    this.#need(1);
    this.#bytes[this.#at++] = tag;
    return true;
  }

  #number(value: number): true {
    this.#need(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
    return true;
  }

  #length(length: number): void {
    this.#need(4);
    this.#view.setUint32(this.#at, length, true);
    this.#at += 4;
  }

  #string(text: string): true {
    const { length } = text;
    // UTF-8 has no halves of pairs of surrogates.
    if (length >= LONG && text.isWellFormed()) return this.#utf8(text);
    this.#tag(LATIN);
    const tag = this.#at - 1;
    this.#length(length);
    this.#need(length * 2);
    const bytes = this.#bytes;
    const start = this.#at;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 255) return this.#wide(text, tag, start);
      bytes[start + i] = unit;
    }
    this.#at += length;
    return true;
  }

  #utf8(text: string): true {
    this.#tag(UTF8);
    this.#need(4 + text.length * 3);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at + 4));
    this.#length(written);
    this.#at += written;
    return true;
  }

  #wide(text: string, tag: number, start: number): true {
    this.#bytes[tag] = STRING;
    for (let i = 0; i < text.length; i++) {
      this.#view.setUint16(start + i * 2, text.charCodeAt(i), true);
    }
    this.#at = start + text.length * 2;
    return true;
  }

  #need(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(
      new ArrayBuffer(Math.max(this.#bytes.length * 2, this.#at + bytes)),
    );
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads what a `TreeWriter` has written. */
export class TreeReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  #at = 0;
  /** Native buffers of the value, each attached here. */
  readonly buffers: NativeBuffer[] = [];

  /** Reads from `bytes`, which must not change meanwhile. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The value. */
  read(): unknown {
    switch (this.#bytes[this.#at++]) {
      case NULL:
        return null;
      case TRUE:
        return true;
      case FALSE:
        return false;
      case NUMBER:
        return this.#number();
      case LATIN:
        return this.#string(1);
      case STRING:
        return this.#string(2);
      case UTF8:
        return this.#utf8();
      case ARRAY:
        return this.#array();
      case OBJECT:
        return this.#object();
      case BUFFER:
        return this.#buffer();
      default:
        return undefined;
    }
  }

  #array(): unknown[] {
    const length = this.#length();
    const array: unknown[] = [];
    for (let i = 0; i < length; i++) array.push(this.read());
    return array;
  }

  #object(): Record<string, unknown> {
    const count = this.#length();
    const object: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      object[this.read() as string] = this.read();
    }
    return object;
  }

  #buffer(): NativeBuffer {
    const [place, generation, byteOffset, byteLength] = [0, 0, 0, 0].map(() => this.#number());
    const token: BufferToken = { kind: "iocp.buffer", place, generation, byteOffset, byteLength };
    const buffer = NativeBuffer.attach(token);
    this.buffers.push(buffer);
    return buffer;
  }

  #number(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  #length(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  #utf8(): string {
    const length = this.#length();
    this.#at += length;
    return decoder.decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  #string(width: 1 | 2): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length * width;
    let text = "";
    for (let i = 0; i < length; i += CHUNK) {
      const units: number[] = [];
      for (let j = i; j < Math.min(i + CHUNK, length); j++) {
        units.push(
          width === 1 ? this.#bytes[start + j] : this.#view.getUint16(start + j * 2, true),
        );
      }
      text += String.fromCharCode(...units);
    }
    return text;
  }
}

/** Strings from this length on are left to the runtime's coders; a shorter one is sooner done here. */
const LONG = 128;

const encoder: TextEncoder = new TextEncoder();
/** A byte order mark is a character like any other. */
const decoder: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Characters made into a string at a time: each is an argument of a call. */
const CHUNK = 4096;
