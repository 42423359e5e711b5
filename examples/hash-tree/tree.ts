/**
 * Which files there are.
 *
 * @module
 */

import { type Dirent, readdirSync, statSync } from "node:fs";
import { reasonFor } from "./reasons.ts";

/** A path to hash, or one that cannot be looked at. */
export type Item =
  | { readonly path: string; readonly reason: null }
  | { readonly path: string; readonly reason: string };

/** Files as they are found, some at a time; at the end all of them, in the order that counts. */
export type Found = Generator<readonly Item[], readonly Item[], void>;

/** Files that are known by name. */
export function* filesNamed(paths: readonly string[]): Found {
  const items = paths.map((path) => ({ path, reason: null }));
  yield items;
  return items;
}

/** The file at `path`, or all files below it, sorted by name. Never throws. */
export function* filesAt(path: string): Found {
  const root = itemAt(path);
  if (root !== null) {
    yield [root];
    return [root];
  }
  const found: Item[] = [];
  const folders = [path];
  // The list of folders grows while it is gone through.
  for (const folder of folders) {
    const items = scan(folder, folders);
    found.push(...items);
    yield items;
  }
  return found.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** Whether hashing `path` may take more than one thread. */
export function isFolder(path: string): boolean {
  return itemAt(path) === null;
}

/** What `path` is, if it is no folder. */
function itemAt(path: string): Item | null {
  try {
    const stats = statSync(path);
    if (stats.isFile()) return { path, reason: null };
    return stats.isDirectory() ? null : { path, reason: "It is neither a file nor a folder" };
  } catch (error) {
    return { path, reason: reasonFor(error) };
  }
}

function scan(folder: string, folders: string[]): Item[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return [{ path: folder, reason: reasonFor(error) }];
  }
  const found: Item[] = [];
  // Slashes on every system: a list made on one can be checked on another.
  const start = folder.endsWith("/") ? folder : `${folder}/`;
  for (const entry of entries) {
    const path = start + entry.name;
    if (entry.isDirectory()) folders.push(path);
    else if (!entry.isFile()) continue;
    else if (entry.name.includes("\uFFFD")) {
      found.push({ path, reason: "Its name is not valid Unicode" });
    } else found.push({ path, reason: null });
  }
  return found;
}
