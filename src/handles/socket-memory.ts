/**
 * Bytes of annexes: what sockets write there and read from there.
 *
 * @module
 */

import { setWord, wordAt } from "../core/annex.ts";

/** Writes `bytes` to memory of an annex; `address` is a multiple of 4, and its last word is all theirs. */
export function writeBytes(address: number, bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
    setWord(address + at, word);
  }
}

/** A copy of `byteLength` bytes of an annex; `address` is a multiple of 4. */
export function readBytes(address: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(new ArrayBuffer(Math.ceil(byteLength / 4) * 4));
  for (let at = 0; at < words.length; at++) words[at] = wordAt(address + at * 4);
  return new Uint8Array(words.buffer, 0, byteLength);
}
