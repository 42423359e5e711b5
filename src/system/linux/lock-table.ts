/**
 * Which ranges of which files are locked in this process, and who waits for one:
 * what Windows keeps for the whole machine. Two locks conflict if they overlap and
 * one is exclusive, whoever holds them; a handle's own are no exception.
 *
 * What other processes hold, the kernel knows: a range that is free here is also
 * asked for as an open-file-description lock (F_OFD_SETLK, fcntl(2)), which
 * belongs to the handle's own descriptor.
 *
 * All functions are called with the guard held. The lists are right after every
 * single store, so that a thread that ends in the middle leaves lists.
 *
 * @module
 */

import { fcntlLock } from "../../ffi/libc.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { lock, unlock } from "./park.ts";
import { conflict, overlap, type Range, Wanted } from "./ranges.ts";
import { region } from "./region.ts";
import { readAddress, writeAddress } from "./requests.ts";
import { self } from "./threads.ts";

const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/** What `grant` answers beside errno values. */
export const GRANTED = 0;
/** A lock of this process is in the way. */
export const HELD_HERE = -1;
/** A lock of another process is in the way. */
export const HELD_ELSEWHERE = -2;

/** Runs `work` with the guard around all of this held. */
export function guarded<T>(work: () => T): T {
  lock(layout.LOCKS_GUARD, self());
  try {
    return work();
  } finally {
    unlock(layout.LOCKS_GUARD);
  }
}

function bucketOf(handle: number): number {
  const { words } = region();
  const identity = handle + layout.H_OWN;
  const mixed = words[identity + 2] * 31 + words[identity + 1] >>> 0;
  return layout.LOCKED_FILE_BUCKETS + mixed % layout.BUCKETS;
}

/** The first word of the handle's file, if it has locks; -1 if not. */
export function findLockedFile(handle: number): number {
  const { words } = region();
  for (let at = words[bucketOf(handle)]; at !== 0; at = words[at + layout.F_NEXT]) {
    let same = true;
    for (let i = 0; i < 4; i++) same &&= words[at + i] === words[handle + layout.H_OWN + i];
    if (same) return at;
  }
  return -1;
}

/** As `findLockedFile`, and makes it if need be; -1 if there is no room. */
export function needLockedFile(handle: number): number {
  const known = findLockedFile(handle);
  if (known >= 0) return known;
  const { words, lockedFiles } = region();
  const place = lockedFiles.acquire();
  if (place < 0) return -1;
  const at = layout.LOCKED_FILES + place * layout.LOCKED_FILE_WORDS;
  words.fill(0, at, at + layout.LOCKED_FILE_WORDS);
  words.copyWithin(at, handle + layout.H_OWN, handle + layout.H_OWN + 4);
  const bucket = bucketOf(handle);
  words[at + layout.F_NEXT] = words[bucket];
  words[bucket] = at;
  return at;
}

/** Gives the file's place back if it has neither locks nor waiters. */
export function forgetLockedFile(handle: number, file: number): void {
  const { words, lockedFiles } = region();
  if (words[file + layout.F_HELD] !== 0 || words[file + layout.F_OLDEST] !== 0) return;
  let before = bucketOf(handle);
  while (words[before] !== file) before = words[before] + layout.F_NEXT;
  words[before] = words[file + layout.F_NEXT];
  lockedFiles.release((file - layout.LOCKED_FILES) / layout.LOCKED_FILE_WORDS);
}

function heldRange(at: number): Range {
  const { words } = region();
  return {
    offset: readAddress(words, at + layout.L_OFFSET),
    length: readAddress(words, at + layout.L_LENGTH),
    isExclusive: words[at + layout.L_EXCLUSIVE] !== 0,
  };
}

/**
 * Locks the range for the handle if nothing is in the way. Returns `GRANTED`,
 * `HELD_HERE`, `HELD_ELSEWHERE`, or the errno of a failure.
 */
export function grant(file: number, handle: number, range: Range): number {
  const { words, locks } = region();
  for (let at = words[file + layout.F_HELD]; at !== 0; at = words[at + layout.L_NEXT]) {
    if (conflict(heldRange(at), range)) return HELD_HERE;
  }
  const place = locks.acquire();
  if (place < 0) return errno.ENOBUFS;
  const type = range.isExclusive ? F_WRLCK : F_RDLCK;
  const reason = askKernel(handle, type, range.offset, range.length);
  if (reason !== 0) {
    locks.release(place);
    return reason === errno.EAGAIN || reason === errno.EACCES ? HELD_ELSEWHERE : reason;
  }
  const at = layout.LOCKS + place * layout.LOCK_WORDS;
  words[at + layout.L_HANDLE] = handle;
  words[at + layout.L_EXCLUSIVE] = range.isExclusive ? 1 : 0;
  writeAddress(words, at + layout.L_OFFSET, range.offset);
  writeAddress(words, at + layout.L_LENGTH, range.length);
  words[at + layout.L_NEXT] = words[file + layout.F_HELD];
  words[file + layout.F_HELD] = at;
  return GRANTED;
}

/** Gives back the handle's lock of exactly this range; false if it has none. */
export function release(file: number, handle: number, offset: number, length: number): boolean {
  const { words } = region();
  let before = file + layout.F_HELD;
  for (; words[before] !== 0; before = words[before] + layout.L_NEXT) {
    const at = words[before];
    const held = heldRange(at);
    if (words[at + layout.L_HANDLE] !== handle) continue;
    if (held.offset !== offset || held.length !== length) continue;
    removeHeld(before);
    giveBack(file, handle, held);
    return true;
  }
  return false;
}

/** Gives back all that the handle holds, of which the descriptor is about to go; false if nothing. */
export function releaseAll(file: number, handle: number): boolean {
  const { words } = region();
  let any = false;
  for (let before = file + layout.F_HELD; words[before] !== 0;) {
    if (words[words[before] + layout.L_HANDLE] === handle) {
      removeHeld(before);
      any = true;
    } else before = words[before] + layout.L_NEXT;
  }
  // A length of nothing is all there is, to the kernel.
  if (any) kernelLock(handle, F_UNLCK, 0, 0);
  return any;
}

function removeHeld(before: number): void {
  const { words, locks } = region();
  const at = words[before];
  words[before] = words[at + layout.L_NEXT];
  locks.release((at - layout.LOCKS) / layout.LOCK_WORDS);
}

/** Unlocks what no other lock of the handle covers: the kernel does not count shared locks. */
function giveBack(file: number, handle: number, range: Range): void {
  const { words } = region();
  const others: Range[] = [];
  for (let at = words[file + layout.F_HELD]; at !== 0; at = words[at + layout.L_NEXT]) {
    if (words[at + layout.L_HANDLE] !== handle) continue;
    const other = heldRange(at);
    if (other.length > 0 && overlap(other, range)) others.push(other);
  }
  others.sort((a, b) => a.offset - b.offset);
  let from = range.offset;
  const end = range.offset + range.length;
  for (const other of others) {
    askKernel(handle, F_UNLCK, from, Math.min(other.offset, end) - from);
    from = Math.max(from, other.offset + other.length);
  }
  askKernel(handle, F_UNLCK, from, end - from);
}

/** Ranges without bytes are none to the kernel. Returns 0 or an errno. */
function askKernel(handle: number, type: number, offset: number, length: number): number {
  return length <= 0 ? 0 : kernelLock(handle, type, offset, length);
}

function kernelLock(handle: number, type: number, offset: number, length: number): number {
  // struct flock: l_type, l_whence (0: from the beginning), l_start at 8, l_len at 16.
  const flock = new Uint8Array(new ArrayBuffer(32));
  const fields = new DataView(flock.buffer);
  fields.setInt16(0, type, true);
  fields.setBigInt64(8, BigInt(offset), true);
  fields.setBigInt64(16, BigInt(length), true);
  const fd = region().words[handle + layout.H_FD];
  return fcntlLock().fcntl(fd, F_OFD_SETLK, flock) === 0 ? 0 : errno.errno();
}

/** The range that a waiting request is for. */
export function waitingRange(request: number): Range {
  const { words } = region();
  const annex = layout.annexOf(request);
  return {
    offset: readAddress(words, annex + layout.W_OFFSET),
    length: readAddress(words, annex + layout.W_LENGTH),
    isExclusive: words[annex + layout.W_EXCLUSIVE] !== 0,
  };
}

/** The requests that wait for a range of the file, longest first; also those whose turn has come. */
export function* waiting(file: number): Generator<number> {
  const { words } = region();
  for (let at = words[file + layout.F_OLDEST]; at !== 0;) {
    const next = words[layout.annexOf(at) + layout.W_NEXT];
    yield at;
    at = next;
  }
}

/** The request waits behind all others. */
export function enqueue(file: number, request: number, range: Range): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  words[annex + layout.W_NEXT] = 0;
  words[annex + layout.W_FILE] = file;
  words[annex + layout.W_EXCLUSIVE] = range.isExclusive ? 1 : 0;
  words[annex + layout.W_TURN] = layout.TURN_WAITS;
  writeAddress(words, annex + layout.W_OFFSET, range.offset);
  writeAddress(words, annex + layout.W_LENGTH, range.length);
  let last = words[file + layout.F_NEWEST];
  if (words[file + layout.F_OLDEST] === 0) words[file + layout.F_OLDEST] = request;
  else {
    for (let next = last; next !== 0; next = words[layout.annexOf(last) + layout.W_NEXT]) {
      last = next;
    }
    words[layout.annexOf(last) + layout.W_NEXT] = request;
  }
  words[file + layout.F_NEWEST] = request;
}

/** The request waits no longer; false if it did not. */
export function dequeue(request: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  if (words[annex + layout.W_TURN] === layout.TURN_NONE) return false;
  const file = words[annex + layout.W_FILE];
  let before = 0;
  for (const other of waiting(file)) {
    if (other === request) break;
    before = other;
  }
  const next = words[annex + layout.W_NEXT];
  if (words[file + layout.F_NEWEST] === request) words[file + layout.F_NEWEST] = before;
  if (before === 0) words[file + layout.F_OLDEST] = next;
  else words[layout.annexOf(before) + layout.W_NEXT] = next;
  if (words[file + layout.F_PROBER] === request) words[file + layout.F_PROBER] = 0;
  words[annex + layout.W_TURN] = layout.TURN_NONE;
  return true;
}

/** Whether one that waits would conflict with `range`. */
export function isBehindOthers(file: number, range: Range): boolean {
  for (const request of waiting(file)) {
    if (stillWaits(request) && conflict(waitingRange(request), range)) return true;
  }
  return false;
}

function stillWaits(request: number): boolean {
  return region().words[layout.annexOf(request) + layout.W_TURN] === layout.TURN_WAITS;
}

/**
 * Something has been given back: those that waited for it get it, in their order.
 * `range` is what may be free now. Returns the requests that have had their turn,
 * and one that another process keeps waiting, or 0.
 */
export function serve(file: number, range: Range): { served: number[]; kept: number } {
  const { words } = region();
  const served: number[] = [];
  const before = new Wanted();
  let kept = 0;
  for (const request of waiting(file)) {
    const annex = layout.annexOf(request);
    // One whose turn came to a thread that has ended before it said so is told again.
    if (words[annex + layout.W_TURN] === layout.TURN_CAME) served.push(request);
    if (words[annex + layout.W_TURN] !== layout.TURN_WAITS) continue;
    const wanted = waitingRange(request);
    const mayHave = overlap(wanted, range) && !before.conflictsWith(wanted);
    const answer = mayHave ? grant(file, words[request + layout.R_HANDLE], wanted) : HELD_HERE;
    if (answer === HELD_HERE || answer === HELD_ELSEWHERE) {
      before.add(wanted);
      if (answer === HELD_ELSEWHERE) kept ||= request;
      continue;
    }
    words[annex + layout.W_ERRNO] = answer;
    words[annex + layout.W_TURN] = layout.TURN_CAME;
    served.push(request);
  }
  return { served, kept };
}
