/**
 * The pool whose threads hash what is too much for the owner alone.
 *
 * @module
 */

import { Pool } from "../../mod.ts";
import { SEPARATOR, type Shared } from "./work.ts";

/** Tasks a thread is given at a time: when it has done one, the next is there. */
const TASKS_A_THREAD = 2;

/** Threads that start, and then hash. */
export class Threads {
  readonly #pool: Pool;
  readonly #count: number;
  #isServing = false;
  /** Tasks that are not done. */
  #tasks = 0;

  /** So many threads, which note in `shared` how far they are. `fail` is told when one fails. */
  constructor(count: number, shared: Shared, fail: (cause: unknown) => void) {
    this.#count = count;
    this.#pool = new Pool(new URL("./thread.ts", import.meta.url), {
      name: "hash",
      threads: count,
      concurrency: count,
      data: shared,
    });
    this.#pool.addEventListener("error", ({ error }) => fail(error));
    this.#pool.ready.then(() => this.#isServing = true, fail);
  }

  /** Whether all have started. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Whether none has anything to do. */
  get isIdle(): boolean {
    return this.#tasks === 0;
  }

  /** Whether there is need of a further task. */
  get hasRoom(): boolean {
    return this.#tasks < this.#count * TASKS_A_THREAD;
  }

  /** What a thread says of the files at `paths`: see `Reader.hash`. */
  async hash(paths: readonly string[]): Promise<string[]> {
    this.#tasks++;
    try {
      const found = await this.#pool.run<string>("hash", paths.join(SEPARATOR));
      return found.split(SEPARATOR);
    } finally {
      this.#tasks--;
    }
  }

  /** Ends the threads. Of one that has failed it is not known whether it ends. */
  async close(hasFailed: boolean): Promise<void> {
    await this.#pool.close(hasFailed ? { timeoutMs: 0 } : {});
  }
}
