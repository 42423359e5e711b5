/**
 * Where the changes of a directory handle go, and what is asked for.
 *
 * @module
 */

import { FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME } from "../codes.ts";
import type { ChangeRecords } from "./change-records.ts";
import { ERROR, FILTER, LOST, LOST_CHANGES } from "./folder-layout.ts";
import type { Prefix } from "./folder-paths.ts";
import type { Folders } from "./folders.ts";

/** Where the changes of one handle go. */
export interface Output {
  readonly folders: Folders;
  /** The inotify instance. */
  readonly fd: number;
  readonly records: ChangeRecords;
  readonly prefix: Prefix;
}

/** Something cannot be watched: whoever reads is told. */
export function fail(folders: Folders, reason: number): void {
  folders.words[ERROR] = reason;
}

/** Changes may have been missed: the directory is looked at anew, and whoever reads is told. */
export function lose(folders: Folders): void {
  folders.words[LOST] = LOST_CHANGES;
}

/** Adds the record of a change; false if there is no room. What happened elsewhere by now is left out. */
export function report(
  { folders, records, prefix }: Output,
  action: number,
  folder: number,
  begin: number,
  length: number,
): boolean {
  if (!prefix.show(folders, folder)) return true;
  return records.add(action, prefix.units, prefix.length, folders.bytes, begin, length);
}

/** The length of a name that ends with a NUL. */
export function nameLength({ bytes }: Folders, begin: number): number {
  let end = begin;
  while (bytes[end] !== 0) end++;
  return end - begin;
}

/** Whether it was asked for that files, or folders, come and go. */
export function isWanted({ words }: Folders, isFolder: boolean): boolean {
  const bit = isFolder ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
  return (words[FILTER] & bit) !== 0;
}

/** Whether this was reported because it was found: from here on it is not found any more. */
export function takeFound(folders: Folders, slot: number, begin: number, length: number): boolean {
  if (!folders.expectsFound()) return false;
  const known = folders.byName(slot, begin, length);
  if (known === 0 || !folders.isFound(known)) return false;
  folders.expected(known);
  return true;
}
