/**
 * Files that scenarios work on, in a folder that is removed in the end.
 *
 * @module
 */

import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

let folder: string | null = null;
let fast: string | null = null;

/**
 * A folder for this run, removed in the end. Where it is decides what is measured: the variable
 * `IOCP_BENCH_FOLDER` names another place than the system's folder for temporary files.
 */
export function runFolder(): string {
  return folder ??= mkdtempSync(join(process.env.IOCP_BENCH_FOLDER ?? tmpdir(), "iocp-bench-"));
}

/** Where Linux keeps files in memory. */
const MEMORY = "/dev/shm";

/**
 * A folder of a file system in memory where there is one, for what a disk's writing back would make
 * differ by several times from pass to pass; else, and if a place was named, `runFolder`.
 */
export function fastFolder(): string {
  if (process.env.IOCP_BENCH_FOLDER !== undefined || !existsSync(MEMORY)) return runFolder();
  return fast ??= mkdtempSync(join(MEMORY, "iocp-bench-"));
}

/** Removes the folders and all in them. */
export function removeRunFolder(): void {
  for (const path of [folder, fast]) {
    if (path !== null) rmSync(path, { recursive: true, force: true });
  }
  folder = fast = null;
}

const PIECE = 1 << 20;

/** A file of `byteLength` bytes that no two MiB of are alike. */
export function makeFile(path: string, byteLength: number): string {
  const piece = new Uint32Array(PIECE / 4);
  for (let i = 0, state = 1; i < piece.length; i++) {
    piece[i] = state = Math.imul(state, 1664525) + 1013904223 | 0;
  }
  const fd = openSync(path, "w");
  for (let at = 0; at < byteLength; at += PIECE) {
    piece[0] = at;
    writeSync(fd, new Uint8Array(piece.buffer, 0, Math.min(PIECE, byteLength - at)));
  }
  closeSync(fd);
  return path;
}
