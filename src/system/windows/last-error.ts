/**
 * Win32 codes and outcomes of kernel32 calls.
 *
 * The last error belongs to the calling thread and is overwritten by calls that the
 * runtime makes for itself, which compiles and collects garbage where a function of JavaScript
 * begins or returns. (Seen in Deno: a VerifyVersionInfo of the engine's own left 1150.) So
 * GetLastError is the very next call behind the one that has set it, with no function
 * between, and is asked whatever that has answered: `answer(k.CloseHandle(h), k.GetLastError())`.
 *
 * @module
 */

import { word } from "../../ffi/library.ts";
import type { Word } from "../../ffi/signature.ts";
import { ERROR_IO_PENDING, ERROR_MORE_DATA } from "../codes.ts";
import type { Outcome } from "../contract.ts";

/** 0 for a call that has answered TRUE, else the code it has set; `error`: see above. */
export function answer(bool: number, error: number): number {
  return bool !== 0 ? 0 : error;
}

/**
 * The result of a start: TRUE and ERROR_IO_PENDING both mean that a packet comes
 * (66), and so does ERROR_MORE_DATA, which is a warning (67).
 */
export function started(bool: number, error: number): number {
  return bool !== 0 || error === ERROR_MORE_DATA ? ERROR_IO_PENDING : error;
}

/** An outcome with a value. */
export function success(value: number): Outcome {
  return { code: 0, value, errno: 0 };
}

/** The outcome with this code. */
export function failure(code: number): Outcome {
  return { code, value: 0, errno: 0 };
}

/** A number that no handle has: handles are multiples of 4. */
const NO_HANDLE = word(3);

/**
 * A handle as it crosses to C. What is no handle's number crosses as one that is
 * none: not as 0 or -1, which mean things of their own, nor as an error of ours.
 */
export function handleWord(handle: number): Word {
  return Number.isSafeInteger(handle) && handle >= 0 ? word(handle) : NO_HANDLE;
}

/** A path or name as Windows takes it. The caller has refused NUL characters. */
export function wideString(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer((text.length + 1) * 2));
  const units = new Uint16Array(bytes.buffer);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  return bytes;
}
