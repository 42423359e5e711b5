/**
 * Native memory on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import { processId } from "../../ffi/runtime.ts";
import type { MemorySystem, Outcome } from "../contract.ts";
import { answer, failure, success, wideString } from "./last-error.ts";

const MEM_COMMIT_RESERVE = 0x3000;
const MEM_RELEASE = 0x8000;
const PAGE_READWRITE = 4;
const FILE_MAP_ALL_ACCESS = 0xf001f;
/** Views begin at multiples of this, so that an address in these units fits 32 bits. */
const GRANULARITY = 65536;
const INVALID_HANDLE = 0xFFFFFFFFFFFFFFFFn;

/**
 * A name that no other process can know before this one uses it: when the
 * process was made, to 100 ns, and where its heap lies. Somebody else could
 * otherwise make memory of that name first and share ours.
 */
function processName(name: string): string {
  const k = kernel32();
  const times = [8, 8, 8, 8].map((bytes) => new Uint8Array(new ArrayBuffer(bytes)));
  k.GetProcessTimes(k.GetCurrentProcess(), times[0], times[1], times[2], times[3]);
  const created = new DataView(times[0].buffer).getBigUint64(0, true).toString(16);
  const heap = BigInt(k.GetProcessHeap()).toString(16);
  return `Local\\${name}-${processId}-${created}-${heap}`;
}

/**
 * Every thread that maps the memory gets a view of its own, and addresses in it
 * would mean something to that thread alone. So all use the first one, whose
 * address stands behind the memory itself.
 */
function commonAddress(own: number, byteLength: number): number {
  const note = new Int32Array(view(own + byteLength, 4));
  const first = Atomics.compareExchange(note, 0, 0, own / GRANULARITY);
  if (first === 0) return own;
  kernel32().UnmapViewOfFile(word(own));
  return first * GRANULARITY;
}

/** The contract's functions for memory. */
export const memory: MemorySystem = {
  virtualAlloc(byteLength: number): Outcome {
    const k = kernel32();
    const length = word(byteLength);
    const address = k.VirtualAlloc(word(0), length, MEM_COMMIT_RESERVE, PAGE_READWRITE);
    const error = k.GetLastError();
    return Number(address) === 0 ? failure(error) : success(Number(address));
  },
  virtualFree(address: number, _byteLength: number): number {
    const k = kernel32();
    return answer(k.VirtualFree(word(address), word(0), MEM_RELEASE), k.GetLastError());
  },
  mapProcessMemory(name: string, byteLength: number): Outcome {
    const k = kernel32();
    const wide = wideString(processName(name));
    const zero = word(0);
    const bytes = byteLength + GRANULARITY;
    const length = word(bytes);
    const file = k.CreateFileMappingW(INVALID_HANDLE, zero, PAGE_READWRITE, 0, bytes, wide);
    const refusal = k.GetLastError();
    if (Number(file) === 0) return failure(refusal);
    // The handle stays open: the name must be found by threads to come.
    const address = k.MapViewOfFile(file, FILE_MAP_ALL_ACCESS, 0, 0, length);
    const error = k.GetLastError();
    if (Number(address) === 0) return failure(error);
    return success(commonAddress(Number(address), byteLength));
  },
};
