/**
 * The contract's part about what is known of a file beside its bytes; see `contract.ts`.
 *
 * @module
 */

import type { Outcome } from "./contract.ts";

/** What is known of a file beside its bytes. */
export interface FileInformation {
  /** Its size in bytes. */
  size: number;
  /** Linux: its permissions, of 0o7777. Windows: 0. */
  mode: number;
  /** When it was last read, in milliseconds since 1970. */
  accessedMs: number;
  /** When it was last written, in milliseconds since 1970. */
  modifiedMs: number;
}

/** What of a file is to be changed; what is absent stays. */
export interface FileChange {
  /** Linux: its permissions, of 0o7777. Ignored on Windows. */
  mode?: number;
  /** When it was last read, in milliseconds since 1970. */
  accessedMs?: number;
  /** When it was last written, in milliseconds since 1970. */
  modifiedMs?: number;
}

/** What is known of files. */
export interface FileInformationSystem {
  /** Fills `information`; blocks for the system call. Source: GetFileInformationByHandle; statx(2). */
  getFileInformationByHandle(file: number, information: FileInformation): Outcome;
  /**
   * Changes what is known of a file that was opened for writing; blocks for the system calls.
   * Source: SetFileInformationByHandle with FileBasicInfo; fchmod(2), futimens(2).
   */
  setFileInformationByHandle(file: number, change: FileChange): Outcome;
}
