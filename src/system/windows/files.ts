/**
 * Files on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import type { FileSystem, Outcome } from "../contract.ts";
import { answer, failure, handleWord, started, success, wideString } from "./last-error.ts";

const INVALID_HANDLE = 0xFFFFFFFFFFFFFFFFn;
const NOTHING = word(0);
const FILE_END_OF_FILE_INFO = 6;

/** FILE_END_OF_FILE_INFO; GetFileSizeEx fills the same eight bytes. */
function largeInteger(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(8));
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes;
}

/** Windows refuses paths over 260 characters unless they are written like this. */
function longPath(path: string): string {
  if (path.length < 248 || path.startsWith("\\\\?\\") || !/^[A-Za-z]:[\\/]/.test(path)) return path;
  return `\\\\?\\${path.replaceAll("/", "\\")}`;
}

/** The contract's functions for files. */
export const files: FileSystem = {
  createFile(path, access, share, disposition, flags, _mode): Outcome {
    const k = kernel32();
    const wide = wideString(longPath(path));
    const file = k.CreateFileW(
      wide,
      access >>> 0,
      share,
      NOTHING,
      disposition,
      flags >>> 0,
      NOTHING,
    );
    const error = k.GetLastError();
    return BigInt(file) === INVALID_HANDLE ? failure(error) : success(Number(file));
  },
  readFile: (file, buffer, byteLength, overlapped) => {
    const k = kernel32();
    return started(
      k.ReadFile(handleWord(file), word(buffer), byteLength, NOTHING, word(overlapped)),
      k.GetLastError(),
    );
  },
  writeFile: (file, buffer, byteLength, overlapped) => {
    const k = kernel32();
    return started(
      k.WriteFile(handleWord(file), word(buffer), byteLength, NOTHING, word(overlapped)),
      k.GetLastError(),
    );
  },
  getFileSizeEx(file: number): Outcome {
    const size = largeInteger(0);
    const k = kernel32();
    const error = answer(k.GetFileSizeEx(handleWord(file), size), k.GetLastError());
    if (error !== 0) return failure(error);
    return success(Number(new DataView(size.buffer).getBigInt64(0, true)));
  },
  setEndOfFile(file: number, size: number): Outcome {
    const info = largeInteger(size);
    const k = kernel32();
    const code = answer(
      k.SetFileInformationByHandle(handleWord(file), FILE_END_OF_FILE_INFO, info, 8),
      k.GetLastError(),
    );
    return { code, value: 0, errno: 0 };
  },
  flushFileBuffers(file: number): Outcome {
    const k = kernel32();
    const code = answer(k.FlushFileBuffers(handleWord(file)), k.GetLastError());
    return { code, value: 0, errno: 0 };
  },
};
