/**
 * The files that are served, as they are at the moment.
 *
 * @module
 */

import mime from "mime/lite";
import { readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import process from "node:process";
import { NativeBuffer } from "../../src/pool/thread.ts";
import type { Validators } from "./conditions.ts";
import { Refusal } from "./refusal.ts";
import { readTarget } from "./target.ts";

/** What a folder serves itself as. */
const INDEX = "index.html";
/** Files that are remembered. */
const MAX_KNOWN = 4096;
/** Bytes of their contents that are, together. */
const MAX_KNOWN_BYTES = 64 * 1024 * 1024;

/** A file, as it was found. */
export interface ServedFile extends Validators {
  readonly path: string;
  readonly byteLength: number;
  /** The media type. */
  readonly type: string;
  /** When it was last modified, as HTTP writes dates. */
  readonly modified: string;
  /** All of it, if it is small. Freed when the file is forgotten: what is being sent is kept. */
  readonly content: NativeBuffer | null;
  readonly stats: Stats;
}

/** The files below one folder. */
export class Files {
  readonly #root: string;
  readonly #smallBytes: number;
  /** By path; the one read last is the last. */
  readonly #known = new Map<string, ServedFile>();
  #knownBytes = 0;

  /** The files below `root`, a path without links; contents of up to `smallBytes` are kept. */
  constructor(root: string, smallBytes: number) {
    this.#root = root;
    this.#smallBytes = smallBytes;
  }

  /**
   * The file that `target` asks for. It is looked at each time, so that what is served is what is there.
   *
   * @throws {Refusal} if there is none, or it lies elsewhere.
   */
  find(target: string): ServedFile {
    const names = readTarget(target, process.platform === "win32");
    const isFolder = names.at(-1) === "";
    if (isFolder) names[names.length - 1] = INDEX;
    const path = join(this.#root, ...names);
    const stats = statusOf(path);
    if (stats?.isDirectory() && !isFolder) throw movedTo(target);
    if (!stats?.isFile()) throw missing();
    const known = this.#known.get(path);
    if (known !== undefined && isSame(known.stats, stats)) return known;
    if (known !== undefined) this.#forget(known);
    return this.#read(path, stats);
  }

  #read(path: string, stats: Stats): ServedFile {
    let content: NativeBuffer | null = null;
    try {
      // A link may lead out of the folder: what lies elsewhere is not served.
      const place = relative(this.#root, realpathSync(path));
      if (place === ".." || place.startsWith(`..${sep}`) || isAbsolute(place)) throw missing();
      if (stats.size <= this.#smallBytes) content = contentOf(path);
    } catch (error) {
      throw refusalFor(error);
    }
    const byteLength = content?.byteLength ?? stats.size;
    const file = {
      path,
      byteLength,
      type: typeOf(path),
      tag: `"${Math.round(stats.mtimeMs * 1000).toString(16)}-${byteLength.toString(16)}"`,
      modifiedSeconds: Math.floor(stats.mtimeMs / 1000),
      modified: new Date(stats.mtimeMs).toUTCString(),
      content,
      stats,
    };
    this.#remember(file);
    return file;
  }

  #remember(file: ServedFile): void {
    this.#known.set(file.path, file);
    this.#knownBytes += file.content?.byteLength ?? 0;
    for (const oldest of this.#known.values()) {
      if (this.#known.size <= MAX_KNOWN && this.#knownBytes <= MAX_KNOWN_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forget(file: ServedFile): void {
    this.#known.delete(file.path);
    this.#knownBytes -= file.content?.byteLength ?? 0;
    file.content?.free();
  }
}

/** What is at `path`; `undefined` if there is nothing. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw refusalFor(error);
  }
}

/** What is in a file, in memory that the kernel can send from; `null` if there is nothing. */
function contentOf(path: string): NativeBuffer | null {
  const bytes = readFileSync(path);
  if (bytes.length === 0) return null;
  const content = NativeBuffer.allocate(bytes.length);
  content.bytes.set(bytes);
  return content;
}

/** Whether nothing says that the file has changed in between. */
function isSame(one: Stats, other: Stats): boolean {
  return one.mtimeMs === other.mtimeMs && one.size === other.size && one.ino === other.ino &&
    one.dev === other.dev && one.ctimeMs === other.ctimeMs;
}

function typeOf(path: string): string {
  const type = mime.getType(path) ?? "application/octet-stream";
  const isText = type.startsWith("text/") || /[/+](?:json|xml|javascript)$/.test(type);
  return isText ? `${type}; charset=utf-8` : type;
}

function missing(): Refusal {
  return new Refusal(404, "there is no such file");
}

/** Links in a page count from the folder, so that its address must end with a slash. */
function movedTo(target: string): Refusal {
  const [path] = target.replace(/^[a-z]+:\/\/[^/?#]*/i, "").split("?", 1);
  return new Refusal(301, "this is a folder", { Location: `${path}/` });
}

function refusalFor(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Refusal) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ELOOP":
    case "ENAMETOOLONG":
    case "EINVAL":
      return missing();
    case "EACCES":
    case "EPERM":
      return new Refusal(403, "the file cannot be read");
    case "EMFILE":
    case "ENFILE":
      return new Refusal(503, "too many files are open");
    default:
      return error;
  }
}
