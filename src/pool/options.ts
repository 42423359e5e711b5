/**
 * How to make a pool, and how to close it.
 *
 * @module
 */

import type { CompletionPort } from "../core/port.ts";

/** How to make a `Pool`. */
export interface PoolOptions {
  /** Threads to start: twice the number of processors by default, at most 512. */
  threads?: number;
  /**
   * The port that the threads take from: one of one's own by default. A given one stays
   * open when the pool closes; while the pool has it, nobody else may take from it.
   */
  port?: CompletionPort;
  /** The concurrency value of the pool's own port: the number of processors by default. */
  concurrency?: number;
  /** Handed to each thread as `thread.data`: a structured clone. */
  data?: unknown;
  /** What the threads are named after: `pool` by default. */
  name?: string;
  /** Tasks, and packets of `Pool.post`, that may be queued: 65,536 by default. */
  maxQueued?: number;
  /** Operations that may be in flight on the port: as many as the process may have by default. */
  maxInFlight?: number;
  /** Milliseconds that a thread may take to load its module and to start: 60,000 by default. */
  startTimeoutMs?: number;
  /** What `close` takes for `timeoutMs` if it is given none, as by `await using`. Infinity by default. */
  closeTimeoutMs?: number;
  /** A file to write the pool's run to, for Perfetto or chrome://tracing; see docs/pool.md. */
  trace?: string | URL;
}

/** How to close a `Pool`. */
export interface PoolCloseOptions {
  /**
   * Milliseconds until what is queued and in flight is called back. Infinity, the
   * default unless the pool says otherwise: it is waited for as long as it takes.
   */
  timeoutMs?: number;
  /**
   * Milliseconds that packets, then threads, may take once that time is over and the rest was called back;
   * what has not come by then is reported and left to the process's end. 5,000 by default.
   */
  recallTimeoutMs?: number;
}
