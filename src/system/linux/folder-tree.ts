/**
 * Which folders lie in a folder: a list of its slots, so that what is in one is found without
 * looking at all that are watched.
 *
 * Slots whose folder is not watched any more stay linked to each other and to nothing else.
 *
 * @module
 */

import {
  F_FIRST_WITHIN,
  F_FLAGS,
  F_NEXT_BESIDE,
  F_PREVIOUS_BESIDE,
  WATCHED,
} from "./folder-layout.ts";
import { chainOf } from "./folder-paths.ts";
import type { Folders } from "./folders.ts";

/** A new slot has nothing in it and nothing beside it. */
export function openWithin(folders: Folders, slot: number): void {
  folders.set(slot, F_FIRST_WITHIN, 0);
  folders.set(slot, F_NEXT_BESIDE, 0);
  folders.set(slot, F_PREVIOUS_BESIDE, 0);
}

/** The slot, which is in no folder, lies in this one from now on. */
export function putWithin(folders: Folders, slot: number, folder: number): void {
  const next = folders.get(folder, F_FIRST_WITHIN);
  folders.set(slot, F_PREVIOUS_BESIDE, 0);
  folders.set(slot, F_NEXT_BESIDE, next);
  if (next !== 0) folders.set(next, F_PREVIOUS_BESIDE, slot);
  folders.set(folder, F_FIRST_WITHIN, slot);
}

/** The slot does not lie in its folder any more. */
export function takeFromWithin(folders: Folders, slot: number): void {
  const next = folders.get(slot, F_NEXT_BESIDE);
  const previous = folders.get(slot, F_PREVIOUS_BESIDE);
  const folder = folders.folderOf(slot);
  if (previous !== 0) folders.set(previous, F_NEXT_BESIDE, next);
  else if (folder !== 0) folders.set(folder, F_FIRST_WITHIN, next);
  if (next !== 0) folders.set(next, F_PREVIOUS_BESIDE, previous);
}

/** The slots of all folders in this one, at any depth, and its own; none if it is not in the directory any more. */
export function slotsWithin(folders: Folders, folder: number): number[] {
  if (chainOf(folders, folder) === null) return [];
  const all = [folder];
  for (let index = 0; index < all.length; index++) {
    let slot = folders.get(all[index], F_FIRST_WITHIN);
    for (; slot !== 0; slot = folders.get(slot, F_NEXT_BESIDE)) {
      if ((folders.get(slot, F_FLAGS) & WATCHED) !== 0) all.push(slot);
    }
  }
  return all;
}
