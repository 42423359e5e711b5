/**
 * The owner's side: which thread hashes what, and the results in order.
 *
 * @module
 */

import { Pool } from "../../mod.ts";
import type { HashOptions } from "./arguments.ts";
import { Progress } from "./progress.ts";
import { reasonOfFailure } from "./reasons.ts";
import type { Found, Item } from "./tree.ts";
import { FAILURE, SEPARATOR, type Shared } from "./work.ts";

/** Files of one task at most. */
const MAX_FILES = 128;

/** Tasks a thread is given at a time: when it has done one, the next is there. */
const TASKS_A_THREAD = 2;

/** Milliseconds of looking for files after which the threads are seen to. */
const LOOK_MS = 5;

/** What has become of a file: its digest, or why there is none. */
export type Result =
  | { readonly path: string; readonly digest: string; readonly reason: null }
  | { readonly path: string; readonly digest: null; readonly reason: string };

/** Something went wrong in a thread that is not a file's fault. */
export class ThreadFailure extends Error {
  override readonly name: string = "ThreadFailure";
}

/**
 * Hashes all files of `roots` and hands the results to `tell`, in the roots' order. Threads
 * begin while files are still being looked for.
 */
export async function hashAll(
  roots: readonly Found[],
  { threads, silent }: HashOptions,
  tell: (results: readonly Result[]) => void,
): Promise<void> {
  const hasher = new Hasher(threads, tell);
  try {
    const items: Item[] = [];
    for (const root of roots) items.push(...await hasher.add(root));
    using _progress = await Progress.start(items, silent, () => hasher.hashed);
    await hasher.finish();
  } finally {
    await hasher.close();
  }
}

class Hasher {
  readonly #pool: Pool;
  readonly #threads: number;
  readonly #tell: (results: readonly Result[]) => void;
  readonly #shared: Shared;
  /** Files that no thread has been given, from `#next` on. */
  #waiting: Item[] = [];
  #next = 0;
  /** Tasks that are not done. */
  #tasks = 0;
  readonly #results: Map<Item, Result> = new Map();
  /** What is to be told, in order, and how much of it has been. */
  #order: readonly Item[] = [];
  #told = 0;
  #failure: Error | null = null;
  /** Called when a task is done. */
  #whenDone: () => void = () => {};

  constructor(threads: number, tell: (results: readonly Result[]) => void) {
    this.#threads = threads;
    this.#tell = tell;
    const memory = new SharedArrayBuffer(threads * Float64Array.BYTES_PER_ELEMENT);
    this.#shared = { hashed: new Float64Array(memory) };
    this.#pool = new Pool(new URL("./thread.ts", import.meta.url), {
      name: "hash",
      threads,
      concurrency: threads,
      data: this.#shared,
    });
    this.#pool.addEventListener("error", ({ error }) => this.#fail(error));
  }

  /** Bytes hashed so far. */
  get hashed(): number {
    return this.#shared.hashed.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Has the files of a root hashed. Returns them, when all are found. */
  async add(root: Found): Promise<readonly Item[]> {
    let looked = performance.now();
    for (;;) {
      const { done, value } = root.next();
      if (done) {
        this.#order = this.#order.concat(value);
        return value;
      }
      for (const item of value) {
        const { path, reason } = item;
        if (reason === null) this.#waiting.push(item);
        else this.#results.set(item, { path, digest: null, reason });
      }
      this.#giveTasks();
      if (performance.now() - looked < LOOK_MS) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      looked = performance.now();
    }
  }

  /** Waits until all is hashed and told. */
  async finish(): Promise<void> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      this.#giveTasks();
      this.#tellFinished();
      if (this.#tasks === 0) return;
      await new Promise<void>((resolve) => this.#whenDone = resolve);
    }
  }

  /** Ends the threads. Of one that has failed it is not known whether it ends. */
  async close(): Promise<void> {
    await this.#pool.close(this.#failure === null ? {} : { timeoutMs: 0 });
  }

  #giveTasks(): void {
    while (this.#tasks < this.#threads * TASKS_A_THREAD && this.#next < this.#waiting.length) {
      const items = this.#waiting.slice(this.#next, this.#next += this.#share());
      this.#tasks++;
      void this.#hash(items);
    }
    if (this.#next < this.#waiting.length) return;
    this.#waiting = [];
    this.#next = 0;
  }

  /** How many files the next task gets: fewer towards the end, so that all threads end together. */
  #share(): number {
    const left = this.#waiting.length - this.#next;
    return Math.max(1, Math.min(MAX_FILES, Math.floor(left / (2 * this.#threads))));
  }

  async #hash(items: readonly Item[]): Promise<void> {
    try {
      const paths = items.map(({ path }) => path).join(SEPARATOR);
      const found = (await this.#pool.run<string>("hash", paths)).split(SEPARATOR);
      items.forEach((item, index) => this.#results.set(item, resultOf(item.path, found[index])));
    } catch (error) {
      this.#fail(error);
    }
    this.#tasks--;
    this.#giveTasks();
    this.#whenDone();
  }

  /** Results are told as soon as all before them are there. */
  #tellFinished(): void {
    const results: Result[] = [];
    for (; this.#told < this.#order.length; this.#told++) {
      const item = this.#order[this.#told];
      const result = this.#results.get(item);
      if (result === undefined) break;
      this.#results.delete(item);
      results.push(result);
    }
    if (results.length > 0) this.#tell(results);
  }

  #fail(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new ThreadFailure(`a thread has failed: ${message}`, { cause });
    this.#whenDone();
  }
}

function resultOf(path: string, text: string): Result {
  if (!text.startsWith(FAILURE)) return { path, digest: text, reason: null };
  return { path, digest: null, reason: reasonOfFailure(path, text.slice(FAILURE.length)) };
}
