/**
 * Looking into folders: when a directory is first watched, when a folder has come
 * into one that is, and when events were lost.
 *
 * A folder is watched first and looked into then. What is made in between is
 * both found and told by an event; so what was found is remembered until all
 * events that were there by then have been seen. The kernel tells of a change
 * before it gives the folder's lock back, which listing the folder takes.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { ADDED } from "./change-records.ts";
import { FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME } from "../codes.ts";
import * as errno from "./errno.ts";
import {
  BEGIN,
  END,
  ENTRIES,
  ENTRIES_BYTES,
  ENTRIES_END,
  ENTRY,
  F_FLAGS,
  F_WATCH,
  FILTER,
  FOUND_UNTIL,
  MASK,
  POSITION,
  RECURSIVE,
  ROOT,
  SCAN_FD,
  SCANNING,
  SILENT,
} from "./folder-layout.ts";
import { chainOf, pathOf } from "./folder-paths.ts";
import type { Folders } from "./folders.ts";
import * as inotify from "./inotify.ts";
import { fail, lose, nameLength, type Output, report } from "./output.ts";

/** Nothing is left to look into; the records have no room; enough for one time. */
export const DONE = 0;
export const FULL = 1;
export const MORE = 2;

/** Folders and entries looked at in one go, while the port's lock is held. */
const FOLDERS_AT_ONCE = 64;
const ENTRIES_AT_ONCE = 4096;

// struct linux_dirent64
const D_RECLEN = 16;
const D_TYPE = 18;
const D_NAME = 19;
const DT_UNKNOWN = 0;
const DT_DIR = 4;

/** What a folder that has gone, or may not be watched, or is none, answers: there is nothing in it to be told of. */
const NOT_THERE: readonly number[] = [
  errno.ENOENT,
  errno.ENOTDIR,
  errno.ELOOP,
  errno.EACCES,
  errno.EPERM,
];

/** Goes on looking into the folders that are to be looked into. */
export function scan(output: Output): number {
  const { folders } = output;
  let folderCount = 0;
  for (let entryCount = 0; entryCount < ENTRIES_AT_ONCE;) {
    const { words } = folders;
    if (words[SCANNING] === 0) {
      if (folderCount++ === FOLDERS_AT_ONCE) return MORE;
      const slot = folders.nextToScan();
      if (slot === 0) return DONE;
      openScan(folders, slot);
    } else if (words[ENTRY] === words[ENTRIES_END]) {
      readEntries(output);
    } else {
      const at = ENTRIES + words[ENTRY];
      const length = folders.bytes[at + D_RECLEN] | folders.bytes[at + D_RECLEN + 1] << 8;
      if (!find(output, at + D_NAME, folders.bytes[at + D_TYPE])) return FULL;
      folders.words[ENTRY] += length;
      entryCount++;
    }
  }
  return MORE;
}

function openScan(folders: Folders, slot: number): void {
  const chain = chainOf(folders, slot);
  if (chain === null) return;
  const path = pathOf(folders, chain);
  const fd = path === null ? -errno.ENAMETOOLONG : inotify.openFolder(path, false);
  if (fd < 0) return missing(folders, -fd);
  folders.words[SCAN_FD] = fd + 1;
  folders.words[SCANNING] = slot;
  folders.words[ENTRY] = folders.words[ENTRIES_END] = 0;
}

/** A folder could not be opened or watched. If it is there, what happens in it would be missed. */
function missing(folders: Folders, reason: number): void {
  if (!NOT_THERE.includes(reason)) fail(folders, reason);
}

/** The folder being looked into is done with, or gone. */
export function closeScan(folders: Folders): void {
  const { words } = folders;
  if (words[SCAN_FD] !== 0) libc().close(words[SCAN_FD] - 1);
  words[SCAN_FD] = words[SCANNING] = 0;
  words[ENTRY] = words[ENTRIES_END] = 0;
}

function readEntries({ folders, fd }: Output): void {
  const { words } = folders;
  const scanned = words[SCAN_FD] - 1;
  const count = inotify.listFolder(scanned, folders.address + ENTRIES, ENTRIES_BYTES);
  if (count <= 0) return closeScan(folders);
  words[ENTRY] = 0;
  words[ENTRIES_END] = count;
  words[FOUND_UNTIL] = words[POSITION] + (words[END] - words[BEGIN]) + inotify.queuedBytes(fd) | 0;
}

/** Reports an entry and watches it if it is a folder. False if there is no room to report it. */
function find(output: Output, begin: number, type: number): boolean {
  const { folders } = output;
  const folder = folders.words[SCANNING];
  const length = nameLength(folders, begin);
  if (isDots(folders, begin, length)) return true;
  const isSilent = (folders.get(folder, F_FLAGS) & SILENT) !== 0;
  const known = folders.byName(folder, begin, length);
  const wasFound = known !== 0 && folders.isFound(known);
  const wanted = type === DT_DIR ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
  if (!isSilent && !wasFound && (folders.words[FILTER] & wanted) !== 0) {
    if (!report(output, ADDED, folder, begin, length)) return false;
  }
  const mayBeFolder = type === DT_DIR || type === DT_UNKNOWN;
  const slot = mayBeFolder && folders.words[RECURSIVE] !== 0
    ? watchFound(output, folder, begin, length, isSilent)
    : 0;
  if (isSilent || wasFound || !folders.expectsFound()) return true;
  const found = slot !== 0 ? slot : folders.add(folder, begin, length, 0);
  if (found === 0) lose(folders);
  else folders.found(found);
  return true;
}

/** Watches a folder that was found in another. Returns its slot, or 0 if it is none. */
function watchFound(
  { folders, fd }: Output,
  folder: number,
  begin: number,
  length: number,
  isSilent: boolean,
): number {
  const watch = watchNamed(folders, fd, folder, begin, length);
  if (watch < 0) {
    missing(folders, -watch);
    return 0;
  }
  const known = folders.byWatch(watch);
  if (known === 0) return enter(folders, watch, folder, begin, length, isSilent);
  // A folder that is known at another place is mounted twice, or its move is still to be told.
  const isHere = folders.byName(folder, begin, length) === known;
  if (!isHere && chainOf(folders, known) !== null) return 0;
  if (!isHere && !folders.name(known, folder, begin, length)) lose(folders);
  if (!isHere || !isSilent) folders.scanLater(known, isSilent);
  return known;
}

/** Watches what is called so in a folder, if it is one. Returns its watch, or a negated errno. */
export function watchNamed(
  folders: Folders,
  fd: number,
  folder: number,
  begin: number,
  length: number,
): number {
  const chain = chainOf(folders, folder);
  if (chain === null) return -errno.ENOENT;
  const path = pathOf(folders, chain, begin, length);
  if (path === null) return -errno.ENAMETOOLONG;
  return inotify.addWatch(fd, path, folders.words[MASK] | inotify.IN_DONT_FOLLOW);
}

/** A folder that nobody knew is watched: it is looked into next. Returns its slot, or 0. */
function enter(
  folders: Folders,
  watch: number,
  folder: number,
  begin: number,
  length: number,
  isSilent: boolean,
): number {
  const slot = folders.add(folder, begin, length, watch);
  if (slot === 0) lose(folders);
  else folders.scanLater(slot, isSilent);
  return slot;
}

/** An event has told of a folder: it is watched under its name, and all that is in it reported. */
export function place(
  { folders, fd }: Output,
  folder: number,
  begin: number,
  length: number,
): void {
  const watch = watchNamed(folders, fd, folder, begin, length);
  if (watch < 0) return missing(folders, -watch);
  const known = folders.byWatch(watch);
  if (known === folders.words[ROOT]) return;
  if (known === 0) {
    enter(folders, watch, folder, begin, length, false);
    return;
  }
  if (!folders.name(known, folder, begin, length)) return lose(folders);
  folders.scanLater(known, false);
}

/** Everything above `slot` stays; the folder and all in it are watched no more. */
export function forgetWithin(folders: Folders, fd: number, slots: readonly number[]): void {
  for (const slot of slots) {
    inotify.removeWatch(fd, folders.get(slot, F_WATCH));
    drop(folders, slot);
  }
}

/** The folder is not watched any more. */
export function drop(folders: Folders, slot: number): void {
  if (folders.words[SCANNING] === slot) closeScan(folders);
  folders.drop(slot);
}

function isDots({ bytes }: Folders, begin: number, length: number): boolean {
  return length <= 2 && bytes[begin] === 0x2E && (length === 1 || bytes[begin + 1] === 0x2E);
}
