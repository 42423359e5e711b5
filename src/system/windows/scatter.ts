/**
 * Transfers of many pages on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import type { ScatterSystem } from "../contract.ts";
import { handleWord, started } from "./last-error.ts";

const NOTHING = word(0);

/** The contract's functions for transfers of many pages. */
export const scatter: ScatterSystem = {
  readFileScatter: (file, segments, byteLength, overlapped) => {
    const k = kernel32();
    return started(
      k.ReadFileScatter(
        handleWord(file),
        word(segments),
        byteLength,
        NOTHING,
        word(overlapped),
      ),
      k.GetLastError(),
    );
  },
  writeFileGather: (file, segments, byteLength, overlapped) => {
    const k = kernel32();
    return started(
      k.WriteFileGather(
        handleWord(file),
        word(segments),
        byteLength,
        NOTHING,
        word(overlapped),
      ),
      k.GetLastError(),
    );
  },
};
