/**
 * Where named pipes are on Linux. A pipe is a folder, and each of its instances
 * has two entries in it: a file `I.…` while the instance exists, and a socket
 * `L.….N` while it waits for a client. So instances may belong to several
 * processes, a client takes exactly one, and the kernel decides between clients.
 *
 * The entries' names say whose they are and what the instance is like. What a
 * process has left that was killed is told by its id, the time it was started and
 * its namespace, and goes when the pipe is next served.
 *
 * @module
 */

import { folders, libc, sockets } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { processId } from "../../ffi/runtime.ts";
import * as code from "../codes.ts";
import type { Outcome } from "../contract.ts";
import { environment } from "./engines.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { openFolder, readNames } from "./names.ts";
import { region } from "./region.ts";
import { buryDead, self } from "./threads.ts";

const O_CLOEXEC = 0o2000000;
const O_CREAT_EXCL_WRONLY = 0o301;
const AT_EMPTY_PATH = 0x1000;
const STATX_TYPE_MODE_UID = 0xb;

/** What names of pipes begin with. */
const PREFIX = /^\\\\\.\\pipe\\/i;
/** Characters of the part behind the prefix, as on Windows. */
const MAX_NAME = 247;
/** Bytes of a folder's path that fit in an instance's row. */
export const MAX_PATH_BYTES = 700;

/** Whether `path` is what Windows would take for the name of a pipe, of this machine or not. */
export function isPipeName(path: string): boolean {
  return /^\\\\[^\\]+\\pipe\\/i.test(path);
}

/** A pipe's folder. */
export interface PipeFolder {
  readonly path: string;
  /** It lies in the private folder of the user, where nobody else can get at it. */
  readonly isPrivate: boolean;
}

/** The folder of the pipe of this name; a Win32 code if it cannot be one. */
export function folderOf(name: string): PipeFolder | number {
  if (!isPipeName(name)) return code.ERROR_INVALID_NAME;
  if (!PREFIX.test(name)) return code.ERROR_NOT_SUPPORTED; // of another machine
  const rest = name.replace(PREFIX, "");
  if (rest.startsWith("/")) {
    const path = rest.replace(/\/+$/, "");
    const { length } = new TextEncoder().encode(path);
    if (path === "") return code.ERROR_INVALID_NAME;
    return length > MAX_PATH_BYTES ? code.ERROR_INVALID_NAME : { path, isPrivate: false };
  }
  // Names do not differ by the case of their letters on Windows.
  const entry = rest.toLowerCase().replace(/[%/]|^\./g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  const isTooLong = rest.length > MAX_NAME || new TextEncoder().encode(entry).length > 255;
  if (rest === "" || rest.includes("\\") || isTooLong) return code.ERROR_INVALID_NAME;
  return { path: `${rootPath()}/${entry}`, isPrivate: true };
}

/** The private folder: of the login session where there is one. */
function rootPath(): string {
  const base = environment("XDG_RUNTIME_DIR").replace(/\/+$/, "");
  return base.startsWith("/") ? `${base}/iocp-pipes` : `/tmp/iocp-pipes-${folders().geteuid()}`;
}

/** Whether the folder is ours, and `hidden`: nobody else can enter it. */
function isOurs(fd: number, hidden: boolean): boolean {
  const bytes = new Uint8Array(new ArrayBuffer(256));
  const empty = errno.cString("");
  if (libc().statx(fd, empty, AT_EMPTY_PATH, STATX_TYPE_MODE_UID, bytes) !== 0) return false;
  const fields = new DataView(bytes.buffer);
  const isOwner = fields.getUint32(20, true) === folders().geteuid();
  return isOwner && (!hidden || (fields.getUint16(28, true) & 0o077) === 0);
}

/** 0, or the errno for which names cannot be looked up in the private folder. */
function checkRoot(mustMake: boolean): number {
  const path = rootPath();
  if (mustMake && folders().mkdir(errno.cString(path), 0o700) !== 0) {
    if (errno.errno() !== errno.EEXIST) return errno.errno();
  }
  const fd = openFolder(path);
  if (fd < 0) return -fd;
  const isSafe = isOurs(fd, true);
  libc().close(fd);
  // Somebody else may have made it, to offer pipes in our name.
  return isSafe ? 0 : errno.EPERM;
}

/**
 * The folder for a server: made if it is not there, and locked against other
 * servers until `unlockFolder`. Returns its descriptor or a negated errno.
 */
export function lockFolder({ path, isPrivate }: PipeFolder, mode: number): number {
  const reason = isPrivate ? checkRoot(true) : 0;
  if (reason !== 0) return -reason;
  const rights = 0o700 | (mode & 0o060 ? 0o050 : 0) | (mode & 0o006 ? 0o005 : 0);
  const made = folders().mkdir(errno.cString(path), 0o700) === 0;
  if (!made && errno.errno() !== errno.EEXIST) return -errno.errno();
  const fd = openFolder(path);
  if (fd < 0) return fd === -errno.ELOOP || fd === -errno.ENOTDIR ? -errno.EPERM : fd;
  let failure = isOurs(fd, isPrivate) ? 0 : errno.EPERM;
  if (failure === 0 && made && !isPrivate) folders().fchmod(fd, rights);
  if (failure === 0) failure = lock(fd);
  if (failure === 0) return fd;
  unlockFolder(fd);
  return -failure;
}

/** Waits until the folder is locked. Returns 0 or an errno. */
function lock(fd: number): number {
  const LOCK_EX_NB = 6;
  const LOOK_MS = 1;
  const { words } = region();
  words[self() + layout.T_FOLDER] = fd + 1;
  while (folders().flock(fd, LOCK_EX_NB) !== 0) {
    const reason = errno.errno();
    if (reason !== errno.EINTR && reason !== errno.EAGAIN) return reason;
    // It may be a thread that has ended which has it; it is had for a moment otherwise.
    buryDead();
    if (reason === errno.EAGAIN) {
      sockets().poll(new Uint8Array(new ArrayBuffer(8)), word(0), LOOK_MS);
    }
  }
  return 0;
}

/**
 * Lets other servers have the folder. The lock goes before the note of who has it, and that before
 * the descriptor: a thread that ends here loses a descriptor, and never somebody else's.
 */
export function unlockFolder(fd: number): void {
  unlockFor(self(), fd);
}

/** A thread that has ended may have a folder locked: it lets it go. */
export function unlockForEnded(thread: number): void {
  const fd = region().words[thread + layout.T_FOLDER] - 1;
  if (fd >= 0) unlockFor(thread, fd);
}

function unlockFor(thread: number, fd: number): void {
  const LOCK_UN = 8;
  folders().flock(fd, LOCK_UN);
  region().words[thread + layout.T_FOLDER] = 0;
  libc().close(fd);
}

/** The folder for a client. Returns its descriptor or a negated errno. */
export function enterFolder({ path, isPrivate }: PipeFolder): number {
  const reason = isPrivate ? checkRoot(false) : 0;
  return reason === 0 ? openFolder(path) : -reason;
}

/** What an instance's entries say. */
export interface Instance {
  /** `I`: it exists; `L`: it waits for a client; `T`: it is about to. */
  readonly letter: string;
  readonly isMessage: boolean;
  /** `PIPE_ACCESS_…` */
  readonly access: number;
  readonly maxInstances: number;
  readonly defaultTimeoutMs: number;
  /** Its process has not ended. */
  readonly isAlive: boolean;
  /** The entry's name. */
  readonly entry: string;
}

/** What the names of the entries of all instances of a kind have in common. */
export function describeInstances(
  isMessage: boolean,
  access: number,
  maxInstances: number,
  defaultTimeoutMs: number,
): string {
  return `${isMessage ? "m" : "b"}${access}.${maxInstances}.${defaultTimeoutMs}`;
}

/** The part of the entries' names that is this instance's, of number `serial` in this process. */
export function nameInstance(serial: number, description: string): string {
  return `${identity()}.${serial}.${description}`;
}

const ENTRY = /^([ILT])\.(\d+)\.(\d+)\.(\d+)\.\d+\.([mb])([123])\.(\d+)\.(\d+)(?:\.\d+)?$/;

/**
 * The instances in a folder whose entries have one of these letters, read as they
 * are asked for: a pipe may have thousands. Entries that are none are passed over.
 */
export function* readInstances(folder: number, letters: string): Generator<Instance> {
  const living = new Map<string, boolean>();
  // The folder is read anew, whoever has read it by this descriptor before.
  for (const entry of readNames(`/proc/self/fd/${folder}/.`, letters)) {
    const match = ENTRY.exec(entry);
    if (match === null) continue;
    const [, letter, pid, start, space, type, access, max, timeout] = match;
    const owner = `${pid}.${start}.${space}`;
    if (!living.has(owner)) living.set(owner, isAlive(Number(pid), start, space));
    yield {
      letter,
      isMessage: type === "m",
      access: Number(access),
      maxInstances: Number(max),
      defaultTimeoutMs: Number(timeout),
      isAlive: living.get(owner)!,
      entry,
    };
  }
}

/** How an entry of an open folder is named to the kernel; short enough for a socket's address. */
export function entryPath(folder: number, entry: string): string {
  return `/proc/self/fd/${folder}/${entry}`;
}

/** Makes the file that says that the instance exists. Returns 0 or an errno. */
export function makeEntry(folder: number, entry: string): number {
  const path = errno.cString(entryPath(folder, entry));
  const fd = libc().open(path, O_CREAT_EXCL_WRONLY | O_CLOEXEC | errno.O_NOFOLLOW, 0o600);
  if (fd < 0) return errno.errno();
  libc().close(fd);
  return 0;
}

/** Removes an entry, if it is there. */
export function removeEntry(path: string): void {
  folders().unlink(errno.cString(path));
}

/** Removes the folder, if nothing is in it. */
export function removeFolder(path: string): void {
  folders().rmdir(errno.cString(path));
}

/** The outcome of a name that could not be looked up: no such pipe, whatever is missing. */
export function lookupFailure(reason: number): Outcome {
  const isMissing = reason === errno.ENOENT || reason === errno.ENOTDIR;
  if (isMissing) return { code: code.ERROR_FILE_NOT_FOUND, value: 0, errno: reason };
  if (reason === errno.ENAMETOOLONG) {
    return { code: code.ERROR_INVALID_NAME, value: 0, errno: reason };
  }
  return errno.failure(reason === errno.ELOOP ? errno.EPERM : reason);
}

let own: string | undefined;

/** Which process this is, among all that this machine has had. */
function identity(): string {
  return own ??= `${processId}.${startOf("self")}.${namespace()}`;
}

function namespace(): string {
  const bytes = new Uint8Array(new ArrayBuffer(64));
  const path = errno.cString("/proc/self/ns/pid");
  const count = Number(folders().readlink(path, bytes, word(bytes.length)));
  return /\d+/.exec(new TextDecoder().decode(bytes.subarray(0, Math.max(count, 0))))?.[0] ?? "0";
}

/** When the process was started, in clock ticks; "" if it has ended, "?" if nobody says. */
function startOf(process: string): string {
  const file = libc().open(errno.cString(`/proc/${process}/stat`), O_CLOEXEC, 0);
  if (file < 0) return "?";
  const bytes = new Uint8Array(new ArrayBuffer(1024));
  const count = Number(libc().read(file, bytes, word(bytes.length)));
  libc().close(file);
  // The name stands in parentheses and may have any in it; the state is the next field.
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(count, 0)));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? "" : fields[19] ?? "?";
}

function isAlive(pid: number, start: string, space: string): boolean {
  const [, , ownSpace] = identity().split(".");
  // The ids of another namespace mean nothing here.
  if (space !== ownSpace) return true;
  if (folders().kill(pid, 0) !== 0 && errno.errno() === errno.ESRCH) return false;
  const now = startOf(String(pid));
  return now === start || now === "?";
}
