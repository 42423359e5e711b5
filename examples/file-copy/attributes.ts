/**
 * Mode and times.
 *
 * @module
 */

import { chmodSync, lutimesSync, utimesSync } from "node:fs";
import process from "node:process";
import type { FileHandle, FileInformation } from "../../mod.ts";
import { reasonOf } from "./failure.ts";

/** What a folder or link keeps of its source; `Stats` of node:fs has it. */
export interface Attributes {
  readonly mode: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
}

/**
 * Without set-user-ID and set-group-ID: the owner is not kept, so they would give
 * the rights of whoever copies.
 */
const KEPT_MODE = 0o1777;

/**
 * Gives a file that is open for writing the mode and times of its source. Returns
 * why that was refused, or `null`: some file systems know neither, which is no
 * reason not to copy.
 */
export function keepInformation(
  file: FileHandle,
  { mode, accessedMs, modifiedMs }: FileInformation,
): string | null {
  try {
    file.change({ mode: mode & KEPT_MODE, accessedMs, modifiedMs });
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The same for the folder at `path`. */
export function keepAttributes(
  path: string,
  { mode, atimeMs, mtimeMs }: Attributes,
): string | null {
  try {
    if (process.platform !== "win32") chmodSync(path, mode & KEPT_MODE);
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The same for a link itself; links have no mode. */
export function keepTimesOfLink(path: string, { atimeMs, mtimeMs }: Attributes): string | null {
  try {
    lutimesSync(path, atimeMs / 1000, mtimeMs / 1000);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
