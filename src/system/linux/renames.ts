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
  F_WATCH,
  RECURSIVE,
} from "./folder-layout.ts";
import { chainOf, pathOf, slotsWithin } from "./folder-paths.ts";
import type { Folders } from "./folders.ts";
import * as inotify from "./inotify.ts";
import { isWanted, nameLength, type Output, report, takeFound } from "./output.ts";
import { forgetWithin, place, rename, watchNamed } from "./scan.ts";

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
  const known = isFolder ? folders.byName(slot, begin, length) : 0;
  if (known !== 0) forgetWithin(folders, fd, slotsWithin(folders, known));
  return true;
}

/** A rename; from one folder to another Windows calls it a removal and an addition. */
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
  if (isWanted(folders, isFolder)) {
    const known = folders.expectsFound() ? folders.byName(target, to, toLength) : 0;
    // A folder that is put over an empty one has something in it that was not found there.
    const isKnown = known !== 0 && !isFolder && folders.isFound(known);
    const isSame = slot === target && !isKnown;
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
  if (isFolder && folders.words[RECURSIVE] !== 0) {
    follow(output, slot, begin, length, target, to, toLength);
  }
  return true;
}

/** A folder was renamed: if it is the one we know, it keeps its watches. */
function follow(
  output: Output,
  slot: number,
  begin: number,
  length: number,
  target: number,
  to: number,
  toLength: number,
): void {
  const { folders, fd } = output;
  const known = folders.byName(slot, begin, length);
  if (known === 0) return place(output, target, to, toLength);
  const watch = watchNamed(folders, fd, target, to, toLength);
  const isOther = watch >= 0 && watch !== folders.get(known, F_WATCH);
  if (isOther) place(output, target, to, toLength);
  else rename(folders, known, target, to, toLength);
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
