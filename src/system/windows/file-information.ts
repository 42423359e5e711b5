/**
 * What is known of a file beside its bytes: times.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import type { FileChange, FileInformation, FileInformationSystem, Outcome } from "../contract.ts";
import { answer, failure, handleWord, success } from "./last-error.ts";

/** BY_HANDLE_FILE_INFORMATION. */
const INFORMATION_BYTES = 52;
const ACCESSED_AT = 12;
const WRITTEN_AT = 20;
const SIZE_HIGH_AT = 32;
const SIZE_LOW_AT = 36;

/** FILE_BASIC_INFO: four times and the attributes, of which 0 says that it stays. */
const FILE_BASIC_INFO = 0;
const BASIC_INFO_BYTES = 40;
const BASIC_ACCESSED_AT = 8;
const BASIC_WRITTEN_AT = 16;

/** FILETIME counts 100 ns from 1601 on. */
const UNITS_A_MS = 10_000;
const EPOCH_MS = 11_644_473_600_000;

function readTime(fields: DataView, at: number): number {
  const low = fields.getUint32(at, true);
  const high = fields.getUint32(at + 4, true);
  return (high * 0x100000000 + low) / UNITS_A_MS - EPOCH_MS;
}

function writeTime(fields: DataView, at: number, ms: number | undefined): void {
  if (ms === undefined) return;
  fields.setBigInt64(at, BigInt(Math.round((ms + EPOCH_MS) * UNITS_A_MS)), true);
}

function getFileInformationByHandle(file: number, information: FileInformation): Outcome {
  const bytes = new Uint8Array(new ArrayBuffer(INFORMATION_BYTES));
  const k = kernel32();
  const error = answer(k.GetFileInformationByHandle(handleWord(file), bytes), k.GetLastError());
  if (error !== 0) return failure(error);
  const fields = new DataView(bytes.buffer);
  const high = fields.getUint32(SIZE_HIGH_AT, true);
  information.size = high * 0x100000000 + fields.getUint32(SIZE_LOW_AT, true);
  information.mode = 0;
  information.accessedMs = readTime(fields, ACCESSED_AT);
  information.modifiedMs = readTime(fields, WRITTEN_AT);
  return success(0);
}

function setFileInformationByHandle(file: number, change: FileChange): Outcome {
  const bytes = new Uint8Array(new ArrayBuffer(BASIC_INFO_BYTES));
  const fields = new DataView(bytes.buffer);
  writeTime(fields, BASIC_ACCESSED_AT, change.accessedMs);
  writeTime(fields, BASIC_WRITTEN_AT, change.modifiedMs);
  const k = kernel32();
  const code = answer(
    k.SetFileInformationByHandle(handleWord(file), FILE_BASIC_INFO, bytes, BASIC_INFO_BYTES),
    k.GetLastError(),
  );
  return { code, value: 0, errno: 0 };
}

/** The contract's functions for what is known of files. */
export const fileInformation: FileInformationSystem = {
  getFileInformationByHandle,
  setFileInformationByHandle,
};
