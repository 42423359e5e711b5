/**
 * Native memory seen as typed arrays. Reserving and releasing it is the
 * system's work (`virtualAlloc`, `virtualFree`).
 *
 * Views are plain `ArrayBuffer`s over memory that other threads write to as
 * well. `Atomics` are really atomic on them in both runtimes; only
 * `Atomics.wait` and `notify` need shared buffers and are not used.
 *
 * @module
 */

import { runtime } from "./runtime.ts";

/** Bytes one window covers; a power of two. */
const WINDOW = 4 * 1024 * 1024;

/** Further bytes a window shows, so that a structure may cross its end. */
const WINDOW_OVERLAP = 4096;

const windows: Map<number, Uint32Array<ArrayBuffer>> = new Map();
/** Windows that were used lately, each in the one slot that its base gives: operations go to and fro between a few. */
const SLOTS = 64;
const slotBases: number[] = new Array<number>(SLOTS).fill(-1);
const slotWindows: Uint32Array<ArrayBuffer>[] = new Array<Uint32Array<ArrayBuffer>>(SLOTS).fill(
  new Uint32Array(0),
);
let lastBase = -1;
let lastWindow: Uint32Array<ArrayBuffer> = new Uint32Array(0);

/**
 * A view of `byteLength` bytes at `address`. The caller makes sure that the
 * memory stays mapped while the view is used.
 */
export function view(address: number, byteLength: number): ArrayBuffer {
  return runtime.view(address, byteLength);
}

/**
 * Makes every typed array over `buffer` empty, so that what is kept of it by
 * mistake reads as length 0 and not as freed memory.
 */
export function detach(buffer: ArrayBuffer): void {
  buffer.transfer();
}

/**
 * The 32-bit words around `address`; {@linkcode wordIndex} says which one is at
 * it. A window is an address range, not an allocation: only words that the
 * caller knows to be mapped may be touched.
 */
export function wordsAround(address: number): Uint32Array<ArrayBuffer> {
  const base = Math.floor(address / WINDOW) * WINDOW;
  return base === lastBase ? lastWindow : openWindow(base);
}

/** The index of the word at `address` in the array of {@linkcode wordsAround}. */
export function wordIndex(address: number): number {
  return (address - Math.floor(address / WINDOW) * WINDOW) >>> 2;
}

function openWindow(base: number): Uint32Array<ArrayBuffer> {
  const slot = base / WINDOW & SLOTS - 1;
  let window = slotBases[slot] === base ? slotWindows[slot] : windows.get(base);
  if (window === undefined) {
    // The first window would begin at address 0, which runtimes refuse to view.
    if (base === 0) throw new RangeError("Cannot view memory below 4 MiB");
    window = new Uint32Array(view(base, WINDOW + WINDOW_OVERLAP));
    windows.set(base, window);
  }
  slotBases[slot] = base;
  slotWindows[slot] = window;
  lastBase = base;
  lastWindow = window;
  return window;
}
