/**
 * What is to be copied, found out before anything is written.
 *
 * @module
 */

import { type Dirent, lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Attributes } from "./attributes.ts";
import { cannotCopy, cannotRead, cannotWrite } from "./failure.ts";

/** A file to copy. */
export interface FileItem {
  readonly source: string;
  readonly target: string;
  /** The size, once it was looked at: what counts is that when the file is opened. */
  size: number | null;
}

/** A link to copy. */
export interface LinkItem {
  readonly source: string;
  readonly target: string;
  readonly attributes: Attributes;
}

/** A folder to make, or one that is there. */
export interface FolderItem {
  readonly target: string;
  readonly exists: boolean;
  readonly attributes: Attributes;
}

/** All that a copy consists of. */
export interface Plan {
  readonly files: FileItem[];
  readonly links: LinkItem[];
  /** Parents before children. */
  readonly folders: FolderItem[];
  /** Pipes, devices and sockets, which are not copied. */
  readonly special: string[];
}

/**
 * Looks at both paths and everything below the source.
 *
 * @throws {CopyFailure} if the one cannot become the other. Nothing has been changed then.
 */
export function planCopy(source: string, target: string): Plan {
  const stats = statOf(source);
  if (stats === undefined) throw cannotRead(source, "No such file or folder");
  if (stats.isDirectory()) return planFolder(source, target, stats);
  if (stats.isFile()) return planFile(source, target, stats);
  throw cannotRead(source, "It is neither a file nor a folder");
}

function planFile(source: string, target: string, stats: Stats): Plan {
  let path = target;
  let there = statOf(path);
  if (there?.isDirectory()) {
    path = join(target, basename(resolve(source)));
    there = statOf(path);
    if (there?.isDirectory()) throw cannotWrite(path, "It is a folder, and a file is needed");
  }
  if (there === undefined) {
    checkParent(path);
    if (path.endsWith("/") || path.endsWith(sep)) {
      throw cannotWrite(path, "There is no such folder");
    }
  } else {
    if (!there.isFile()) throw cannotWrite(path, "It is neither a file nor a folder");
    if (isSame(source, path)) throw cannotCopy(source, path, "They are the same file");
    // What a link leads to is replaced, and not the link.
    path = realpathSync(path);
  }
  return {
    files: [{ source, target: path, size: stats.size }],
    links: [],
    folders: [],
    special: [],
  };
}

function planFolder(source: string, target: string, stats: Stats): Plan {
  const there = statOf(target);
  if (there === undefined) checkParent(target);
  else if (!there.isDirectory()) throw cannotWrite(target, "It is a file, and a folder is needed");
  else if (isSame(source, target)) throw cannotCopy(source, target, "They are the same folder");
  const end = resolve(target);
  const real = there === undefined
    ? join(realpathSync(dirname(end)), basename(end))
    : realpathSync(end);
  const way = relative(realpathSync(source), real);
  if (way !== ".." && !way.startsWith(`..${sep}`) && resolve(way) !== way) {
    throw cannotCopy(source, target, "The target is inside the source");
  }
  return scan(source, target, stats, there !== undefined);
}

/** Walks the source. The list of folders grows while it is gone through. */
function scan(source: string, target: string, attributes: Stats, exists: boolean): Plan {
  const plan: Plan = { files: [], links: [], folders: [], special: [] };
  const sources = [source];
  plan.folders.push({ target, exists, attributes: kept(attributes) });
  for (const [index, folder] of plan.folders.entries()) {
    for (const entry of entriesOf(sources[index])) {
      const from = below(sources[index], entry.name);
      const to = below(folder.target, entry.name);
      const there = folder.exists ? statOf(to, lstatSync) : undefined;
      if (isPlain(entry)) {
        checkReplaced(to, there);
        plan.files.push({ source: from, target: to, size: null });
        continue;
      }
      const stats = lookAt(from, entry.name);
      if (stats.isDirectory()) {
        if (there !== undefined && !there.isDirectory()) {
          throw cannotWrite(to, "It is no folder, and a folder is needed");
        }
        sources.push(from);
        plan.folders.push({ target: to, exists: there !== undefined, attributes: kept(stats) });
        continue;
      }
      checkReplaced(to, there);
      if (stats.isFile()) plan.files.push({ source: from, target: to, size: stats.size });
      else if (stats.isSymbolicLink()) {
        plan.links.push({ source: from, target: to, attributes: kept(stats) });
      } else plan.special.push(from);
    }
  }
  return plan;
}

/** Whether a look at the entry can wait until it is copied. */
function isPlain(entry: Dirent): boolean {
  // Of a name that is not valid Unicode only a look can tell.
  return entry.isFile() && !entry.name.includes("\uFFFD");
}

/** What the entry `name` at `path` is. */
function lookAt(path: string, name: string): Stats {
  const stats = statOf(path, lstatSync);
  if (stats !== undefined) return stats;
  const isText = !name.includes("\uFFFD");
  throw cannotRead(path, isText ? "It has just gone" : "Its name is not valid Unicode");
}

/** What is no folder is to be at `path`. */
function checkReplaced(path: string, there: Stats | undefined): void {
  if (there?.isDirectory()) throw cannotWrite(path, "It is a folder, and a file is needed");
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw cannotRead(folder, error);
  }
}

/** A path in `folder`, as `join` makes it of a path that it has nothing to do to. */
function below(folder: string, name: string): string {
  return folder.endsWith(sep) || folder.endsWith("/") ? folder + name : folder + sep + name;
}

/** Bytes of all files, of which those that nobody has looked at are looked at now. */
export function bytesOf(files: readonly FileItem[]): number {
  let bytes = 0;
  for (const file of files) {
    // One that is not there is missed when it is to be copied.
    file.size ??= statSync(file.source, { throwIfNoEntry: false })?.size ?? 0;
    bytes += file.size;
  }
  return bytes;
}

/** The three numbers alone, since there may be very many. */
function kept({ mode, atimeMs, mtimeMs }: Attributes): Attributes {
  return { mode, atimeMs, mtimeMs };
}

/** The target is to be made: the folder it will lie in must be there. */
function checkParent(target: string): void {
  if (statOf(target, lstatSync) !== undefined) {
    throw cannotWrite(target, "It is a link that leads nowhere");
  }
  const parent = dirname(resolve(target));
  const stats = statOf(parent);
  if (stats === undefined) throw cannotWrite(target, "There is no folder to put it in");
  if (!stats.isDirectory()) throw cannotWrite(target, "What it would lie in is no folder");
}

/** What is at `path`; `undefined` if nothing. */
function statOf(
  path: string,
  stat: typeof statSync | typeof lstatSync = statSync,
): Stats | undefined {
  try {
    return stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw cannotRead(path, error);
  }
}

/** Whether two paths lead to one thing, by whichever links. */
function isSame(source: string, target: string): boolean {
  if (realpathSync(source) === realpathSync(target)) return true;
  const one = statSync(source, { bigint: true });
  const other = statSync(target, { bigint: true });
  return one.ino !== 0n && one.ino === other.ino && one.dev === other.dev;
}
