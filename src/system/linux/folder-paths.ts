/**
 * Where the folders of a directory handle are: for the kernel, and for those who
 * read of changes.
 *
 * @module
 */

import { decodeName } from "./change-records.ts";
import { D_ROOT, F_LENGTH, ROOT } from "./folder-layout.ts";
import type { Folders } from "./folders.ts";
import { region } from "./region.ts";

/** Folders in folders: more than a path can hold, so that a circle is noticed. */
const MAX_DEPTH = 2048;
/** PATH_MAX. */
const MAX_PATH = 4096;

const path: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(MAX_PATH));

/**
 * The slots from the folder up to the directory itself, which is not among them;
 * `null` if that is not where they lead: the folder is not in the directory any more.
 */
export function chainOf(folders: Folders, slot: number): number[] | null {
  const slots: number[] = [];
  const root = folders.words[ROOT];
  for (let at = slot; at !== root; at = folders.folderOf(at)) {
    if (at === 0 || slots.length === MAX_DEPTH) return null;
    slots.push(at);
  }
  return slots;
}

/**
 * A path, with a NUL behind it, that leads the kernel to a folder, wherever the
 * directory itself is by now. `null` if it is longer than a path may be.
 */
export function pathOf(
  folders: Folders,
  chain: readonly number[],
): Uint8Array<ArrayBuffer> | null {
  let at = beginPath(region().words[folders.handle + D_ROOT] - 1);
  for (let i = chain.length - 1; i >= 0; i--) {
    const size = folders.get(chain[i], F_LENGTH);
    if (at + size + 3 > MAX_PATH) return null;
    const name = folders.nameAt(chain[i]);
    path.set(folders.bytes.subarray(name, name + size), at);
    at += size;
    path[at++] = 0x2F;
  }
  path[at] = 0x2E;
  path[at + 1] = 0;
  return path;
}

/** A path that leads the kernel to what is called so in the folder that is open as `fd`. */
export function pathIn(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  begin: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const at = beginPath(fd);
  path.set(bytes.subarray(begin, begin + length), at);
  path[at + length] = 0;
  return path;
}

function beginPath(fd: number): number {
  let at = 0;
  for (const char of `/proc/self/fd/${fd}/`) path[at++] = char.charCodeAt(0);
  return at;
}

/** A path to a folder in the directory as records begin with it, in UTF-16 and with a slash behind it. */
export class Prefix {
  readonly units: Uint16Array<ArrayBuffer> = new Uint16Array(MAX_PATH * 2);
  length = 0;
  #folders: Folders | null = null;
  #slot = 0;
  #version = 0;

  /** Makes it that of this folder; false if the folder is not in the directory any more. */
  show(folders: Folders, slot: number): boolean {
    const { version } = folders;
    if (folders === this.#folders && slot === this.#slot && version === this.#version) return true;
    this.#folders = null;
    const chain = chainOf(folders, slot);
    if (chain === null) return false;
    this.length = 0;
    for (let i = chain.length - 1; i >= 0; i--) {
      const size = folders.get(chain[i], F_LENGTH);
      // Nothing deeper than a path is long is ever watched, but for renames above it.
      if (this.length + size + 1 > this.units.length) break;
      this.length = decodeName(
        this.units,
        this.length,
        folders.bytes,
        folders.nameAt(chain[i]),
        size,
      );
      this.units[this.length++] = 0x2F;
    }
    this.#folders = folders;
    this.#slot = slot;
    this.#version = version;
    return true;
  }
}
