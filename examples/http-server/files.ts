/**
 * The files that are served, as they are at the moment.
 *
 * @module
 */

import mime from "mime/lite";
import { readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import process from "node:process";
import { FileHandle, NativeBuffer, Win32Error } from "../../src/pool/thread.ts";
import { dateNow, headOf } from "./answer.ts";
import type { Validators } from "./conditions.ts";
import { Refusal } from "./refusal.ts";
import { readTarget } from "./target.ts";

/** What a folder serves itself as. */
const INDEX = "index.html";
/** Files that are remembered. */
const MAX_KNOWN = 4096;
/** Bytes of their contents that are, together. */
const MAX_KNOWN_BYTES = 64 * 1024 * 1024;
/** Bytes of a file whose answer is kept whole, head and content. */
const WHOLE_BYTES = 8 * 1024;

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

/** What is kept of a file beside that. */
interface KnownFile extends ServedFile {
  /** The batch in which it was looked at last; -1 once it is forgotten. */
  lookedAt: number;
  /** When it was asked for last, as HTTP writes dates. */
  askedAt: string;
  /** The beginning of its usual answer, at `askedAt`: the head, with the content if that is short. */
  answer: NativeBuffer | null;
  /** Open while the batch lasts in which it was opened. */
  handle: FileHandle | null;
}

/** The files below one folder. */
export class Files {
  readonly #root: string;
  readonly #smallBytes: number;
  /** By path; the one read last is the last. */
  readonly #known = new Map<string, KnownFile>();
  #knownBytes = 0;
  /** The batch of requests that is being answered, and by their targets the files that were looked at for it. */
  #batch = -1;
  readonly #found = new Map<string, KnownFile>();

  /** The files below `root`, a path without links; contents of up to `smallBytes` are kept. */
  constructor(root: string, smallBytes: number) {
    this.#root = root;
    this.#smallBytes = smallBytes;
  }

  /**
   * The file that `target` asks for. It is looked at for each batch of requests, after all of them
   * had come, so that what is served is what is there.
   *
   * @throws {Refusal} if there is none, or it lies elsewhere.
   */
  find(target: string, batch: number): ServedFile {
    if (batch !== this.#batch) this.#begin(batch);
    const found = this.#found.get(target);
    if (found !== undefined && found.lookedAt === batch) return found;
    const file = this.#look(target);
    file.lookedAt = batch;
    this.#found.set(target, file);
    return file;
  }

  /** What was looked at and opened before is of no more use. */
  #begin(batch: number): void {
    this.#batch = batch;
    for (const file of this.#found.values()) closeFile(file);
    this.#found.clear();
  }

  #look(target: string): KnownFile {
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

  /**
   * The usual answer of a file that was found in this batch, if it is asked for so often that this is worth
   * while: its head, and whether the content is behind it.
   */
  answer(file: ServedFile): { buffer: NativeBuffer; isWhole: boolean } | null {
    const known = file as KnownFile;
    const date = dateNow();
    const { content } = known;
    const isWhole = content !== null && content.byteLength <= WHOLE_BYTES;
    if (known.askedAt !== date) {
      known.askedAt = date;
      known.answer?.free();
      known.answer = null;
      return null;
    }
    known.answer ??= bytesOf(usualHead(known), isWhole ? content : null);
    return { buffer: known.answer, isWhole };
  }

  /** A file that was found in this batch, open until that is over. */
  open(file: ServedFile): FileHandle {
    return (file as KnownFile).handle ??= openFile(file);
  }

  /** All memory is given back. */
  [Symbol.dispose](): void {
    this.#begin(-1);
    for (const file of this.#known.values()) this.#forget(file);
  }

  #read(path: string, stats: Stats): KnownFile {
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
      lookedAt: -1,
      askedAt: "",
      answer: null,
      handle: null,
    };
    this.#remember(file);
    return file;
  }

  #remember(file: KnownFile): void {
    this.#known.set(file.path, file);
    this.#knownBytes += file.content?.byteLength ?? 0;
    for (const oldest of this.#known.values()) {
      if (this.#known.size <= MAX_KNOWN && this.#knownBytes <= MAX_KNOWN_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forget(file: KnownFile): void {
    this.#known.delete(file.path);
    this.#knownBytes -= file.content?.byteLength ?? 0;
    file.lookedAt = -1;
    file.content?.free();
    file.answer?.free();
    closeFile(file);
  }
}

/** The head of the answer with all of a file, on a connection that is kept. */
export function usualHead(file: ServedFile): string {
  return headOf(200, true, {
    "Content-Type": file.type,
    "Content-Length": file.byteLength,
    "Last-Modified": file.modified,
    ETag: file.tag,
    "Accept-Ranges": "bytes",
  });
}

function bytesOf(head: string, content: NativeBuffer | null): NativeBuffer {
  const bytes = new TextEncoder().encode(head);
  const buffer = NativeBuffer.allocate(bytes.length + (content?.byteLength ?? 0));
  buffer.bytes.set(bytes);
  if (content !== null) buffer.bytes.set(content.bytes, bytes.length);
  return buffer;
}

/** Opens a file that was found, if it still is what it was. */
export function openFile({ path, byteLength }: ServedFile): FileHandle {
  let file: FileHandle;
  try {
    file = FileHandle.open(path, { read: true });
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    const isGone = error.code === 2 || error.code === 3;
    throw isGone
      ? missing()
      : new Refusal(error.code === 5 ? 403 : 503, "the file cannot be opened");
  }
  if (file.size() >= byteLength) return file;
  file.close();
  throw new Refusal(503, "the file is being changed");
}

function closeFile(file: KnownFile): void {
  file.handle?.close();
  file.handle = null;
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
