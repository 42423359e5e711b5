/**
 * The contract's part about directories; see `contract.ts`.
 *
 * @module
 */

import type { Outcome } from "./contract.ts";

/** Directories whose changes are read. */
export interface DirectorySystem {
  /**
   * Opens a directory for `readDirectoryChanges`. Not inherited; others may rename
   * and delete it meanwhile. What is no directory: ERROR_DIRECTORY (267).
   * Source: CreateFileW with FILE_LIST_DIRECTORY and FILE_FLAG_BACKUP_SEMANTICS; inotify(7).
   */
  openDirectory(path: string): Outcome;
  /**
   * Starts a read of what has changed, as FILE_NOTIFY_INFORMATION, into memory aligned
   * to 4 bytes. `watchSubtree` and `notifyFilter` count in the handle's first
   * read, from which on changes are kept between reads. A packet of 0 bytes without an error:
   * changes were lost. Source: ReadDirectoryChangesW.
   */
  readDirectoryChanges(
    directory: number,
    buffer: number,
    byteLength: number,
    watchSubtree: boolean,
    notifyFilter: number,
    overlapped: number,
  ): number;
}
