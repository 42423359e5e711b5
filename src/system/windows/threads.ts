/**
 * Threads on Windows: each leaves a handle of itself where others find it.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import type { ThreadSystem } from "../contract.ts";

const SYNCHRONIZE = 0x00100000;
const WAIT_OBJECT_0 = 0;

/** The handle in a mark. Handles have 32 significant bits, also in a 64-bit process. */
function handleIn(mark: number): number {
  return wordsAround(mark)[wordIndex(mark)];
}

/** The contract's functions for threads. A mark is the handle of its thread. */
export const threads: ThreadSystem = {
  openThread(mark: number): number {
    const k = kernel32();
    const own = k.GetCurrentThreadId();
    const opened = k.OpenThread(SYNCHRONIZE, 0, own);
    const error = k.GetLastError();
    const handle = Number(opened);
    if (handle === 0) return error;
    wordsAround(mark)[wordIndex(mark)] = handle;
    return 0;
  },
  hasThreadEnded: (mark) =>
    kernel32().WaitForSingleObject(word(handleIn(mark)), 0) === WAIT_OBJECT_0,
  closeThread(mark: number): void {
    kernel32().CloseHandle(word(handleIn(mark)));
  },
};
