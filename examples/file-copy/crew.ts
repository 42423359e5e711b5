/**
 * The pool of `--threads`: its threads take the packets of a copy.
 *
 * @module
 */

import { Pool } from "../../mod.ts";
import { CopyFailure } from "./failure.ts";
import { type Outcome, Slots } from "./slots.ts";

/** Threads that do what follows on a packet; the owner starts the first read of each block. */
export class Crew {
  readonly pool: Pool;
  readonly slots: Slots;
  #failure: Error | null = null;

  /** So many threads run at a time, on so many slots. */
  constructor(threads: number, slots: number) {
    this.slots = Slots.allocate(slots);
    this.pool = new Pool(new URL("./thread.ts", import.meta.url), {
      name: "copy",
      threads,
      concurrency: threads,
      data: this.slots.memory,
    });
    this.pool.addEventListener("error", ({ error }) => {
      this.#failure ??= new CopyFailure(`a thread has failed: ${error.message}`, { cause: error });
    });
  }

  /**
   * Waits for slots that are done, at most so long.
   *
   * @throws {CopyFailure} if a thread has failed.
   */
  async outcomes(timeoutMs: number): Promise<Outcome[]> {
    const { done } = this.slots.memory;
    const seen = Atomics.load(done, 0);
    const outcomes = this.slots.takeDone();
    if (this.#failure !== null) throw this.#failure;
    if (outcomes.length > 0) return outcomes;
    const wait = Atomics.waitAsync(done, 0, seen, timeoutMs);
    if (wait.async) await wait.value;
    return this.slots.takeDone();
  }

  /** Waits until nothing of the copy is in flight, and ends the threads. */
  async end(): Promise<void> {
    await this.pool.close(this.#failure === null ? {} : { timeoutMs: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
