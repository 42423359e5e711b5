/**
 * Renames, of which inotify(7) tells in two halves: from where, and right behind
 * it, if anybody watches there, to where.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import * as records from "./change-records.ts";
import {
  BEGIN,
  E_COOKIE,
  E_LENGTH,
  E_MASK,
  E_NAME,
  END,
  ENTRIES,
  EVENTS,
  EVENTS_BYTES,
  F_FLAGS,
  F_WATCH,
  RECURSIVE,
  WATCHED,
} from "./folder-layout.ts";
import { chainOf, pathOf } from "./folder-paths.ts";
import type { Folders } from "./folders.ts";
import * as inotify from "./inotify.ts";
import { isWanted, nameLength, type Output, report, takeFound } from "./output.ts";
import { forgetNamed, place, rename, watchNamed } from "./scan.ts";

/** Events looked at for the second half of a rename; the kernel queues the two one behind the other. */
const PARTNER_WITHIN = 32;
/** Room for events below which no more are read behind those that are there. */
const ROOM_TO_READ = 8192;

/** The first half of a rename, or of a move to where nobody looks. */
export function moved(output: Output, slot: number, isFolder: boolean): boolean {
  const { folders, fd } = output;
  const partner = findPartner(output, slot);
  // Events may have been moved to make room for more.
  const { words } = folders;
  const begin = EVENTS + words[BEGIN] + E_NAME;
  const length = nameLength(folders, begin);
  const target = partner === 0 ? 0 : folders.byWatch(words[partner >>> 2]);
  if (target !== 0) return renamed(output, slot, begin, length, target, partner, isFolder);
  const isReported = isWanted(folders, isFolder);
  if (isReported && !report(output, records.REMOVED, slot, begin, length)) return false;
  takeFound(folders, slot, begin, length);
  if (isFolder) forgetNamed(folders, fd, slot, begin, length);
  return true;
}

/**
 * A rename. From one folder to another Windows calls it a removal and an addition. So do we where
 * it is not sure which folder was renamed: whoever reads then forgets what was in it.
 */
function renamed(
  output: Output,
  slot: number,
  begin: number,
  length: number,
  target: number,
  partner: number,
  isFolder: boolean,
): boolean {
  const { folders, records: into } = output;
  const to = partner + E_NAME;
  const toLength = nameLength(folders, to);
  const isFollowed = isFolder && folders.words[RECURSIVE] !== 0;
  const known = isFollowed ? whichMoved(output, slot, begin, length, target, to, toLength) : 0;
  if (isWanted(folders, isFolder)) {
    const there = folders.expectsFound() ? folders.byName(target, to, toLength) : 0;
    // A folder that is put over an empty one has something in it that was not found there.
    const isKnown = there !== 0 && !isFolder && folders.isFound(there);
    const isSame = slot === target && !isKnown && (!isFollowed || known !== 0);
    const [first, second] = isSame
      ? [records.RENAMED_OLD_NAME, records.RENAMED_NEW_NAME]
      : [records.REMOVED, records.ADDED];
    const mark = into.mark();
    const fits = report(output, first, slot, begin, length) &&
      (isKnown || report(output, second, target, to, toLength));
    if (!fits) {
      into.rewind(mark);
      return false;
    }
  }
  folders.words[partner + E_MASK >>> 2] = 0;
  takeFound(folders, slot, begin, length);
  takeFound(folders, target, to, toLength);
  if (!isFollowed) return true;
  if (known === 0) {
    forgetNamed(folders, output.fd, slot, begin, length);
    place(output, target, to, toLength);
  } else {
    rename(folders, known, target, to, toLength);
    // It was told as added, and begins empty for whoever reads.
    if (slot !== target) folders.scanLater(known, false);
  }
  return true;
}

/**
 * The slot of the folder that was renamed, which keeps its watches; 0 if that is not sure: the one
 * that has the old name may have been found under it before the event that will tell of it.
 */
function whichMoved(
  { folders, fd }: Output,
  slot: number,
  begin: number,
  length: number,
  target: number,
  to: number,
  toLength: number,
): number {
  const known = folders.byName(slot, begin, length);
  if (known === 0 || folders.byName(slot, begin, length, known) !== 0) return 0;
  // A file that was found where the folder had been: its slot goes as soon as that is forgotten.
  if ((folders.get(known, F_FLAGS) & WATCHED) === 0) return 0;
  const watch = watchNamed(folders, fd, target, to, toLength);
  // If nothing is there any more, another event will tell where it is.
  return watch < 0 || watch === folders.get(known, F_WATCH) ? known : 0;
}

/** The event that says where to, if it is there by now; 0 if not. */
function findPartner(output: Output, slot: number): number {
  const { folders } = output;
  const { words } = folders;
  const cookie = words[EVENTS + words[BEGIN] + E_COOKIE >>> 2];
  let offset = E_NAME + words[EVENTS + words[BEGIN] + E_LENGTH >>> 2];
  let hasSettled = false;
  for (let count = 0; count < PARTNER_WITHIN;) {
    const at = EVENTS + words[BEGIN] + offset;
    if (words[BEGIN] + offset < words[END]) {
      const isTo = (words[at + E_MASK >>> 2] & inotify.IN_MOVED_TO) !== 0;
      if (isTo && words[at + E_COOKIE >>> 2] === cookie) return at;
      offset += E_NAME + words[at + E_LENGTH >>> 2];
      count++;
    } else if (!readMore(output)) {
      if (hasSettled) return 0;
      settle(folders, slot);
      hasSettled = true;
    }
  }
  return 0;
}

/** Reads more events behind those that are there. False if there are none, or no room. */
function readMore({ folders, fd }: Output): boolean {
  const { words, bytes } = folders;
  bytes.copyWithin(EVENTS, EVENTS + words[BEGIN], EVENTS + words[END]);
  words[END] -= words[BEGIN];
  words[BEGIN] = 0;
  const room = EVENTS_BYTES - words[END];
  if (room < ROOM_TO_READ) return false;
  const count = inotify.readEvents(fd, folders.address + EVENTS + words[END], room);
  if (count <= 0) return false;
  words[END] += count;
  return true;
}

/**
 * Waits until a rename out of this folder that has told its first half has told
 * the other: the kernel keeps the folder locked meanwhile, and listing it takes the lock.
 */
function settle(folders: Folders, slot: number): void {
  const chain = chainOf(folders, slot);
  const path = chain === null ? null : pathOf(folders, chain);
  const fd = path === null ? -1 : inotify.openFolder(path, false);
  if (fd < 0) return;
  inotify.listFolder(fd, folders.address + ENTRIES, 1024);
  libc().close(fd);
}
