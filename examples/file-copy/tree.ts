/**
 * What a copied folder has beside its files: folders and links.
 *
 * @module
 */

import { mkdirSync, readlinkSync, renameSync, rmdirSync, statSync, symlinkSync } from "node:fs";
import process from "node:process";
import { keepAttributes, keepTimesOfLink } from "./attributes.ts";
import { cannotCopy, cannotWrite } from "./failure.ts";
import { releasePart, removePart, removeStaleParts, reservePart } from "./part.ts";
import type { FolderItem, LinkItem, Plan } from "./plan.ts";

/**
 * The folders and links of a copy. The folders get their modes and times at the
 * end, since putting files into them changes the one and may need the other.
 */
export class Tree {
  readonly #plan: Plan;
  #made = 0;
  #isWhole = false;

  /** The tree of `plan`; nothing is made yet. */
  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Makes the folders that are missing, and every link. */
  make(): void {
    for (const folder of this.#plan.folders) {
      makeFolder(folder);
      this.#made++;
    }
    for (const link of this.#plan.links) copyLink(link);
  }

  /** Gives the folders, all of whose files are there, their modes and times. Returns what was refused. */
  complete(): string | null {
    this.#isWhole = true;
    let refused: string | null = null;
    for (const { target, attributes } of this.#plan.folders.toReversed()) {
      refused ??= keepAttributes(target, attributes);
    }
    return refused;
  }

  /** After a failure, folders that were made and are empty go; the others get their modes and times. */
  [Symbol.dispose](): void {
    if (this.#isWhole) return;
    for (const folder of this.#plan.folders.slice(0, this.#made).reverse()) {
      if (folder.exists) continue;
      try {
        rmdirSync(folder.target);
      } catch {
        keepAttributes(folder.target, folder.attributes);
      }
    }
  }
}

function makeFolder({ target, exists }: FolderItem): void {
  try {
    if (exists) removeStaleParts(target);
    else mkdirSync(target, { mode: 0o700 });
  } catch (error) {
    throw cannotWrite(target, error);
  }
}

/** A link, made under another name first: what it replaces is there until it is whole. */
function copyLink({ source, target, attributes }: LinkItem): void {
  const part = reservePart(target);
  try {
    symlinkSync(readlinkSync(source), part, typeOfLink(source));
    keepTimesOfLink(part, attributes);
    renameSync(part, target);
    releasePart(part);
  } catch (error) {
    removePart(part);
    throw cannotCopy(source, target, error);
  }
}

/** Windows has two types of links, by what they lead to. */
function typeOfLink(path: string): "dir" | "file" | null {
  if (process.platform !== "win32") return null;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? "dir" : "file";
}
