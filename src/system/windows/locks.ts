/**
 * Byte-range locks on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import type { LockSystem } from "../contract.ts";
import { answer, handleWord, started } from "./last-error.ts";

const HIGH = 0x100000000;

/** An OVERLAPPED that only carries an offset, for a call that is over when it returns. */
function positionOf(offset: number): Uint8Array<ArrayBuffer> {
  const overlapped = new Uint8Array(new ArrayBuffer(32));
  new DataView(overlapped.buffer).setBigUint64(16, BigInt(offset), true);
  return overlapped;
}

/** The contract's functions for locks. */
export const locks: LockSystem = {
  lockFileEx: (file, flags, byteLength, overlapped) => {
    const k = kernel32();
    return started(
      k.LockFileEx(
        handleWord(file),
        flags,
        0,
        byteLength % HIGH,
        Math.floor(byteLength / HIGH),
        word(overlapped),
      ),
      k.GetLastError(),
    );
  },
  unlockFileEx: (file, offset, byteLength) => {
    const k = kernel32();
    return answer(
      k.UnlockFileEx(
        handleWord(file),
        0,
        byteLength % HIGH,
        Math.floor(byteLength / HIGH),
        positionOf(offset),
      ),
      k.GetLastError(),
    );
  },
};
