/**
 * The annex of an operation that needs more than one buffer: further buffers
 * that it keeps, and native memory for what the kernel reads or writes beside the
 * data (vectors, addresses). It lives exactly as long as the operation.
 *
 * A short annex is a place of the ledger's table, a long one a buffer of its own.
 * Both begin alike: the number of buffers, their places, then the memory.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../ffi/memory.ts";
import { NativeBuffer } from "./buffer.ts";
import { dropBuffer, keepBuffer } from "./holds.ts";
import {
  ANNEX_WORDS,
  B_ADDRESS,
  GENERATION,
  ledger,
  N_BUFFERS,
  N_COUNT,
  O_ANNEX,
  readNumber,
} from "./ledger.ts";

/** Bytes to the memory of an annex with so many buffers; a multiple of 16. */
function headOf(count: number): number {
  return Math.ceil((N_BUFFERS + count) / 4) * 16;
}

/**
 * Gives the operation at `place` an annex of `byteLength` zeroed bytes, and has it
 * keep `buffers`, which must not be freed. Returns the address of the bytes; a
 * multiple of 16.
 *
 * @throws {RangeError} if too many operations have one.
 * @throws {Win32Error} ERROR_NOT_ENOUGH_MEMORY (8) if a long one cannot be had.
 */
export function openAnnex(
  place: number,
  buffers: readonly NativeBuffer[],
  byteLength: number,
): number {
  const { words, address } = ledger();
  const head = headOf(buffers.length);
  let at: number;
  if (head + byteLength <= ANNEX_WORDS * 4) {
    const annex = ledger().annexes.acquire();
    words.fill(0, annex + N_COUNT, annex + (head + byteLength + 3 >>> 2));
    words[place + O_ANNEX] = annex;
    at = address + annex * 4;
  } else {
    const annex = NativeBuffer.allocate(head + byteLength);
    keepBuffer(annex.place, words[annex.place + GENERATION]);
    words[place + O_ANNEX] = -annex.place;
    at = annex.address;
    annex.free();
  }
  setWord(at + N_COUNT * 4, buffers.length);
  buffers.forEach((buffer, index) => {
    keepBuffer(buffer.place, words[buffer.place + GENERATION]);
    setWord(at + (N_BUFFERS + index) * 4, buffer.place);
  });
  return at + head;
}

/** The address of the bytes of the annex of the operation at `place`; 0 if it has none. */
export function annexOf(place: number): number {
  const at = addressOf(place);
  return at === 0 ? 0 : at + headOf(wordAt(at + N_COUNT * 4));
}

/** Gives the annex back, and what it has kept. */
export function closeAnnex(place: number): void {
  const { words, annexes } = ledger();
  const annex = words[place + O_ANNEX];
  const at = addressOf(place);
  const count = wordAt(at + N_COUNT * 4);
  for (let i = 0; i < count; i++) dropBuffer(wordAt(at + (N_BUFFERS + i) * 4));
  words[place + O_ANNEX] = 0;
  if (annex > 0) annexes.release(annex);
  else dropBuffer(-annex);
}

function addressOf(place: number): number {
  const { words, address } = ledger();
  const annex = words[place + O_ANNEX];
  if (annex === 0) return 0;
  return annex > 0 ? address + annex * 4 : readNumber(words, -annex + B_ADDRESS);
}

/** Writes a word of native memory that the caller has reserved. */
export function setWord(address: number, value: number): void {
  wordsAround(address)[wordIndex(address)] = value;
}

/** Writes an address or another safe integer to two words of it. */
export function setNumber(address: number, value: number): void {
  setWord(address, value);
  setWord(address + 4, Math.floor(value / 0x100000000));
}

/** Reads a word of native memory that the caller has reserved. */
export function wordAt(address: number): number {
  return wordsAround(address)[wordIndex(address)];
}
