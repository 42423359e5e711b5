/**
 * Where things lie in the memory that a directory handle has of its own: a
 * header, events that were read, entries of a folder, two indexes, the slots of
 * folders, their names. Offsets of the first three are fixed.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as layout from "./layout.ts";
import { virtualAlloc } from "./process-memory.ts";

/** What the handle's own words hold: its directory's descriptor plus one, and where its memory is. */
export const D_ROOT: number = layout.H_OWN;
export const D_ADDRESS: number = layout.H_OWN + 1;
/** 1 once all its folders are watched. */
export const D_READY: number = layout.H_OWN + 3;

// Words at the beginning of the memory.
export const BYTES = 0;
/** 1 while a thread is changing what is here: one that has ended in between leaves it so. */
export const BUSY = 1;
/** FILE_NOTIFY_CHANGE_… and whether folders in it are watched too; what inotify is asked for. */
export const FILTER = 2;
export const RECURSIVE = 3;
export const MASK = 4;
/** The slot of the directory itself, and the watch on the folder that holds it. */
export const ROOT = 5;
export const PARENT_WATCH = 6;
/** Events read and not yet seen to, from which byte to which; how many bytes were seen to before. */
export const BEGIN = 7;
export const END = 8;
export const POSITION = 9;
/** 1 if the directory has been deleted; one of the `LOST_` values; an errno to be reported. */
export const GONE = 10;
export const LOST = 11;
export const ERROR = 12;
/** The slot of the folder that is being looked into, its descriptor plus one, and what was read of it. */
export const SCANNING = 13;
export const SCAN_FD = 14;
export const ENTRY = 15;
export const ENTRIES_END = 16;
/** At which position all events of what has been found are over. */
export const FOUND_UNTIL = 17;
/** The first slot of those to be looked into. */
export const TO_SCAN = 18;
export const SLOTS = 19;
export const NAME_BYTES = 20;
export const NAMES_END = 21;
export const USED = 22;
export const FREE = 23;
export const VERSION = 24;
/** 1 if a folder was not found where it should be, and waits for the event that says where it is. */
export const HAS_STRAYS = 25;

/** Nothing was lost; changes were, which nobody knows yet; the folders are being watched anew. */
export const LOST_NOTHING = 0;
export const LOST_CHANGES = 1;
export const LOST_RENEWING = 2;

export const HEADER_BYTES = 256;
export const EVENTS: number = HEADER_BYTES;
export const EVENTS_BYTES = 65_536;
export const ENTRIES: number = EVENTS + EVENTS_BYTES;
export const ENTRIES_BYTES = 32_768;
export const INDEX: number = (ENTRIES + ENTRIES_BYTES) / 4;

// struct inotify_event
export const E_MASK = 4;
export const E_COOKIE = 8;
export const E_LENGTH = 12;
export const E_NAME = 16;

export const FIRST_SLOTS = 256;
export const FIRST_NAME_BYTES = 8192;

export const SLOT_WORDS = 14;
export const F_NEXT_WATCH = 0;
export const F_NEXT_NAME = 1;
export const F_FLAGS = 2;
export const F_WATCH = 3;
export const F_FOLDER = 4;
export const F_FOLDER_LIFE = 5;
export const F_NAME = 6;
export const F_LENGTH = 7;
export const F_UNTIL = 8;
export const F_NEXT_SCAN = 9;
export const F_LIFE = 10;
/** What lies in the folder, and what lies in the same one; see `folder-tree.ts`. */
export const F_FIRST_WITHIN = 11;
export const F_NEXT_BESIDE = 12;
export const F_PREVIOUS_BESIDE = 13;

/** The slot is one of a folder that is watched. */
export const WATCHED = 1;
/** It is found by its folder and its name. */
export const NAMED = 2;
/** It was found by looking; an event that says so again, until `F_UNTIL`, is nothing new. */
export const FOUND = 4;
/** It is to be looked into; and what is found there is not reported. */
export const TO_BE_SCANNED = 8;
export const SILENT = 16;
/** It was not where it should be when it was to be looked into. */
export const STRAY = 32;

/** Where names begin behind so many slots, in bytes. */
export function nameBytesAt(slots: number): number {
  return (INDEX + 2 * slots + (slots + 1) * SLOT_WORDS) * 4;
}

/** Memory with room for so many slots, a power of two, and their names; 0 if there is none. */
export function allocate(slots: number, nameBytes: number): number {
  const byteLength = nameBytesAt(slots) + nameBytes;
  const { value } = virtualAlloc(byteLength);
  if (value === 0) return 0;
  const words = wordsAround(value);
  const at = wordIndex(value);
  words[at + BYTES] = byteLength;
  words[at + SLOTS] = slots;
  words[at + NAME_BYTES] = nameBytes;
  return value;
}
