/**
 * The threads of a stress run: they come, end in one way or another, and are replaced.
 *
 * @module
 */

import type { BufferToken, PortToken } from "../../mod.ts";
import { type Board, ENDS_BY_ERROR, THREADS } from "./board.ts";
import type { Orders } from "./workers/thread.ts";

/** How threads may end. */
export type End = Orders["end"];

/** What all threads of a crew are told. */
export interface CrewOrders {
  readonly board: Board;
  readonly ports: readonly PortToken[];
  /** One for each seat. */
  readonly buffers: readonly BufferToken[];
  readonly paths: readonly string[];
  readonly random: (limit: number) => number;
  /** How much a thread does at most before it is replaced. */
  readonly actions: number;
  readonly ends: readonly End[];
}

/** Starts Workers, one for each seat, and another one whenever one ends. */
export class Crew {
  readonly #orders: CrewOrders;
  readonly #seats: Promise<void>[];
  readonly #workers: Set<Worker> = new Set();
  /** What went wrong in any of them. */
  readonly errors: Error[] = [];
  /** How many threads have ended, by how they did. */
  readonly ended: Record<End, number> = { return: 0, throw: 0, terminate: 0 };
  /** Workers that load their modules: that takes as long as it takes. */
  starting = 0;
  #isStopped = false;

  constructor(orders: CrewOrders) {
    this.#orders = orders;
    this.#seats = Array.from({ length: THREADS }, (_, seat) => this.#fill(seat));
  }

  /** Comes back when the last thread has ended. */
  async done(): Promise<void> {
    await Promise.all(this.#seats);
  }

  /** Ends what hangs. */
  stop(): void {
    this.#isStopped = true;
    for (const worker of this.#workers) worker.terminate();
  }

  async #fill(seat: number): Promise<void> {
    const { board, random, actions, ends } = this.#orders;
    while (!board.isFull() && this.errors.length === 0 && !this.#isStopped) {
      const end = ends[random(ends.length)];
      const some = 1 + Math.floor(actions / 4) + random(actions);
      try {
        await this.#run({
          board: board.token,
          ports: this.#orders.ports,
          buffer: this.#orders.buffers[seat],
          paths: this.#orders.paths,
          seed: random(2 ** 32),
          seat,
          actions: some,
          end,
        });
        this.ended[end]++;
      } catch (error) {
        this.errors.push(error as Error);
      }
    }
  }

  /** One thread, from its beginning to its end. */
  async #run(orders: Orders): Promise<void> {
    const url = new URL("./workers/work.ts", import.meta.url).href;
    const worker = new Worker(url, { type: "module" });
    this.#workers.add(worker);
    this.starting++;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<string | { error: string }>) => {
      if (data === "ready") {
        this.starting--;
        worker.postMessage(orders);
      } else if (data === "terminate me") this.#terminate(worker, resolve);
      else if (data === "ended") resolve();
      else reject(new Error(`In thread ${orders.seat}: ${(data as { error: string }).error}`));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (event.message.includes(ENDS_BY_ERROR)) resolve();
      else reject(new Error(`Thread ${orders.seat} has ended by: ${event.message}`));
    };
    await promise.finally(() => this.#workers.delete(worker));
  }

  /** Some turns of the event loop later it may be waiting, or have just got a packet. */
  #terminate(worker: Worker, resolve: () => void): void {
    setTimeout(() => {
      worker.terminate();
      resolve();
    }, this.#orders.random(4));
  }
}
