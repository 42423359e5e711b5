/**
 * The memory of a directory handle: from the first time that somebody asks for
 * changes until the handle is closed. Under the lock of the handle's port.
 *
 * @module
 */

import { allocate, BYTES, D_ADDRESS, FIRST_NAME_BYTES, FIRST_SLOTS } from "./folder-layout.ts";
import { Folders } from "./folders.ts";
import * as layout from "./layout.ts";
import { virtualFree } from "./process-memory.ts";
import { region } from "./region.ts";
import { readAddress, writeAddress } from "./requests.ts";

const shown: (Folders | undefined)[] = [];

/** What is kept of the handle; `null` if nothing is, because nobody has asked for changes yet. */
export function foldersOf(handle: number): Folders | null {
  const address = readAddress(region().words, handle + D_ADDRESS);
  if (address === 0) return null;
  const place = (handle - layout.HANDLES) / layout.HANDLE_WORDS;
  const known = shown[place];
  if (known !== undefined && known.isCurrent(address)) return known;
  while (shown.length <= place) shown.push(undefined);
  return shown[place] = new Folders(handle, address);
}

/** Begins to keep something of the handle; `null` if memory is short. */
export function openFolders(handle: number): Folders | null {
  const address = allocate(FIRST_SLOTS, FIRST_NAME_BYTES);
  if (address !== 0) writeAddress(region().words, handle + D_ADDRESS, address);
  return foldersOf(handle);
}

/** Gives all memory of the handle back. */
export function closeFolders(handle: number): void {
  const folders = foldersOf(handle);
  if (folders === null) return;
  writeAddress(region().words, handle + D_ADDRESS, 0);
  virtualFree(folders.address, folders.words[BYTES]);
}
