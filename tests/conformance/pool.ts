/**
 * Pools of the module `workers/pool.ts`, for the tests of pools.
 *
 * @module
 */

import { Pool, type PoolErrorEvent, type PoolOptions, type PoolReport } from "../../mod.ts";
import { until } from "./fixture.ts";

// The numbers of workers/pool.ts, which is a Worker's file and cannot be imported here.
export const [BEGUN, DONE, GO, RUNNING, MOST, STARTED, STOPPED, LAST, BY_THREAD] = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
];
export const [SPIN, SLEEP, BLOCKING, AWAIT, THROW, REJECT, EXIT, LATER_ERROR, EXIT_LATER] = [
  1000,
  1001,
  1002,
  1003,
  1004,
  1005,
  1006,
  1007,
  1008,
];

/** Where the module of pools is. */
export const MODULE: URL = new URL("./workers/pool.ts", import.meta.url);

/** The test takes no longer than this, whatever is broken. */
const CLOSES_AFTER_MS = 10_000;

/** A pool, what its threads count, and what went wrong in it. */
export class TestPool extends Pool {
  readonly counts: Int32Array<SharedArrayBuffer>;
  readonly errors: PoolErrorEvent[] = [];

  constructor(options: PoolOptions & { fail?: string; failing?: number } = {}) {
    const { fail, failing, ...rest } = options;
    const counts = new Int32Array(new SharedArrayBuffer(4096));
    super(MODULE, {
      closeTimeoutMs: CLOSES_AFTER_MS,
      ...rest,
      data: { counts, ...(fail && { fail }), ...(failing && { failing }) },
    });
    this.counts = counts;
    this.addEventListener("error", (event) => this.errors.push(event));
  }

  /** A pool whose threads all serve. */
  static async open(
    options: PoolOptions & { fail?: string; failing?: number } = {},
  ): Promise<TestPool> {
    const pool = new TestPool(options);
    await pool.ready;
    return pool;
  }

  /** What stands at `at` in the counts. */
  count(at: number): number {
    return Atomics.load(this.counts, at);
  }

  /** Comes back when so many packets have been begun. */
  begun(count: number): Promise<void> {
    return until(() => this.count(BEGUN) === count, `${count} packets are begun`);
  }

  /** Comes back when so many are done. */
  done(count: number): Promise<void> {
    return until(() => this.count(DONE) === count, `${count} packets are done`);
  }

  /** Comes back when so many threads wait on the port. */
  waiting(count: number): Promise<void> {
    const waiting = () => this.port.counters.waiting ?? this.counters.waiting;
    return until(() => waiting() === count, `${count} threads wait`);
  }

  /** Closes the pool, which takes as long as it takes, and fails if that is for ever. */
  async end(): Promise<PoolReport> {
    let report: PoolReport | undefined;
    void this.close({ timeoutMs: Infinity }).then((result) => report = result);
    await until(() => report !== undefined, "the pool is closed");
    return report!;
  }

  /** Comes back when something went wrong so many times. */
  failed(count: number): Promise<void> {
    return until(() => this.errors.length >= count, `${count} errors are told`);
  }

  /** What is held back goes on. */
  go(): void {
    Atomics.store(this.counts, GO, 1);
    Atomics.notify(this.counts, GO);
  }

  /** How many packets each of the first threads has begun. */
  byThread(threads: number): number[] {
    return [...this.counts.subarray(BY_THREAD, BY_THREAD + threads)];
  }
}
