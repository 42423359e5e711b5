/**
 * The owner's side: who hashes what, and the results in order.
 *
 * The owner hashes by itself until the threads of the pool do, and starts those only
 * when there is enough to be done: see `patience.ts`.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { HashOptions } from "./arguments.ts";
import { Alone, PATIENCE, type Patience } from "./patience.ts";
import { Progress } from "./progress.ts";
import { Reader } from "./reader.ts";
import { reasonOfFailure } from "./reasons.ts";
import { Threads } from "./threads.ts";
import type { Found, Item } from "./tree.ts";
import { FAILURE, type Shared, TOO_LARGE } from "./work.ts";

/** Files of one task at most, and of what the owner hashes at a time. */
const MAX_FILES = 128;

/** Milliseconds of looking for files before the owner hashes some; less once it has begun. */
const FIRST_LOOK_MS = 50;
const LOOK_MS = 5;

/** Milliseconds after which the event loop gets a turn. */
const TURN_MS = 10;

/** What has become of a file: its digest, or why there is none. */
export type Result =
  | { readonly path: string; readonly digest: string; readonly reason: null }
  | { readonly path: string; readonly digest: null; readonly reason: string };

/** Something went wrong in a thread that is not a file's fault. */
export class ThreadFailure extends Error {
  override readonly name: string = "ThreadFailure";
}

/**
 * Hashes all files of `roots` and hands the results to `tell`, in the roots' order. Hashing
 * begins while files are still being looked for.
 */
export async function hashAll(
  roots: readonly Found[],
  { threads, silent }: HashOptions,
  tell: (results: readonly Result[]) => void,
  patience: Patience = PATIENCE,
): Promise<void> {
  const hasher = new Hasher(threads, tell, patience);
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
  readonly #count: number;
  readonly #tell: (results: readonly Result[]) => void;
  readonly #alone: Alone;
  readonly #shared: Shared;
  readonly #reader: Reader;
  #threads: Threads | null = null;
  /** Files that nobody has been given, from `#next` on. */
  #waiting: Item[] = [];
  #next = 0;
  /** Files that the owner leaves to the threads. */
  readonly #large: Item[] = [];
  #isAllFound = false;
  /** When the event loop has had its last turn, and for how long files may be looked for. */
  #turnedAt: number = performance.now();
  #lookMs = FIRST_LOOK_MS;
  readonly #results: Map<Item, Result> = new Map();
  /** What is to be told, in order, and how much of it has been. */
  #order: readonly Item[] = [];
  #told = 0;
  #failure: Error | null = null;
  /** Called when a task is done. */
  #whenDone: () => void = () => {};

  constructor(count: number, tell: (results: readonly Result[]) => void, patience: Patience) {
    this.#count = count;
    this.#tell = tell;
    this.#alone = new Alone(patience);
    // The last number is the owner's.
    const memory = new SharedArrayBuffer((count + 1) * Float64Array.BYTES_PER_ELEMENT);
    this.#shared = { hashed: new Float64Array(memory) };
    this.#reader = new Reader(this.#shared, count, patience.bytes);
  }

  /** Bytes hashed so far. */
  get hashed(): number {
    return this.#shared.hashed.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Has the files of a root hashed. Returns them, when all are found. */
  async add(root: Found): Promise<readonly Item[]> {
    let lookedAt = performance.now();
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
      this.#alone.find(value.length);
      if (this.#alone.isAllowed && performance.now() - lookedAt < this.#lookMs) continue;
      this.#lookMs = LOOK_MS;
      this.#work();
      await this.#turn();
      lookedAt = performance.now();
    }
  }

  /** Waits until all is hashed and told. */
  async finish(): Promise<void> {
    this.#isAllFound = true;
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const isWorking = this.#work();
      this.#tellFinished();
      if (isWorking) await this.#turn();
      else if (this.#threads?.isIdle ?? true) return;
      else await new Promise<void>((resolve) => this.#whenDone = resolve);
    }
  }

  /** Ends what was begun. */
  async close(): Promise<void> {
    this.#reader[Symbol.dispose]();
    await this.#threads?.close(this.#failure !== null);
  }

  /** Gives the threads tasks, or hashes some files here. False if that is for others to do. */
  #work(): boolean {
    const left = this.#waiting.length - this.#next;
    if (this.#large.length > 0 || this.#alone.isTooLong(left, this.#isAllFound)) {
      this.#threads ??= new Threads(this.#count, this.#shared, (cause) => this.#fail(cause));
    }
    if (this.#threads !== null) this.#giveTasks(this.#threads);
    if (this.#next === this.#waiting.length || this.#threads?.isServing) return false;
    if (!this.#alone.isAllowed) return false;
    this.#hashHere();
    return true;
  }

  #hashHere(): void {
    const items = this.#take(MAX_FILES);
    const begunAt = performance.now();
    const found = this.#reader.hash(items.map(({ path }) => path));
    this.#alone.add(items.length, performance.now() - begunAt);
    this.#keep(items, found);
  }

  #giveTasks(threads: Threads): void {
    while (threads.hasRoom && this.#large.length > 0) {
      void this.#hash(threads, this.#large.splice(-1));
    }
    // Small files need not wait for threads that start, as long as there is the owner.
    if (!threads.isServing && this.#alone.isAllowed) return;
    while (threads.hasRoom && this.#next < this.#waiting.length) {
      void this.#hash(threads, this.#take(this.#share()));
    }
  }

  /** The next files, so many at most. */
  #take(count: number): Item[] {
    const items = this.#waiting.slice(this.#next, this.#next += count);
    if (this.#next >= this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    return items;
  }

  /** How many files the next task gets: fewer towards the end, so that all threads end together. */
  #share(): number {
    const left = this.#waiting.length - this.#next;
    return Math.max(1, Math.min(MAX_FILES, Math.floor(left / (2 * this.#count))));
  }

  async #hash(threads: Threads, items: readonly Item[]): Promise<void> {
    try {
      this.#keep(items, await threads.hash(items.map(({ path }) => path)));
    } catch (error) {
      this.#fail(error);
    }
    this.#giveTasks(threads);
    this.#whenDone();
  }

  #keep(items: readonly Item[], found: readonly string[]): void {
    items.forEach((item, index) => {
      if (found[index] === TOO_LARGE) this.#large.push(item);
      else this.#results.set(item, resultOf(item.path, found[index]));
    });
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

  /** Lets the event loop have a turn, if it had none for a while: by its messages threads start. */
  async #turn(): Promise<void> {
    if (performance.now() - this.#turnedAt < TURN_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#turnedAt = performance.now();
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
