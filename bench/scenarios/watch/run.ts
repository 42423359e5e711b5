/**
 * A watcher in a process of its own, and files that are made before its eyes.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { median } from "../../figures.ts";
import { fastFolder } from "../../files.ts";
import { compiled, output, ROOT } from "../../programs.ts";
import { LeftOut, type Sample } from "../../scenario.ts";
import { start } from "../../signals.ts";

const FOLDERS = 50;

/** What a watcher says in the end. */
interface Outcome {
  readonly seen: number;
  readonly overflows?: number;
  /** When the last file was told of. */
  readonly last: number;
}

/** A watcher of a new folder, which is ready. */
class Watching {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #problems = "";

  constructor(command: readonly string[], files: number, mode: "all" | "each") {
    this.folder = mkdtempSync(join(fastFolder(), "watch-"));
    for (let i = 0; i < FOLDERS; i++) mkdirSync(join(this.folder, `${i}`));
    this.#child = start([...command, this.folder, `${files}`, mode], ROOT);
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#problems += text);
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`The watcher has ended: ${this.#problems.slice(-500)}`);
    return value;
  }

  close(): void {
    this.#reader.close();
    this.#child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Files a second that are told of, from when the first is made until the last is told; lost ones. */
export async function rateOf(command: readonly string[], files: number): Promise<Sample> {
  const watching = new Watching(command, files, "all");
  try {
    await watching.line();
    const began = await makeFiles(watching.folder, files);
    const { seen, overflows = 0, last } = JSON.parse(await watching.line()) as Outcome;
    const value = seen / Math.max(last - began, 0.001) * 1000;
    return { value, notes: { lost: files - seen, overflows } };
  } finally {
    watching.close();
  }
}

/** Microseconds from before a file is made until it is told of: the median over `files`. */
export async function latencyOf(command: readonly string[], files: number): Promise<number> {
  const watching = new Watching(command, files, "each");
  try {
    await watching.line();
    const latencies: number[] = [];
    for (let i = 0; i < files; i++) {
      const began = performance.timeOrigin + performance.now();
      writeFileSync(join(watching.folder, `${i % FOLDERS}`, `${i}`), "x");
      latencies.push((Number(await watching.line()) - began) * 1000);
    }
    return median(latencies);
  } finally {
    watching.close();
  }
}

/** By a program in C, as fast as the file system does; where there is no compiler, by this one. */
async function makeFiles(folder: string, files: number): Promise<number> {
  let program: string | null = null;
  try {
    program = compiled("make-files.c");
  } catch (error) {
    if (!(error instanceof LeftOut)) throw error;
  }
  if (program !== null) return Number(await output([program, folder, `${FOLDERS}`, `${files}`]));
  const began = performance.timeOrigin + performance.now();
  for (let i = 0; i < files; i++) writeFileSync(join(folder, `${i % FOLDERS}`, `${i}`), "x");
  return began;
}
