/**
 * The end of a pool: what is there is done, then what is in flight is called back,
 * then the threads are stopped; each for as long as it may last.
 *
 * @module
 */

import type { CompletionPort } from "../core/port.ts";
import {
  boundInFlight,
  cancelOperations,
  inFlightOn,
  NONE_ANY_MORE,
  returnPort,
} from "../core/pooled.ts";
import { countsTaken, type Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import type { Board } from "./board.ts";
import { readCounters, readDone } from "./counters.ts";
import type { Crew } from "./crew.ts";
import { PoolClosedError } from "./faults.ts";
import type { Tasks } from "./tasks.ts";

/** What came of a pool. */
export interface PoolReport {
  /** Packets and tasks that were handled, those that failed among them. */
  readonly taken: number;
  /** Those that failed. */
  readonly failed: number;
  /** Operations and tasks that were called back because the time was over. */
  readonly cancelled: number;
  /** Packets that nobody has taken. */
  readonly dropped: number;
  /** Operations whose packet has not come; their memory is kept. */
  readonly notRecalled: number;
  /** Threads that have not ended: they block in something that this module cannot end. */
  readonly threadsLeft: number;
}

/** What is to be closed. */
export interface Closing {
  readonly port: CompletionPort;
  /** Whether the port is the pool's own, and closed with it. */
  readonly ownsPort: boolean;
  readonly board: Board;
  readonly taker: Taker;
  readonly tasks: Tasks;
  readonly crew: Crew;
  /** The port's own bound of operations in flight, and 0 if it has none. */
  readonly maxInFlightBefore: number;
  /** `Flow.count` when the pool was made. */
  readonly countBefore: number;
  /** Milliseconds a thread may take to start, after which it is given up. */
  readonly startTimeoutMs: number;
  /** Why the pool closes by itself; `null` if it was asked to. */
  readonly why: Error | null;
  /** Milliseconds for what is called back, and then for the threads. */
  readonly recallTimeoutMs: number;
}

/** Looks between which a pause is a millisecond longer, and the longest one. */
const LOOKS_A_PAUSE = 16;
const MAX_PAUSE_MS = 10;

/**
 * Comes back when `holds` does, or at `deadline`; says whether it does. Threads end within
 * a few milliseconds, mostly: a pause is a small part of what has been waited for already.
 */
async function comesTrue(holds: () => boolean, deadline: number): Promise<boolean> {
  for (let looks = 0; !holds(); looks++) {
    if (performance.now() >= deadline) return false;
    const pauseMs = Math.min(Math.floor(looks / LOOKS_A_PAUSE), MAX_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return true;
}

/** Whether nothing is queued, in flight or being handled. */
function isAtRest(closing: Closing): boolean {
  const { port, tasks, crew } = closing;
  if (crew.target <= 0) return true; // Nobody is left who could do anything.
  if (tasks.outstanding > 0 || crew.returns.strays > 0) return false;
  if (port.isClosed) return areThreadsAtRest(closing);
  // Asked again at the end: a handler may have started something before it came to rest.
  return isFlowAtRest(closing) && areThreadsAtRest(closing) && isFlowAtRest(closing);
}

function isFlowAtRest({ taker, board, crew, countBefore }: Closing): boolean {
  const flow = taker.flow();
  if (flow === null) return true;
  const done = readDone(board, crew.indices(), !countsTaken);
  return flow.queued === 0 && flow.inFlight === 0 && (flow.count - countBefore - done | 0) <= 0;
}

function areThreadsAtRest({ board, crew }: Closing): boolean {
  for (const index of crew.indices()) {
    const state = Atomics.load(board.words, board.thread(index) + boards.T_STATE);
    if (state === boards.STATE_RUNNING || state === boards.STATE_BLOCKED) return false;
  }
  return true;
}

/** Closes a pool; see `Pool.close`. Never rejects. */
export async function close(closing: Closing, timeoutMs: number): Promise<PoolReport> {
  const { port, board, tasks } = closing;
  Atomics.store(board.words, boards.PHASE, boards.PHASE_CLOSING);
  // Of a port that somebody has closed nothing more will come.
  const isOver = () => port.isClosed || isAtRest(closing);
  const isDone = await comesTrue(isOver, performance.now() + timeoutMs) && !port.isClosed;
  const cancelled = isDone ? 0 : await recall(closing);
  const threadsLeft = await stopThreads(closing, timeoutMs);
  const dropped = sweep(closing);
  const notRecalled = inFlightOn(port);
  tasks.end(closing.why ?? new PoolClosedError("The pool was closed before the task was done"));
  returnPort(port, closing.maxInFlightBefore);
  if (closing.ownsPort) port.close();
  const { handled, failed } = readCounters(board, closing.crew.indices());
  return { taken: handled, failed, cancelled, dropped, notRecalled, threadsLeft };
}

/** The time is over: what has not begun is taken out, the rest asked to end. Returns how much. */
async function recall(closing: Closing): Promise<number> {
  const { port, board, tasks, why, recallTimeoutMs } = closing;
  const reason = why ??
    new PoolClosedError("The pool is closing, and the time it was given is over");
  Atomics.store(board.words, boards.PHASE, boards.PHASE_RECALLING);
  if (!port.isClosed) boundInFlight(port, NONE_ANY_MORE);
  const withdrawn = tasks.withdrawAll(reason);
  tasks.tellAll(reason);
  const asked: Map<number, number> = new Map();
  await comesTrue(() => {
    // Again and again: some may have been started before the bound was seen.
    cancelOperations(port, asked);
    return isAtRest(closing);
  }, performance.now() + recallTimeoutMs);
  return withdrawn + asked.size;
}

/** A stop packet for each thread. Returns how many have not ended. */
async function stopThreads(closing: Closing, timeoutMs: number): Promise<number> {
  const { port, crew, startTimeoutMs, recallTimeoutMs } = closing;
  crew.stopReplacing();
  for (let left = crew.target; left > 0 && !port.isClosed; left--) {
    try {
      crew.stopOne();
    } catch {
      break; // The queue is full, and nobody takes from it.
    }
  }
  const limit = timeoutMs === Infinity ? startTimeoutMs + recallTimeoutMs : recallTimeoutMs;
  await comesTrue(() => {
    crew.look();
    return crew.size === 0;
  }, performance.now() + limit);
  return crew.abandon();
}

/** Takes out what nobody has taken. Returns how many of the packets were the user's. */
function sweep({ port, ownsPort, taker }: Closing): number {
  let dropped = 0;
  for (let left = taker.flow()?.queued ?? 0; left > 0 && !port.isClosed; left--) {
    if (taker.take(1, 0) === 0) break;
    if (taker.control(0) >= 0) continue;
    dropped++;
    if (ownsPort) taker.packet(0);
    else taker.postBack(0);
  }
  taker.letGo();
  return dropped;
}
