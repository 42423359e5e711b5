/**
 * Parts: the temporary names under which copies are written, beside their targets.
 *
 * A part is called `.NAME.HOST-PROCESS-RANDOM.iocp-part`, so that a later run can
 * tell one that a killed process has left from one that is being written.
 *
 * @module
 */

import { readdirSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join, sep } from "node:path";
import process from "node:process";

const SUFFIX = ".iocp-part";
const PATTERN = /^\..*\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.iocp-part$/s;

/** Bytes of a file's name that are kept in its part's: file systems allow 255 in all. */
const MAX_NAME_BYTES = 200;

/** Milliseconds without a write after which a part is left over, whoever has made it. */
const STALE_MS = 3_600_000;

/** The parts this process is writing. */
const live: Set<string> = new Set();

let host: string | undefined;

/** Process numbers mean something on one machine only; a shared folder is seen by many. */
function hostTag(): string {
  return host ??= hex(hash(hostname()));
}

/** FNV-1a: enough to tell the machines of one network apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ byte, 0x01000193);
  }
  return value >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

/** Counts the parts of this process, from a random number on: one of its number may have been before. */
let count: number | undefined;

/** A new name beside `target`; it is live until `release`. */
export function reservePart(target: string): string {
  count ??= crypto.getRandomValues(new Uint32Array(1))[0];
  count = count + 1 >>> 0;
  const end = Math.max(target.lastIndexOf("/"), target.lastIndexOf(sep)) + 1;
  const name = `.${cut(target.slice(end))}.${hostTag()}-${process.pid}-${hex(count)}${SUFFIX}`;
  const part = target.slice(0, end) + name;
  live.add(part);
  return part;
}

/** The part has got its final name, or is to be left to nobody. */
export function releasePart(part: string): void {
  live.delete(part);
}

/** Removes the part of a copy that has failed. */
export function removePart(part: string): void {
  live.delete(part);
  try {
    rmSync(part, { force: true });
  } catch {
    // What made the copy fail is being told; a part does no harm, and a later run removes it.
  }
}

/** Removes what killed processes have left in `folder`; only of the file `name`, if given. */
export function removeStaleParts(folder: string, name?: string): void {
  const prefix = name === undefined ? "." : `.${cut(name)}.`;
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(prefix) || !entry.endsWith(SUFFIX)) continue;
    const path = join(folder, entry);
    if (isStale(path, entry)) rmSync(path, { force: true });
  }
}

function isStale(path: string, entry: string): boolean {
  const [, tag, id] = PATTERN.exec(entry) ?? [];
  if (id === undefined || live.has(path)) return false;
  if (tag === hostTag() && !mayBeRunning(Number(id))) return true;
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > STALE_MS;
}

/** Whether there is such a process, or no way to tell. This one's parts are in `live`. */
function mayBeRunning(id: number): boolean {
  if (id === process.pid) return false;
  // Deno would ask the user whether the tool may run programs, and that it need not.
  const state = "Deno" in globalThis
    ? Deno.permissions.querySync({ name: "run" }).state
    : "granted";
  if (state !== "granted") return true;
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    // Anything else: there is one, of another user.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** The beginning of a long name, up to a whole character. */
function cut(name: string): string {
  // A character of a string is three bytes at most.
  if (name.length * 3 <= MAX_NAME_BYTES) return name;
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= MAX_NAME_BYTES) return name;
  return new TextDecoder().decode(bytes.subarray(0, MAX_NAME_BYTES)).replace(/\uFFFD+$/, "");
}
