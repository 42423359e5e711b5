/**
 * The owner's side: which thread hashes what, and the results in order.
 *
 * @module
 */

import { Pool } from "../../mod.ts";
import type { HashOptions } from "./arguments.ts";
import { FAILURE, makeShared, type Shared, type Work } from "./lanes.ts";
import { Progress } from "./progress.ts";
import { reasonOfFailure } from "./reasons.ts";
import type { Item } from "./tree.ts";

/** Files of one task at most. */
const MAX_FILES = 128;

/** What has become of a file: its digest, or why there is none. */
export type Result =
  | { readonly path: string; readonly digest: string; readonly reason: null }
  | { readonly path: string; readonly digest: null; readonly reason: string };

/** Something went wrong in a thread that is not a file's fault. */
export class ThreadFailure extends Error {
  override readonly name: string = "ThreadFailure";
}

/** Hashes all `items` and hands the results to `tell`, in the order of the items. */
export async function hashAll(
  items: readonly Item[],
  { threads, silent }: HashOptions,
  tell: (results: readonly Result[]) => void,
): Promise<void> {
  const hasher = new Hasher(items, threads, tell);
  using _progress = await Progress.start(items, silent, () => hasher.hashed);
  await hasher.run();
}

class Hasher {
  readonly #items: readonly Item[];
  readonly #threads: number;
  readonly #tell: (results: readonly Result[]) => void;
  readonly #shared: Shared;
  /** One more than threads run at a time: while one lane waits for the disk, another is hashed. */
  readonly #lanes: number;
  readonly #finished = new Map<number, readonly Result[]>();
  #next = 0;
  #told = 0;

  constructor(
    items: readonly Item[],
    threads: number,
    tell: (results: readonly Result[]) => void,
  ) {
    this.#items = items;
    this.#threads = threads;
    this.#tell = tell;
    this.#lanes = Math.max(1, Math.min(threads + 1, items.length));
    this.#shared = makeShared(this.#lanes);
  }

  /** Bytes hashed so far. */
  get hashed(): number {
    return this.#shared.hashed.reduce((sum, bytes) => sum + bytes, 0);
  }

  async run(): Promise<void> {
    if (this.#items.length === 0) return;
    // One thread more than there are lanes, so that one is always there to take packets.
    const pool = new Pool(new URL("./thread.ts", import.meta.url), {
      name: "hash",
      threads: this.#lanes + 1,
      concurrency: this.#threads,
      data: this.#shared,
    });
    const failed = new Promise<never>((_, reject) => {
      pool.addEventListener("error", ({ error }) => {
        reject(new ThreadFailure(`a thread has failed: ${error.message}`, { cause: error }));
      });
    });
    const lanes = Array.from({ length: this.#lanes }, (_, lane) => this.#work(pool, lane));
    try {
      await Promise.race([Promise.all(lanes), failed]);
    } catch (error) {
      // A thread that waits for a read whose packet was lost would wait for ever.
      void pool.close({ timeoutMs: 0 });
      throw error;
    }
    await pool.close();
  }

  /** Gives one lane work until there is none. */
  async #work(pool: Pool, lane: number): Promise<void> {
    for (;;) {
      const first = this.#next;
      if (first === this.#items.length) return;
      const items = this.#items.slice(first, this.#next += this.#share());
      const paths = items.filter(({ reason }) => reason === null).map(({ path }) => path);
      const work: Work = { lane, paths };
      const found = paths.length === 0 ? [] : await pool.run<string[]>("hash", work);
      let at = 0;
      this.#finish(
        first,
        items.map(({ path, reason }) => {
          if (reason !== null) return { path, digest: null, reason };
          const text = found[at++];
          return text.startsWith(FAILURE)
            ? { path, digest: null, reason: reasonOfFailure(path, text.slice(FAILURE.length)) }
            : { path, digest: text, reason: null };
        }),
      );
    }
  }

  /** How many files the next task gets: fewer towards the end, so that all lanes end together. */
  #share(): number {
    const left = this.#items.length - this.#next;
    return Math.max(1, Math.min(MAX_FILES, Math.floor(left / (2 * this.#lanes))));
  }

  /** Results are told as soon as all before them are. */
  #finish(first: number, results: readonly Result[]): void {
    this.#finished.set(first, results);
    for (;;) {
      const next = this.#finished.get(this.#told);
      if (next === undefined) return;
      this.#finished.delete(this.#told);
      this.#told += next.length;
      this.#tell(next);
    }
  }
}
