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

/** The file at `path`, or all files below it, sorted by name. Never throws. */
export function filesAt(path: string): Item[] {
  try {
    const stats = statSync(path);
    if (stats.isFile()) return [{ path, reason: null }];
    if (!stats.isDirectory()) return [{ path, reason: "It is neither a file nor a folder" }];
  } catch (error) {
    return [{ path, reason: reasonFor(error) }];
  }
  const found: Item[] = [];
  const folders = [path];
  // The list of folders grows while it is gone through.
  for (const folder of folders) scan(folder, found, folders);
  return found.sort((one, other) => one.path < other.path ? -1 : 1);
}

function scan(folder: string, found: Item[], folders: string[]): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    found.push({ path: folder, reason: reasonFor(error) });
    return;
  }
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
}
