/**
 * Parts of a file: the field Range, as RFC 9110 has it in 14.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";

/** Bytes of a file that lie together. */
export interface Part {
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * The part of a file of `size` bytes that `range` asks for. `null`: the whole, also for what cannot
 * be understood and for several parts at once, as a server may.
 *
 * @throws {Refusal} 416 if no byte of it is there.
 */
export function readRange(range: string, size: number): Part | null {
  const parts = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range);
  if (parts === null) return null;
  const [first, last] = [parts[1], parts[2]];
  if (first === "") {
    if (last === "") return null;
    const byteLength = Math.min(Number(last), size);
    if (byteLength === 0) throw unsatisfiable(size);
    return { offset: size - byteLength, byteLength };
  }
  const offset = Number(first);
  if (last !== "" && Number(last) < offset) return null;
  if (offset >= size) throw unsatisfiable(size);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  return { offset, byteLength: end - offset };
}

function unsatisfiable(size: number): Refusal {
  return new Refusal(416, `the file has ${size} bytes`, { "Content-Range": `bytes */${size}` });
}
