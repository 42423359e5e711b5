/**
 * A thread's part in running tasks.
 *
 * Tasks lie in a queue of their own. An _errand_ is a control packet that asks the
 * thread which takes it to run queued tasks until none is left; there are at most
 * as many errands as threads, so that a burst of tasks costs a few packets, and the
 * port decides with each which thread runs, and how many. Before a thread gives an
 * errand up it looks a moment longer: a task that is queued meanwhile needs no packet.
 *
 * @module
 */

import type { NativeBuffer } from "../core/buffer.ts";
import type { Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import type { Board } from "./board.ts";
import { CONTROL_ERRAND } from "./control.ts";
import { partsOf } from "./errors.ts";
import type { PoolThread, Task, TaskHandler } from "./handlers.ts";
import { addDuration } from "./histogram.ts";
import type { ThreadTrace } from "./trace-ring.ts";
import { forgetValue, isPlain, readPlain, readValue, writeValue } from "./values.ts";

/** Looks at an empty queue before the errand is given up: some 20 microseconds. */
const LOOKS = 400;

/** Tasks after which the thread goes back to the port, for the packets that wait there. */
const TASKS_AN_ERRAND = 256;

/** Whether what a handler has returned is a promise. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}

/** A task as its handler sees it. */
class RunningTask implements Task {
  readonly thread: PoolThread;
  /** Where it is, and in which life of the slot. */
  readonly slot: number;
  readonly life: number;
  readonly #board: Board;
  #controller: AbortController | null = null;

  constructor(thread: PoolThread, board: Board, slot: number) {
    this.thread = thread;
    this.slot = slot;
    this.#board = board;
    this.life = board.words[board.slot(slot) + boards.S_LIFE];
  }

  get isAborted(): boolean {
    const at = this.#board.slot(this.slot);
    const { words } = this.#board;
    return words[at + boards.S_LIFE] === this.life &&
      Atomics.load(words, at + boards.S_ABORTED) !== 0;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** The caller has asked that it end, for this reason. */
  abort(reason: unknown): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }

  /** Whether `thrown` is the reason for which it was asked to end. */
  isReason(thrown: unknown): boolean {
    const signal = this.#controller?.signal;
    return signal !== undefined && signal.aborted && signal.reason === thrown;
  }
}

/** Runs tasks in one thread. */
export class Errands {
  /** Whether the thread is on an errand. */
  isRunning = false;
  readonly #thread: PoolThread;
  readonly #handlers: Readonly<Record<string, TaskHandler>>;
  readonly #board: Board;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #at: number;
  readonly #taker: Taker;
  readonly #signal: Int32Array<SharedArrayBuffer>;
  readonly #trace: ThreadTrace | null;
  /** When the task in hand was begun, if that is traced. */
  #tracedAt = 0;
  /** Handlers by their names' numbers, as they are needed. */
  readonly #known: TaskHandler[] = [];
  #task: RunningTask | null = null;
  #ran = 0;
  #begunAt = 0;

  /** The part of `thread` in the tasks of the pool of `board`. */
  constructor(
    thread: PoolThread,
    handlers: Readonly<Record<string, TaskHandler>>,
    board: Board,
    taker: Taker,
    signal: Int32Array<SharedArrayBuffer>,
    trace: ThreadTrace | null,
  ) {
    this.#thread = thread;
    this.#handlers = handlers;
    this.#board = board;
    this.#words = board.words;
    this.#at = board.thread(thread.index);
    this.#taker = taker;
    this.#signal = signal;
    this.#trace = trace;
  }

  /** The thread has taken an errand. */
  begin(): void {
    this.isRunning = true;
    this.#words[this.#at + boards.T_ERRAND] = 1;
    this.#ran = 0;
  }

  /** Runs tasks until the errand is over, then `null`; or until there is a promise to wait for. */
  run(): Promise<void> | null {
    for (;;) {
      const slot = this.#next();
      if (slot < 0) return this.#end();
      const pending = this.#run(slot);
      if (pending !== null) return pending;
      if (++this.#ran >= TASKS_AN_ERRAND && this.#passOn()) return this.#end();
    }
  }

  #end(): null {
    this.isRunning = false;
    this.#words[this.#at + boards.T_ERRAND] = 0;
    return null;
  }

  /** Packets may be waiting: the errand is posted again, behind them. */
  #passOn(): boolean {
    this.#ran = 0;
    try {
      this.#taker.post(CONTROL_ERRAND);
      return true;
    } catch {
      return false; // The queue is full: whatever waits there, other threads take it.
    }
  }

  /** The next task; -1 if there is none, and the errand is given up. */
  #next(): number {
    for (;;) {
      const slot = this.#board.pop();
      if (slot >= 0) return slot;
      if (this.#look()) continue;
      Atomics.sub(this.#words, boards.ERRANDS, 1);
      // Who has queued a task just before may have counted on this errand.
      if (this.#board.queued() === 0) return -1;
      Atomics.add(this.#words, boards.ERRANDS, 1);
    }
  }

  /** Looks a while at the empty queue. True if there is a task. */
  #look(): boolean {
    const words = this.#words;
    Atomics.add(words, boards.LOOKING, 1);
    let left = LOOKS;
    while (this.#board.queued() === 0 && left > 0) left--;
    Atomics.sub(words, boards.LOOKING, 1);
    // Looked at again: a task that was queued before this thread stopped looking has no packet.
    return this.#board.queued() !== 0;
  }

  /** Answers a ping in the slot it names. */
  answer(slot: number): void {
    writeValue(this.#board, this.#board.slot(slot), this.#thread.index);
    this.#finish(slot, boards.TASK_DONE);
  }

  #run(slot: number): Promise<void> | null {
    const words = this.#words;
    const at = this.#board.slot(slot);
    const state = at + boards.S_STATE;
    if (
      Atomics.compareExchange(words, state, boards.TASK_QUEUED, boards.TASK_RUNNING) !==
        boards.TASK_QUEUED
    ) {
      // It was taken out meanwhile, and its caller told.
      this.#finish(slot, boards.TASK_PASSED);
      return null;
    }
    Atomics.store(words, at + boards.S_THREAD, this.#thread.index);
    words[this.#at + boards.T_TASK] = slot;
    words[this.#at + boards.T_HAND] = boards.HAND_TASK;
    this.#measureWait(at);
    if (this.#trace !== null) this.#tracedAt = performance.now();
    const task = this.#task = new RunningTask(this.#thread, this.#board, slot);
    // Asked before it was known which thread to tell; else a message comes, with the reason.
    if (task.isAborted) task.abort(undefined);
    let buffers: readonly NativeBuffer[] = [];
    try {
      const handler = this.#handlerOf(words[at + boards.S_NAME]);
      let argument: unknown;
      if (isPlain(this.#board, at)) argument = readPlain(this.#board, at);
      else {
        ({ value: argument, buffers } = readValue(this.#board, at));
        forgetValue(this.#board, at);
      }
      const result = handler(argument as never, task);
      if (isPromise(result)) return this.#settle(task, result, buffers);
      this.#done(task, result, buffers);
    } catch (error) {
      this.#fail(task, error, buffers);
    }
    return null;
  }

  async #settle(
    task: RunningTask,
    result: PromiseLike<unknown>,
    buffers: readonly NativeBuffer[],
  ): Promise<void> {
    try {
      this.#done(task, await result, buffers);
    } catch (error) {
      this.#fail(task, error, buffers);
    }
  }

  /** The handler has returned. Native buffers in the result go to the caller. */
  #done(task: RunningTask, result: unknown, lent: readonly NativeBuffer[]): void {
    const given = writeValue(this.#board, this.#board.slot(task.slot), result);
    for (const buffer of given) buffer.free();
    this.#conclude(task.slot, boards.TASK_DONE, lent);
  }

  #fail(task: RunningTask, thrown: unknown, lent: readonly NativeBuffer[]): void {
    const at = this.#board.slot(task.slot);
    this.#words[this.#at + boards.T_FAILED]++;
    forgetValue(this.#board, at);
    if (task.isReason(thrown)) return this.#conclude(task.slot, boards.TASK_ABORTED, lent);
    try {
      const isError = thrown instanceof Error;
      writeValue(this.#board, at, isError ? { error: partsOf(thrown) } : { thrown });
    } catch {
      writeValue(this.#board, at, { error: partsOf(thrown) });
    }
    this.#conclude(task.slot, boards.TASK_FAILED, lent);
  }

  #conclude(slot: number, state: number, lent: readonly NativeBuffer[]): void {
    for (const buffer of lent) buffer.free();
    if (this.#trace !== null) {
      const name = this.#words[this.#board.slot(slot) + boards.S_NAME];
      this.#trace.ran(name, state !== boards.TASK_DONE, this.#tracedAt);
    }
    if (this.#begunAt !== 0) {
      const spent = performance.now() - this.#begunAt;
      addDuration(this.#words, this.#board.runTimes(this.#thread.index), spent, 1);
      this.#begunAt = 0;
    }
    this.#task = null;
    this.#words[this.#at + boards.T_HANDLED]++;
    this.#words[this.#at + boards.T_HAND] = boards.HAND_EMPTY;
    this.#finish(slot, state);
  }

  /** The slot is the owner's again. */
  #finish(slot: number, state: number): void {
    Atomics.store(this.#words, this.#board.slot(slot) + boards.S_STATE, state);
    if (!this.#board.finish(slot)) return;
    Atomics.add(this.#signal, 0, 1);
    Atomics.notify(this.#signal, 0);
  }

  /** Of one task of some, how long it was queued, and when it is begun. */
  #measureWait(at: number): void {
    const queuedAt = this.#board.doubles[at + boards.S_QUEUED_AT >> 1];
    if (queuedAt === 0) return;
    this.#begunAt = performance.now();
    const waited = performance.timeOrigin + this.#begunAt - queuedAt;
    addDuration(this.#words, this.#board.waitTimes(this.#thread.index), waited, 1);
  }

  #handlerOf(number: number): TaskHandler {
    const known = this.#known[number];
    if (known !== undefined) return known;
    const name = this.#board.readName(number);
    if (!Object.hasOwn(this.#handlers, name)) {
      throw new TypeError(`Cannot run the task: the pool's module has none named "${name}"`);
    }
    return this.#known[number] = this.#handlers[name];
  }

  /** The caller of a task has asked that it end. */
  abort(slot: number, life: number, reason: unknown): void {
    const task = this.#task;
    if (task !== null && task.slot === slot && task.life === life) task.abort(reason);
  }
}
