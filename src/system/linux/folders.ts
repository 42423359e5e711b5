/**
 * What is kept of a directory handle: the folders that inotify watches for it,
 * each by its number and by its name, and how far the events have been read. All
 * of it lies in native memory of the handle's own, so that whichever thread has
 * the next packet in hand goes on where another has stopped.
 *
 * A folder has a slot for as long as it is watched. Slots keep their number when
 * the memory grows; a slot's life tells those that name it whether it is still theirs.
 *
 * All functions are called with the lock of the handle's port held.
 *
 * @module
 */

import { view, wordIndex, wordsAround } from "../../ffi/memory.ts";
import {
  allocate,
  BYTES,
  D_ADDRESS,
  F_FLAGS,
  F_FOLDER,
  F_FOLDER_LIFE,
  F_LENGTH,
  F_LIFE,
  F_NAME,
  F_NEXT_NAME,
  F_NEXT_SCAN,
  F_NEXT_WATCH,
  F_UNTIL,
  F_WATCH,
  FIRST_NAME_BYTES,
  FOUND,
  FOUND_UNTIL,
  FREE,
  INDEX,
  NAME_BYTES,
  nameBytesAt,
  NAMED,
  NAMES_END,
  POSITION,
  ROOT,
  SCANNING,
  SILENT,
  SLOT_WORDS,
  SLOTS,
  TO_BE_SCANNED,
  TO_SCAN,
  USED,
  VERSION,
  WATCHED,
} from "./folder-layout.ts";
import { openWithin, putWithin, takeFromWithin } from "./folder-tree.ts";
import * as layout from "./layout.ts";
import { virtualFree } from "./process-memory.ts";
import { region } from "./region.ts";
import { writeAddress } from "./requests.ts";

/** The memory of one handle, as this thread sees it. */
export class Folders {
  /** The memory, again after everything that may make it grow: `add`, `name`. */
  words!: Int32Array<ArrayBuffer>;
  bytes!: Uint8Array<ArrayBuffer>;
  /** Where it begins. */
  address = 0;
  readonly handle: number;
  readonly #life: number;
  #watches = 0;
  #named = 0;
  #slots = 0;
  #names = 0;

  /** The memory at `address`, of the handle whose first word is `handle`. */
  constructor(handle: number, address: number) {
    this.handle = handle;
    this.#life = region().words[handle + layout.H_LIVES];
    this.#show(address);
  }

  #show(address: number): void {
    this.address = address;
    const memory = view(address, wordsAround(address)[wordIndex(address) + BYTES]);
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    const slots = this.words[SLOTS];
    this.#watches = INDEX;
    this.#named = INDEX + slots;
    this.#slots = INDEX + 2 * slots;
    this.#names = nameBytesAt(slots);
  }

  /** Whether this still shows the handle's memory, which is at `address`, and all of it. */
  isCurrent(address: number): boolean {
    return address === this.address && this.words[BYTES] === this.words.byteLength &&
      region().words[this.handle + layout.H_LIVES] === this.#life;
  }

  /** A word of a slot. */
  get(slot: number, field: number): number {
    return this.words[this.#slots + slot * SLOT_WORDS + field];
  }

  /** Sets a word of a slot. */
  set(slot: number, field: number, value: number): void {
    this.words[this.#slots + slot * SLOT_WORDS + field] = value;
  }

  /** Forgets all folders; how far events have been read stays. */
  clear(): void {
    const { words } = this;
    words.fill(0, INDEX, this.#slots);
    for (let slot = 1; slot <= words[USED]; slot++) {
      this.set(slot, F_FLAGS, 0);
      this.set(slot, F_LIFE, this.get(slot, F_LIFE) + 1);
    }
    words[USED] =
      words[FREE] =
      words[NAMES_END] =
      words[TO_SCAN] =
      words[ROOT] =
        0;
    words[FOUND_UNTIL] = words[POSITION];
    words[VERSION]++;
  }

  /** The slot of the folder with this watch descriptor; 0 if there is none. */
  byWatch(watch: number): number {
    let slot = this.words[this.#watches + (watch & this.words[SLOTS] - 1)];
    while (slot !== 0 && this.get(slot, F_WATCH) !== watch) slot = this.get(slot, F_NEXT_WATCH);
    return slot;
  }

  /**
   * The newest slot of this name in a folder, or of those older than the slot `after`; 0 if there
   * is none. The name lies in `bytes`.
   */
  byName(folder: number, begin: number, length: number, after: number = 0): number {
    let slot = after === 0
      ? this.words[this.#bucket(folder, begin, length)]
      : this.get(after, F_NEXT_NAME);
    while (slot !== 0 && !this.#isNamed(slot, folder, begin, length)) {
      slot = this.get(slot, F_NEXT_NAME);
    }
    return slot;
  }

  #isNamed(slot: number, folder: number, begin: number, length: number): boolean {
    if (this.get(slot, F_FOLDER) !== folder || this.get(slot, F_LENGTH) !== length) return false;
    const name = this.#names + this.get(slot, F_NAME);
    for (let i = 0; i < length; i++) {
      if (this.bytes[name + i] !== this.bytes[begin + i]) return false;
    }
    return this.#hasFolder(slot);
  }

  #hasFolder(slot: number): boolean {
    const folder = this.get(slot, F_FOLDER);
    return folder !== 0 && this.get(slot, F_FOLDER_LIFE) === this.get(folder, F_LIFE);
  }

  #bucket(folder: number, begin: number, length: number): number {
    let hash = Math.imul(folder, 0x9E3779B1);
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ this.bytes[begin + i], 0x01000193);
    return this.#named + ((hash ^ hash >>> 15) & this.words[SLOTS] - 1);
  }

  /**
   * A slot for what has this name in a folder (0: the directory itself); 0 if
   * memory is short. `watch` is 0 for a file that was found.
   */
  add(folder: number, begin: number, length: number, watch: number): number {
    const slot = this.#acquire();
    if (slot === 0) return 0;
    this.set(slot, F_FLAGS, watch === 0 ? FOUND : WATCHED);
    this.set(slot, F_WATCH, watch);
    this.set(slot, F_FOLDER, 0);
    this.set(slot, F_UNTIL, this.words[POSITION]);
    openWithin(this, slot);
    if (watch !== 0) {
      const bucket = this.#watches + (watch & this.words[SLOTS] - 1);
      this.set(slot, F_NEXT_WATCH, this.words[bucket]);
      this.words[bucket] = slot;
    }
    if (folder === 0 || this.name(slot, folder, begin, length)) return slot;
    this.drop(slot);
    return 0;
  }

  /** The slot's folder is called this from now on; false if memory is short. */
  name(slot: number, folder: number, begin: number, length: number): boolean {
    this.unname(slot);
    if (this.words[NAMES_END] + length > this.words[NAME_BYTES] && !this.#renew()) return false;
    const at = this.words[NAMES_END];
    this.bytes.copyWithin(this.#names + at, begin, begin + length);
    this.words[NAMES_END] = at + length;
    this.set(slot, F_NAME, at);
    this.set(slot, F_LENGTH, length);
    this.set(slot, F_FOLDER, folder);
    this.set(slot, F_FOLDER_LIFE, this.get(folder, F_LIFE));
    putWithin(this, slot, folder);
    this.#link(slot);
    return true;
  }

  #link(slot: number): void {
    const name = this.#names + this.get(slot, F_NAME);
    const bucket = this.#bucket(this.get(slot, F_FOLDER), name, this.get(slot, F_LENGTH));
    this.set(slot, F_NEXT_NAME, this.words[bucket]);
    this.set(slot, F_FLAGS, this.get(slot, F_FLAGS) | NAMED);
    this.words[bucket] = slot;
  }

  /** The folder has no name any more: it was deleted, or moved to where nobody looks. */
  unname(slot: number): void {
    const flags = this.get(slot, F_FLAGS);
    if ((flags & NAMED) === 0) return;
    this.words[VERSION]++;
    const name = this.#names + this.get(slot, F_NAME);
    const bucket = this.#bucket(this.get(slot, F_FOLDER), name, this.get(slot, F_LENGTH));
    this.#unlink(bucket, slot, F_NEXT_NAME);
    takeFromWithin(this, slot);
    this.set(slot, F_FLAGS, flags & ~NAMED);
    this.set(slot, F_FOLDER, 0);
  }

  #unlink(head: number, slot: number, next: number): void {
    if (this.words[head] === slot) {
      this.words[head] = this.get(slot, next);
      return;
    }
    for (let at = this.words[head]; at !== 0; at = this.get(at, next)) {
      if (this.get(at, next) === slot) return this.set(at, next, this.get(slot, next));
    }
  }

  /** The folder is not watched any more: its slot goes. */
  drop(slot: number): void {
    this.unname(slot);
    const flags = this.get(slot, F_FLAGS);
    if ((flags & WATCHED) !== 0) {
      const watch = this.get(slot, F_WATCH);
      this.#unlink(this.#watches + (watch & this.words[SLOTS] - 1), slot, F_NEXT_WATCH);
    }
    this.set(slot, F_LIFE, this.get(slot, F_LIFE) + 1);
    // One that waits to be looked into is in a list, and goes when it comes out of that.
    this.set(slot, F_FLAGS, flags & TO_BE_SCANNED);
    if ((flags & TO_BE_SCANNED) === 0) this.#free(slot);
  }

  #free(slot: number): void {
    this.set(slot, F_FLAGS, 0);
    this.set(slot, F_NEXT_SCAN, this.words[FREE]);
    this.words[FREE] = slot;
  }

  #acquire(): number {
    const { words } = this;
    if (words[FREE] === 0 && words[USED] === words[SLOTS]) this.#dropFound();
    if (words[FREE] === 0 && words[USED] === words[SLOTS] && !this.#renew()) return 0;
    const free = this.words[FREE];
    if (free === 0) return ++this.words[USED];
    this.words[FREE] = this.get(free, F_NEXT_SCAN);
    return free;
  }

  /** What was found is not asked for any more once its events are over. */
  #dropFound(): void {
    for (let slot = 1; slot <= this.words[USED]; slot++) {
      const isFile = (this.get(slot, F_FLAGS) & (FOUND | WATCHED)) === FOUND;
      if (isFile && !this.#isExpected(slot)) this.drop(slot);
    }
  }

  /** Notes that this was reported because it was found, until `FOUND_UNTIL`. */
  found(slot: number): void {
    this.set(slot, F_FLAGS, this.get(slot, F_FLAGS) | FOUND);
    this.set(slot, F_UNTIL, this.words[FOUND_UNTIL]);
  }

  /** Whether events of what was found may still come. */
  expectsFound(): boolean {
    return (this.words[FOUND_UNTIL] - this.words[POSITION] | 0) > 0;
  }

  #isExpected(slot: number): boolean {
    return (this.get(slot, F_UNTIL) - this.words[POSITION] | 0) > 0;
  }

  /** Whether the slot's name was reported because it was found, and its event is still to come. */
  isFound(slot: number): boolean {
    return (this.get(slot, F_FLAGS) & FOUND) !== 0 && this.#isExpected(slot);
  }

  /** The event of what was found has come, or another that makes it old. */
  expected(slot: number): void {
    const flags = this.get(slot, F_FLAGS);
    if ((flags & WATCHED) === 0) this.drop(slot);
    else this.set(slot, F_FLAGS, flags & ~FOUND);
  }

  /** The folder will be looked into. */
  scanLater(slot: number, isSilent: boolean): void {
    const flags = this.get(slot, F_FLAGS) & ~SILENT;
    this.set(slot, F_FLAGS, flags | TO_BE_SCANNED | (isSilent ? SILENT : 0));
    if ((flags & TO_BE_SCANNED) !== 0) return;
    this.set(slot, F_NEXT_SCAN, this.words[TO_SCAN]);
    this.words[TO_SCAN] = slot;
  }

  /** Sets or clears a flag of a slot. */
  mark(slot: number, flag: number, isSet: boolean): void {
    const flags = this.get(slot, F_FLAGS) & ~flag;
    this.set(slot, F_FLAGS, isSet ? flags | flag : flags);
  }

  /** Whether a folder is being looked into or will be. */
  isScanning(): boolean {
    return this.words[SCANNING] !== 0 || this.words[TO_SCAN] !== 0;
  }

  /** Takes the next folder that is to be looked into; 0 if there is none. */
  nextToScan(): number {
    for (;;) {
      const slot = this.words[TO_SCAN];
      if (slot === 0) return 0;
      this.words[TO_SCAN] = this.get(slot, F_NEXT_SCAN);
      const flags = this.get(slot, F_FLAGS) & ~TO_BE_SCANNED;
      this.set(slot, F_FLAGS, flags);
      if ((flags & WATCHED) !== 0) return slot;
      this.#free(slot);
    }
  }

  /** The folder that this one lies in; 0 if that is not watched any more. */
  folderOf(slot: number): number {
    return this.#hasFolder(slot) ? this.get(slot, F_FOLDER) : 0;
  }

  /** Where the slot's name begins in `bytes`. */
  nameAt(slot: number): number {
    return this.#names + this.get(slot, F_NAME);
  }

  /** A number that is another one when a folder may have got another name. */
  get version(): number {
    return this.words[VERSION];
  }

  /** More memory, or the same without the names that nobody has any more; false if there is none. */
  #renew(): boolean {
    const { words: from, bytes, address } = this;
    const isFull = from[FREE] === 0 && from[USED] === from[SLOTS];
    let names = 0;
    for (let slot = 1; slot <= from[USED]; slot++) {
      if ((this.get(slot, F_FLAGS) & NAMED) !== 0) names += this.get(slot, F_LENGTH);
    }
    let nameBytes = FIRST_NAME_BYTES;
    while (nameBytes < names * 2) nameBytes *= 2;
    const made = allocate(isFull ? from[SLOTS] * 2 : from[SLOTS], nameBytes);
    if (made === 0) return false;
    const [firstSlot, firstName] = [this.#slots, this.#names];
    const [slots, byteLength] = [this.#moveTo(made), bytes.length];
    this.words.set(from.subarray(firstSlot, firstSlot + (from[USED] + 1) * SLOT_WORDS), slots);
    for (let slot = 1; slot <= this.words[USED]; slot++) this.#enter(slot, bytes, firstName);
    writeAddress(region().words, this.handle + D_ADDRESS, made);
    virtualFree(address, byteLength);
    return true;
  }

  /** Shows the memory at `address`, with all that lies at a fixed place. Returns where slots begin. */
  #moveTo(address: number): number {
    const from = this.words;
    this.#show(address);
    const { words } = this;
    const [size, slots, nameBytes] = [words[BYTES], words[SLOTS], words[NAME_BYTES]];
    words.set(from.subarray(0, INDEX));
    words[BYTES] = size;
    words[SLOTS] = slots;
    words[NAME_BYTES] = nameBytes;
    words[NAMES_END] = 0;
    return this.#slots;
  }

  /** Enters a slot that was copied in the indexes, and its name from where it was. */
  #enter(slot: number, bytes: Uint8Array<ArrayBuffer>, firstName: number): void {
    const flags = this.get(slot, F_FLAGS);
    if ((flags & WATCHED) !== 0) {
      const bucket = this.#watches + (this.get(slot, F_WATCH) & this.words[SLOTS] - 1);
      this.set(slot, F_NEXT_WATCH, this.words[bucket]);
      this.words[bucket] = slot;
    }
    if ((flags & NAMED) === 0) return;
    const begin = firstName + this.get(slot, F_NAME);
    const at = this.words[NAMES_END];
    this.bytes.set(bytes.subarray(begin, begin + this.get(slot, F_LENGTH)), this.#names + at);
    this.set(slot, F_NAME, at);
    this.words[NAMES_END] = at + this.get(slot, F_LENGTH);
    this.#link(slot);
  }
}
