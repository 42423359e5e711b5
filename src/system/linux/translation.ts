/**
 * From the events of inotify(7) to the records of ReadDirectoryChangesW.
 *
 * inotify tells of a folder by its number and in the order of the changes, but
 * tells it late: what is found under a name now may have been made after the
 * event that is just being read. Names are therefore kept as the events say,
 * and whatever is put under a name is compared with what is there.
 *
 * @module
 */

import * as records from "./change-records.ts";
import * as errno from "./errno.ts";
import {
  BEGIN,
  D_ROOT,
  E_LENGTH,
  E_MASK,
  E_NAME,
  END,
  ERROR,
  EVENTS,
  EVENTS_BYTES,
  F_FLAGS,
  F_WATCH,
  GONE,
  LOST,
  LOST_CHANGES,
  LOST_NOTHING,
  LOST_RENEWING,
  MASK,
  PARENT_WATCH,
  POSITION,
  RECURSIVE,
  ROOT,
  WATCHED,
} from "./folder-layout.ts";
import { pathOf } from "./folder-paths.ts";
import type { Folders } from "./folders.ts";
import * as inotify from "./inotify.ts";
import { fail, isWanted, lose, nameLength, type Output, report, takeFound } from "./output.ts";
import { region } from "./region.ts";
import { moved } from "./renames.ts";
import { closeScan, DONE, drop, FULL, place, scan, watchNamed } from "./scan.ts";

/** There is more to do before there is something to tell: no count, and no errno. */
export const MORE_TO_DO = 0x7fffffff;

/** Reads of events that come to nothing, before others may have the port. */
const READS_AT_ONCE = 4;
/**
 * Writes records of what has happened: returns their bytes; 0 if changes were
 * lost; `MORE_TO_DO`; -EAGAIN if nothing has happened; another negated errno, -ENOENT
 * if the directory has been deleted.
 */
export function translate(output: Output): number {
  const { folders, fd, records } = output;
  for (let reads = 0; reads < READS_AT_ONCE;) {
    const hasRoom = work(output);
    if (records.byteLength > 0) return records.byteLength;
    // Not one record fits: Windows calls that an overflow too.
    if (!hasRoom) lose(folders);
    const { words } = folders;
    if (words[ERROR] !== 0) return -takeError(folders);
    if (words[LOST] === LOST_CHANGES) beginAnew(output);
    else if (folders.isScanning()) return MORE_TO_DO;
    else if (words[LOST] === LOST_RENEWING) {
      words[LOST] = LOST_NOTHING;
      return 0;
    } else {
      const count = inotify.readEvents(fd, folders.address + EVENTS, EVENTS_BYTES);
      // Its end is told last.
      if (count === 0) return words[GONE] !== 0 ? -errno.ENOENT : -errno.EAGAIN;
      if (count < 0) return count;
      words[BEGIN] = 0;
      words[END] = count;
      reads++;
    }
  }
  return MORE_TO_DO;
}

/** Whether there is something to tell that inotify will not say again. */
export function hasMore(folders: Folders): boolean {
  const { words } = folders;
  return words[BEGIN] !== words[END] || folders.isScanning() ||
    (words[ERROR] | words[LOST] | words[GONE]) !== 0;
}

function takeError({ words }: Folders): number {
  const reason = words[ERROR];
  words[ERROR] = 0;
  return reason;
}

/**
 * Looks into folders and sees to events, until nothing of both is left or
 * something else is to be told. False if there is no room for a record.
 */
function work(output: Output): boolean {
  const { folders } = output;
  for (;;) {
    const { words } = folders;
    if (words[ERROR] !== 0 || words[LOST] === LOST_CHANGES) return true;
    if (folders.isScanning()) {
      const answer = scan(output);
      if (answer !== DONE) return answer !== FULL;
    } else if (words[LOST] === LOST_RENEWING || words[BEGIN] === words[END]) {
      return true;
    } else if (!seeTo(output)) return false;
  }
}

/** Changes were lost: all folders are watched anew, which the next read begins with. */
function beginAnew(output: Output): void {
  const { folders, fd } = output;
  const { words } = folders;
  closeScan(folders);
  words[BEGIN] = words[END] = 0;
  // What has happened until now is told by looking.
  let reads = 0;
  while (reads < 64 && inotify.readEvents(fd, folders.address + EVENTS, EVENTS_BYTES) > 0) reads++;
  folders.clear();
  words[LOST] = begin(output) ? LOST_RENEWING : LOST_CHANGES;
}

/** Watches the directory, and then, by `scan`, the folders in it. False if it cannot be watched. */
export function begin(output: Output): boolean {
  const { folders, fd } = output;
  const { words } = folders;
  const own = inotify.IN_DELETE_SELF | inotify.IN_MOVE_SELF;
  const watch = inotify.addWatch(fd, pathOf(folders, [])!, words[MASK] | own);
  const slot = watch < 0 ? 0 : folders.add(0, 0, 0, watch);
  if (slot === 0) {
    fail(folders, watch < 0 ? -watch : errno.ENOMEM);
    return false;
  }
  words[ROOT] = slot;
  if (words[RECURSIVE] !== 0) folders.scanLater(slot, true);
  watchParent(output);
  return true;
}

/**
 * Watches the folder that the directory lies in: as long as its descriptor is open,
 * a directory itself does not tell that it was deleted.
 */
function watchParent({ folders, fd }: Output): void {
  const { words } = folders;
  const root = region().words[folders.handle + D_ROOT] - 1;
  const mask = inotify.IN_DELETE | inotify.IN_ONLYDIR;
  const watch = inotify.addWatch(fd, errno.cString(`/proc/self/fd/${root}/..`), mask);
  if (watch === -errno.ENOSPC) fail(folders, errno.ENOSPC);
  const before = words[PARENT_WATCH];
  if (before !== 0 && before !== watch && folders.byWatch(before) === 0) {
    inotify.removeWatch(fd, before);
  }
  words[PARENT_WATCH] = Math.max(watch, 0);
  // It may have happened before there was somebody to tell it.
  if (inotify.isDeleted(root)) words[GONE] = 1;
}

/** Sees to the next event. False if there is no room for its records: it stays the next. */
function seeTo(output: Output): boolean {
  const { folders } = output;
  const { words } = folders;
  const at = EVENTS + words[BEGIN];
  const size = E_NAME + words[at + E_LENGTH >>> 2];
  const mask = words[at + E_MASK >>> 2];
  if ((mask & inotify.IN_Q_OVERFLOW) !== 0) lose(folders);
  else if (mask !== 0 && !handle(output, at, mask)) return false;
  const after = folders.words;
  after[BEGIN] += size;
  after[POSITION] = after[POSITION] + size | 0;
  return true;
}

function handle(output: Output, at: number, mask: number): boolean {
  const { folders, fd } = output;
  const { words } = folders;
  const watch = words[at >>> 2];
  const isParent = watch === words[PARENT_WATCH];
  if (isParent) ofParent(folders, mask);
  const slot = folders.byWatch(watch);
  if (slot !== 0 && words[at + E_LENGTH >>> 2] !== 0) return change(output, slot, at, mask);
  if (slot !== 0) ofFolder(output, slot, mask);
  else if (!isParent && (mask & inotify.IN_IGNORED) === 0) inotify.removeWatch(fd, watch);
  return true;
}

function ofParent({ words, handle }: Folders, mask: number): void {
  if ((mask & inotify.IN_IGNORED) !== 0) words[PARENT_WATCH] = 0;
  const isFolderDeleted = (mask & inotify.IN_DELETE) !== 0 && (mask & inotify.IN_ISDIR) !== 0;
  if (isFolderDeleted && inotify.isDeleted(region().words[handle + D_ROOT] - 1)) words[GONE] = 1;
}

/** An event of a folder itself, not of what is in it. */
function ofFolder(output: Output, slot: number, mask: number): void {
  const { folders } = output;
  const isRoot = slot === folders.words[ROOT];
  if (isRoot && (mask & inotify.IN_MOVE_SELF) !== 0) watchParent(output);
  if ((mask & inotify.IN_IGNORED) === 0) return;
  if (isRoot) folders.words[GONE] = 1;
  else drop(folders, slot);
}

function change(output: Output, slot: number, at: number, mask: number): boolean {
  const begin = at + E_NAME;
  const length = nameLength(output.folders, begin);
  const isFolder = (mask & inotify.IN_ISDIR) !== 0;
  if ((mask & (inotify.IN_CREATE | inotify.IN_MOVED_TO)) !== 0) {
    return hasCome(output, slot, begin, length, isFolder);
  }
  if ((mask & inotify.IN_DELETE) !== 0) return hasGone(output, slot, begin, length, isFolder);
  if ((mask & inotify.IN_MOVED_FROM) !== 0) return moved(output, slot, isFolder);
  // Reading a folder's entries is what this module does itself.
  if (isFolder && (mask & inotify.IN_ATTRIB) === 0) return true;
  return report(output, records.MODIFIED, slot, begin, length);
}

function hasCome(
  output: Output,
  slot: number,
  begin: number,
  length: number,
  isFolder: boolean,
): boolean {
  const { folders } = output;
  if (isNoNews(output, slot, begin, length, isFolder)) return true;
  const isReported = isWanted(folders, isFolder);
  if (isReported && !report(output, records.ADDED, slot, begin, length)) return false;
  if (isFolder && folders.words[RECURSIVE] !== 0) place(output, slot, begin, length);
  return true;
}

/** Whether it was found before. A folder may have been put over an empty one that was, which no event tells. */
function isNoNews(
  { folders, fd }: Output,
  slot: number,
  begin: number,
  length: number,
  isFolder: boolean,
): boolean {
  if (!takeFound(folders, slot, begin, length)) return false;
  if (!isFolder || folders.words[RECURSIVE] === 0) return true;
  const watch = watchNamed(folders, fd, slot, begin, length);
  const known = folders.byName(slot, begin, length);
  return watch < 0 || known !== 0 && folders.get(known, F_WATCH) === watch;
}

function hasGone(
  output: Output,
  slot: number,
  begin: number,
  length: number,
  isFolder: boolean,
): boolean {
  const { folders } = output;
  const isReported = isWanted(folders, isFolder);
  if (isReported && !report(output, records.REMOVED, slot, begin, length)) return false;
  takeFound(folders, slot, begin, length);
  if (!isFolder) return true;
  // One that was found under the name already is told of by another event, and called so then.
  for (let known = 0; (known = folders.byName(slot, begin, length)) !== 0;) {
    if ((folders.get(known, F_FLAGS) & WATCHED) !== 0) folders.unname(known);
    else folders.drop(known);
  }
  return true;
}
