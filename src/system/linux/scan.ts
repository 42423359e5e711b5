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
  D_ROOT,
  END,
  ENTRIES,
  ENTRIES_BYTES,
  ENTRIES_END,
  ENTRY,
  F_FLAGS,
  F_WATCH,
  FILTER,
  FOUND_UNTIL,
  HAS_STRAYS,
  MASK,
  POSITION,
  RECURSIVE,
  ROOT,
  SCAN_FD,
  SCANNING,
  SILENT,
  STRAY,
  USED,
  WATCHED,
} from "./folder-layout.ts";
import { chainOf, pathIn, pathOf } from "./folder-paths.ts";
import { slotsWithin } from "./folder-tree.ts";
import type { Folders } from "./folders.ts";
import * as inotify from "./inotify.ts";
import { fail, lose, nameLength, type Output, report } from "./output.ts";
import { region } from "./region.ts";

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

const DOT: Uint8Array<ArrayBuffer> = errno.cString(".");

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
      openScan(output, slot);
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

function openScan({ folders, fd }: Output, slot: number): void {
  const opened = openSlot(folders, fd, slot);
  if (opened < 0) return;
  folders.words[SCAN_FD] = opened + 1;
  folders.words[SCANNING] = slot;
  folders.words[ENTRY] = folders.words[ENTRIES_END] = 0;
}

/**
 * Opens a folder where it should be. If another one is there by now, or none, an
 * event will tell where it is: it is looked into then. Returns its descriptor, or -1.
 */
function openSlot(folders: Folders, fd: number, slot: number): number {
  const chain = chainOf(folders, slot);
  if (chain === null) return -1;
  const path = pathOf(folders, chain);
  const opened = path === null ? -errno.ENAMETOOLONG : inotify.openFolder(path, false);
  if (opened >= 0) {
    // Adds nothing to the watch that the folder has.
    const mask = inotify.IN_ONLYDIR | inotify.IN_DELETE;
    const watch = inotify.addWatch(fd, pathIn(opened, DOT, 0, 1), mask);
    if (watch === folders.get(slot, F_WATCH)) return opened;
    if (watch >= 0 && folders.byWatch(watch) === 0) inotify.removeWatch(fd, watch);
    libc().close(opened);
  }
  missing(folders, opened < 0 ? -opened : errno.ENOENT);
  folders.mark(slot, STRAY, true);
  folders.words[HAS_STRAYS] = 1;
  return -1;
}

/** A folder has got another name: those that were not where they should be may be found by it. */
function findStrays(folders: Folders): void {
  const { words } = folders;
  if (words[HAS_STRAYS] === 0) return;
  words[HAS_STRAYS] = 0;
  for (let slot = 1; slot <= words[USED]; slot++) {
    const flags = folders.get(slot, F_FLAGS);
    if ((flags & STRAY) === 0) continue;
    folders.mark(slot, STRAY, false);
    if ((flags & WATCHED) !== 0) folders.scanLater(slot, (flags & SILENT) !== 0);
  }
}

/** A folder could not be opened, read or watched. If it is there, what is in it would be missed. */
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
  if (count <= 0) {
    // Looking again would come to the same: it is an error, and not a loss, that is told.
    if (count < 0) missing(folders, -count);
    return closeScan(folders);
  }
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
  const wanted = type === DT_DIR ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
  if (!isSilent && (folders.words[FILTER] & wanted) !== 0) {
    if (!report(output, ADDED, folder, begin, length)) return false;
  }
  const mayBeFolder = type === DT_DIR || type === DT_UNKNOWN;
  const slot = mayBeFolder && folders.words[RECURSIVE] !== 0
    ? watchFound(output, folder, begin, length, isSilent)
    : 0;
  if (isSilent || !folders.expectsFound()) return true;
  const known = slot !== 0 ? slot : folders.byName(folder, begin, length);
  const found = known !== 0 ? known : folders.add(folder, begin, length, 0);
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
  const watch = watchIn(folders, fd, folders.words[SCAN_FD] - 1, begin, length);
  if (watch < 0) {
    missing(folders, -watch);
    return 0;
  }
  const known = folders.byWatch(watch);
  if (known === 0) return enter(folders, watch, folder, begin, length, isSilent);
  // One that holds this folder is mounted in itself.
  if (chainOf(folders, folder)?.includes(known) || known === folders.words[ROOT]) return 0;
  // It may have come from another place before this one was watched: nobody will tell of it again.
  const isHere = folders.byName(folder, begin, length) === known;
  if (!isHere) rename(folders, known, folder, begin, length);
  if (!isSilent) folders.scanLater(known, false);
  return known;
}

/** Watches what is called so in the folder open as `opened`, if it is one. Returns its watch, or a negated errno. */
function watchIn(
  folders: Folders,
  fd: number,
  opened: number,
  begin: number,
  length: number,
): number {
  const path = pathIn(opened, folders.bytes, begin, length);
  return inotify.addWatch(fd, path, folders.words[MASK] | inotify.IN_DONT_FOLLOW);
}

/** The same in a folder that is watched; -ENOENT also if that is not where it should be. */
export function watchNamed(
  folders: Folders,
  fd: number,
  folder: number,
  begin: number,
  length: number,
): number {
  if (folder === folders.words[ROOT]) {
    return watchIn(folders, fd, region().words[folders.handle + D_ROOT] - 1, begin, length);
  }
  const opened = openSlot(folders, fd, folder);
  if (opened < 0) return -errno.ENOENT;
  const watch = watchIn(folders, fd, opened, begin, length);
  libc().close(opened);
  return watch;
}

/** A folder is called so in another one from now on. */
export function rename(
  folders: Folders,
  slot: number,
  folder: number,
  begin: number,
  length: number,
): void {
  if (!folders.name(slot, folder, begin, length)) lose(folders);
  findStrays(folders);
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
  rename(folders, known, folder, begin, length);
  folders.scanLater(known, false);
}

/**
 * What was called so in a folder is not there any more, and neither it nor what is in it is
 * watched. More than one may be called so: one that an event has told of, and one that was found
 * under its name before the event that will tell of it. That event will have it watched again.
 */
export function forgetNamed(
  folders: Folders,
  fd: number,
  folder: number,
  begin: number,
  length: number,
): void {
  for (;;) {
    const known = folders.byName(folder, begin, length);
    if (known === 0) return;
    for (const slot of slotsWithin(folders, known)) forget(folders, fd, slot);
    if (folders.byName(folder, begin, length) === known) forget(folders, fd, known);
  }
}

function forget(folders: Folders, fd: number, slot: number): void {
  const isWatched = (folders.get(slot, F_FLAGS) & WATCHED) !== 0;
  if (isWatched) inotify.removeWatch(fd, folders.get(slot, F_WATCH));
  drop(folders, slot);
}

/** The folder is not watched any more. */
export function drop(folders: Folders, slot: number): void {
  if (folders.words[SCANNING] === slot) closeScan(folders);
  folders.drop(slot);
}

function isDots({ bytes }: Folders, begin: number, length: number): boolean {
  return length <= 2 && bytes[begin] === 0x2E && (length === 1 || bytes[begin + 1] === 0x2E);
}
