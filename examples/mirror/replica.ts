/**
 * Making a path of one folder equal to the same path of another.
 *
 * @module
 */

import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { reasonOf, shown } from "../file-copy/failure.ts";

/** What a copy is called until it is whole. */
const PART = ".mirror-part";

/** Where lines go: what was done, and what could not be. */
export interface Log {
  done(line: string): void;
  failed(line: string): void;
}

/** The folder that is kept equal. */
export class Replica {
  readonly #source: string;
  readonly #target: string;
  readonly #log: Log;

  /** Makes `target` equal to `source`, both absolute, when asked to. */
  constructor(source: string, target: string, log: Log) {
    this.#source = source;
    this.#target = target;
    this.#log = log;
  }

  /**
   * Makes the path equal, and all in it if it is a folder. What goes away meanwhile
   * is nothing that went wrong: the next change tells of it. With `isWritten` a file
   * is copied although its size and time are the same.
   */
  equal(path: string, isWritten: boolean = false): void {
    const [from, to] = [join(this.#source, path), join(this.#target, path)];
    try {
      const wanted = lstatSync(from, { throwIfNoEntry: false });
      const present = lstatSync(to, { throwIfNoEntry: false });
      if (wanted === undefined || isSpecial(wanted)) {
        if (present !== undefined && path !== "") this.#remove(path);
        return;
      }
      if (present !== undefined && typeOf(present) !== typeOf(wanted)) this.#remove(path);
      const isThere = present !== undefined && typeOf(present) === typeOf(wanted);
      if (wanted.isDirectory()) this.#equalFolder(path, isThere, wanted);
      else if (wanted.isSymbolicLink()) this.#equalLink(path, isThere);
      else this.#equalFile(path, isThere ? present : undefined, wanted, isWritten);
    } catch (error) {
      if (!hasGone(error, from)) {
        this.#log.failed(`cannot make ${shown(to)} equal to ${shown(from)}: ${reasonOf(error)}`);
      }
    }
  }

  /** A rename is done as one if it can be; then both paths are made equal. */
  rename(oldPath: string, path: string): void {
    try {
      renameSync(join(this.#target, oldPath), join(this.#target, path));
      this.#log.done(`> ${shown(oldPath)} ${shown(path)}`);
    } catch {
      // Whatever is in the way: making the paths equal does the same.
    }
    this.equal(oldPath);
    this.equal(path);
  }

  #equalFolder(path: string, isThere: boolean, wanted: Stats): void {
    const [from, to] = [join(this.#source, path), join(this.#target, path)];
    if (!isThere) {
      mkdirSync(to);
      this.#log.done(`+ ${shown(path)}`);
    }
    const names = new Set(readdirSync(from));
    for (const name of readdirSync(to)) if (!names.has(name)) this.#remove(join(path, name));
    for (const name of names) this.equal(join(path, name));
    if (path !== "") chmodSync(to, wanted.mode & 0o777);
  }

  #equalLink(path: string, isThere: boolean): void {
    const [from, to] = [join(this.#source, path), join(this.#target, path)];
    const leadsTo = readlinkSync(from);
    if (isThere && readlinkSync(to) === leadsTo) return;
    if (isThere) rmSync(to);
    symlinkSync(leadsTo, to);
    this.#log.done(`+ ${shown(path)}`);
  }

  /** The copy has another name until it is whole. */
  #equalFile(
    path: string,
    present: Stats | undefined,
    wanted: Stats,
    isWritten: boolean,
  ): void {
    if (
      !isWritten && present !== undefined && present.size === wanted.size &&
      Math.trunc(present.mtimeMs) === Math.trunc(wanted.mtimeMs)
    ) return;
    const [from, to] = [join(this.#source, path), join(this.#target, path)];
    const part = join(dirname(to), `.${basename(to)}${PART}`);
    try {
      copyFileSync(from, part);
      chmodSync(part, wanted.mode & 0o777 | 0o200);
      utimesSync(part, wanted.atimeMs / 1000, Math.trunc(wanted.mtimeMs) / 1000);
      if ((wanted.mode & 0o200) === 0) chmodSync(part, wanted.mode & 0o777);
      renameSync(part, to);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
    this.#log.done(`${present === undefined ? "+" : "~"} ${shown(path)}`);
  }

  #remove(path: string): void {
    rmSync(join(this.#target, path), { recursive: true, force: true });
    this.#log.done(`- ${shown(path)}`);
  }
}

function typeOf(stats: Stats): string {
  return stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "file";
}

/** Neither file nor folder nor link. */
function isSpecial(stats: Stats): boolean {
  return !stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink();
}

/** Whether the error is that the source is not there any more. */
function hasGone(error: unknown, from: string): boolean {
  const isMissing = error instanceof Error && "code" in error &&
    (error.code === "ENOENT" || error.code === "ENOTDIR");
  return isMissing && lstatSync(from, { throwIfNoEntry: false }) === undefined;
}
