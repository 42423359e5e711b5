/**
 * What a pool has done and is doing, as seen from outside.
 *
 * @module
 */

import * as boards from "./board.ts";
import type { Board } from "./board.ts";
import { type Durations, Histogram } from "./histogram.ts";

/** What a pool has done and is doing. */
export interface PoolCounters {
  /** Packets in the port's queue, control packets among them. */
  readonly queuedPackets: number;
  /** Tasks that no thread has begun. */
  readonly queuedTasks: number;
  /** Operations in flight on the port. */
  readonly inFlight: number;
  /** Threads that there are: starting, serving or ending. */
  readonly threads: number;
  /** Threads that have not yet begun to serve. */
  readonly starting: number;
  /** Threads that run a handler, or are about to. */
  readonly active: number;
  /** Threads that wait on the port. */
  readonly waiting: number;
  /** Threads whose handler awaits something, or has said that it blocks. */
  readonly blocked: number;
  /** Threads that have died and been replaced, since the pool was made. */
  readonly replaced: number;
  /** Packets and tasks handled since then, those that failed among them. */
  readonly handled: number;
  /** Those of them that failed. */
  readonly failed: number;
  /** Failures that no event told of, because too many came at once. */
  readonly unreported: number;
  /** How long tasks were queued; of one of 16. */
  readonly waitTime: Durations;
  /** How long handlers ran: of packets the mean of those that were taken together, of one task of 16. */
  readonly runTime: Durations;
}

/** The part of the counters that stands on the board. */
export type BoardCounters = Pick<
  PoolCounters,
  | "starting"
  | "active"
  | "waiting"
  | "blocked"
  | "handled"
  | "failed"
  | "unreported"
  | "waitTime"
  | "runTime"
>;

/** Reads the counters of the threads `indices`, and of those that have ended. */
export function readCounters(board: Board, indices: Iterable<number>): BoardCounters {
  const { words } = board;
  const states: number[] = Array(boards.STATE_STOPPED + 1).fill(0);
  const sums = { handled: 0, failed: 0, unreported: 0 };
  const [waits, runs] = [new Histogram(), new Histogram()];
  const add = (index: number): void => {
    const at = board.thread(index);
    sums.handled += words[at + boards.T_HANDLED] >>> 0;
    sums.failed += words[at + boards.T_FAILED] >>> 0;
    sums.unreported += words[at + boards.T_UNREPORTED] >>> 0;
    waits.add(words, board.waitTimes(index));
    runs.add(words, board.runTimes(index));
  };
  for (const index of indices) {
    states[Atomics.load(words, board.thread(index) + boards.T_STATE)]++;
    add(index);
  }
  add(boards.OWNER);
  return {
    starting: states[boards.STATE_STARTING],
    active: states[boards.STATE_RUNNING],
    waiting: states[boards.STATE_WAITING],
    blocked: states[boards.STATE_BLOCKED],
    ...sums,
    waitTime: waits.durations(),
    runTime: runs.durations(),
  };
}

/** How many packets were done with: all, or those that were posted. */
export function readDone(board: Board, indices: Iterable<number>, onlyPosted: boolean): number {
  const word = onlyPosted ? boards.T_DONE_POSTED : boards.T_DONE;
  let sum = board.words[board.thread(boards.OWNER) + word];
  for (const index of indices) sum += board.words[board.thread(index) + word];
  return sum;
}
