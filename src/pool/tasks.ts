/**
 * The owner's side of tasks: who waits for which result.
 *
 * The owner learns of results without a message: threads put finished slots into a
 * ring, and change and notify one shared word if the owner is waiting. An owner that
 * gets results looks again in the next turns of its event loop before it waits.
 *
 * @module
 */

import type { NativeBuffer } from "../core/buffer.ts";
import type { Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import type { Board } from "./board.ts";
import { CONTROL_ERRAND, CONTROL_PING, setTurn } from "./control.ts";
import { errorOf, type ErrorParts } from "./errors.ts";
import { Names } from "./names.ts";
import { dropBuffers, forgetValue, isPlain, readPlain, readValue, writeValue } from "./values.ts";

/** How long tasks wait and run is measured of one of so many. */
const MEASURED_TASKS = 16;

/** Turns of the event loop without a result before the owner waits to be woken. */
const TURNS = 20;

/** How to run a task. */
export interface RunOptions {
  /** Takes the task out if it has not begun; tells its handler if it has. */
  signal?: AbortSignal;
}

/** Asks a task that a thread runs to end. */
export type TellThread = (thread: number, slot: number, life: number, reason: unknown) => void;

/** What the caller of a task is owed. */
interface Owed {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | null;
  readonly onAbort: (() => void) | null;
  /** Native buffers of the argument, kept until the task is done. */
  readonly buffers: readonly NativeBuffer[];
}

/** All tasks of a pool. */
export class Tasks {
  readonly #board: Board;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #taker: Taker;
  readonly #tell: TellThread;
  readonly #maxQueued: number;
  readonly names: Names;
  /** The word that threads change and notify. */
  readonly signal: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4));
  /** Threads that may have an errand: as many as live, set by the crew. */
  threads = 0;
  /** Called after results were given out. */
  whenDrained: () => void = () => {};
  /** Tasks whose caller was told before they were begun, since the pool was made. */
  withdrawn = 0;
  readonly #owed: (Owed | null)[] = [];
  readonly #free: number[] = [];
  #outstanding = 0;
  #sinceMeasured = 0;
  #owesErrand = false;
  #turnsLeft = 0;
  #isTurning = false;
  #isWaiting = false;
  #isEnded = false;

  /** Tasks whose slots are on `board`, of which at most `maxQueued` may be queued. */
  constructor(board: Board, taker: Taker, maxQueued: number, tell: TellThread) {
    this.#board = board;
    this.#words = board.words;
    this.#taker = taker;
    this.#maxQueued = maxQueued;
    this.#tell = tell;
    this.names = new Names(board);
  }

  /** Tasks that are not settled. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** How many more may be queued. */
  get room(): number {
    return this.#maxQueued - this.#board.queued();
  }

  /** Queues a task. */
  run(name: string, argument: unknown, options: RunOptions): Promise<unknown> {
    const signal = options.signal ?? null;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const number = this.names.numberOf(name);
      if (this.#board.queued() >= this.#maxQueued) throw this.#isFull();
      const slot = this.#acquire();
      const at = this.#board.slot(slot);
      let buffers: readonly NativeBuffer[];
      try {
        buffers = writeValue(this.#board, at, argument);
      } catch (error) {
        this.#free.push(slot);
        throw error;
      }
      const onAbort = signal === null ? null : () => this.#abort(slot, signal);
      signal?.addEventListener("abort", onAbort!, { once: true });
      this.#owe(slot, { resolve, reject, signal, onAbort, buffers });
      this.#words[at + boards.S_NAME] = number;
      this.#measure(at);
      Atomics.store(this.#words, at + boards.S_STATE, boards.TASK_QUEUED);
      this.#board.push(slot);
      this.callThread();
      this.#listen();
    });
  }

  /** Asks whichever thread takes the packet to answer; resolves with its number. */
  ping(): Promise<number> {
    return new Promise((resolve, reject) => {
      const slot = this.#acquire();
      this.#words[this.#board.slot(slot) + boards.S_STATE] = boards.TASK_RUNNING;
      this.#words[this.#board.slot(slot) + boards.S_THREAD] = -1;
      try {
        this.#taker.post(CONTROL_PING, slot);
      } catch (error) {
        this.#free.push(slot);
        throw error;
      }
      const toNumber = (value: unknown) => resolve(value as number);
      this.#owe(slot, { resolve: toNumber, reject, signal: null, onAbort: null, buffers: [] });
      this.#listen();
    });
  }

  /** Sends a thread on an errand, unless those that look or are on one will do. */
  callThread(): void {
    const words = this.#words;
    if (this.#isEnded || this.#board.queued() <= Atomics.load(words, boards.LOOKING)) return;
    if (Atomics.load(words, boards.ERRANDS) >= this.threads) return;
    Atomics.add(words, boards.ERRANDS, 1);
    try {
      this.#taker.post(CONTROL_ERRAND);
      this.#owesErrand = false;
    } catch {
      // The port's queue is full of the user's packets: `callAgain` comes back to it.
      Atomics.sub(words, boards.ERRANDS, 1);
      this.#owesErrand = true;
    }
  }

  /** Posts the errands that there was no room for; called from time to time. */
  callAgain(): void {
    if (this.#owesErrand) this.callThread();
  }

  /** A thread has ended on an errand: another one is sent if there are tasks. */
  errandLost(): void {
    Atomics.sub(this.#words, boards.ERRANDS, 1);
    this.callThread();
  }

  /** A thread has ended with this task in its hands. */
  taskLost(slot: number, error: Error): void {
    this.#settle(slot, (owed) => owed.reject(error));
  }

  /** Takes out all that has not been begun. Returns how many there were. */
  withdrawAll(reason: unknown): number {
    let count = 0;
    for (let slot = 0; slot < this.#owed.length; slot++) {
      if (this.#owed[slot] !== null && this.#withdraw(slot, reason)) count++;
    }
    return count;
  }

  /** Tells the handlers of all tasks that run that they are to end. */
  tellAll(reason: unknown): void {
    for (let slot = 0; slot < this.#owed.length; slot++) {
      if (this.#owed[slot] !== null) this.#ask(slot, reason);
    }
  }

  /** The end: nobody runs tasks any more, and everybody who waits is told. */
  end(reason: unknown): void {
    this.#drain();
    this.withdrawAll(reason);
    for (let slot = 0; slot < this.#owed.length; slot++) {
      if (this.#owed[slot] !== null) this.#settle(slot, (owed) => owed.reject(reason));
    }
    this.#isEnded = true;
    // Whoever waits for the word must not wait for ever.
    Atomics.add(this.signal, 0, 1);
    Atomics.notify(this.signal, 0);
  }

  #isFull(): RangeError {
    return new RangeError(
      `The limit of ${this.#maxQueued} queued tasks (maxQueued) is reached; ` +
        "await pool.room before the next one",
    );
  }

  #acquire(): number {
    let slot = this.#free.pop();
    if (slot === undefined && this.#owed.length === this.#board.slots) {
      this.#drain();
      slot = this.#free.pop();
      if (slot === undefined) throw this.#isFull();
    }
    if (slot === undefined) slot = this.#owed.push(null) - 1;
    this.#words[this.#board.slot(slot) + boards.S_LIFE]++;
    this.#words[this.#board.slot(slot) + boards.S_ABORTED] = 0;
    return slot;
  }

  #owe(slot: number, owed: Owed): void {
    this.#owed[slot] = owed;
    this.#outstanding++;
  }

  #measure(at: number): void {
    const isMeasured = ++this.#sinceMeasured === MEASURED_TASKS;
    if (isMeasured) this.#sinceMeasured = 0;
    const now = isMeasured ? performance.timeOrigin + performance.now() : 0;
    this.#board.doubles[at + boards.S_QUEUED_AT >> 1] = now;
  }

  #abort(slot: number, signal: AbortSignal): void {
    if (!this.#withdraw(slot, signal.reason)) this.#ask(slot, signal.reason);
  }

  /** Takes a task out; false if it has been begun. The slot is free once its place is passed. */
  #withdraw(slot: number, reason: unknown): boolean {
    const state = this.#board.slot(slot) + boards.S_STATE;
    const { TASK_QUEUED, TASK_WITHDRAWN } = boards;
    if (Atomics.compareExchange(this.#words, state, TASK_QUEUED, TASK_WITHDRAWN) !== TASK_QUEUED) {
      return false;
    }
    this.withdrawn++;
    forgetValue(this.#board, this.#board.slot(slot));
    this.#release(slot)?.reject(reason);
    return true;
  }

  #ask(slot: number, reason: unknown): void {
    const at = this.#board.slot(slot);
    const words = this.#words;
    Atomics.store(words, at + boards.S_ABORTED, 1);
    if (Atomics.load(words, at + boards.S_STATE) !== boards.TASK_RUNNING) return;
    if (words[at + boards.S_THREAD] < 0) return;
    this.#tell(words[at + boards.S_THREAD], slot, words[at + boards.S_LIFE], reason);
  }

  /** What was owed is settled: the caller is told by whoever asks. */
  #release(slot: number): Owed | null {
    const owed = this.#owed[slot];
    if (owed === null) return null;
    this.#owed[slot] = null;
    this.#outstanding--;
    if (owed.onAbort !== null) owed.signal!.removeEventListener("abort", owed.onAbort);
    if (owed.buffers.length > 0) dropBuffers(owed.buffers);
    return owed;
  }

  #settle(slot: number, tell: (owed: Owed) => void): void {
    forgetValue(this.#board, this.#board.slot(slot));
    Atomics.store(this.#words, this.#board.slot(slot) + boards.S_STATE, boards.TASK_NONE);
    const owed = this.#release(slot);
    this.#free.push(slot);
    if (owed !== null) tell(owed);
  }

  /** Gives out what is done. Returns how much that was. */
  #drain(): number {
    let count = 0;
    for (let slot = this.#board.nextDone(); slot >= 0; slot = this.#board.nextDone()) {
      this.#conclude(slot);
      count++;
    }
    if (count > 0) this.whenDrained();
    return count;
  }

  #conclude(slot: number): void {
    const at = this.#board.slot(slot);
    switch (this.#words[at + boards.S_STATE]) {
      case boards.TASK_DONE:
        if (isPlain(this.#board, at)) {
          const value = readPlain(this.#board, at);
          return this.#settle(slot, (owed) => owed.resolve(value));
        }
        return this.#giveOut(slot, (owed, value) => owed.resolve(value));
      case boards.TASK_FAILED:
        return this.#giveOut(slot, (owed, value) => owed.reject(thrownOf(value)));
      case boards.TASK_ABORTED:
        return this.#settle(slot, (owed) => owed.reject(owed.signal?.reason));
      default:
        return this.#settle(slot, () => {});
    }
  }

  /** Reads a value that is not plain. Its native buffers are the caller's from here on. */
  #giveOut(slot: number, tell: (owed: Owed, value: unknown) => void): void {
    try {
      const { value, buffers } = readValue(this.#board, this.#board.slot(slot));
      dropBuffers(buffers);
      this.#settle(slot, (owed) => tell(owed, value));
    } catch (error) {
      this.#settle(slot, (owed) => owed.reject(error));
    }
  }

  /** Looks for results in the next turns, and then waits to be woken. */
  #listen(): void {
    this.#turnsLeft = TURNS;
    if (this.#isTurning || this.#isWaiting) return;
    this.#isTurning = true;
    setTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isTurning = false;
    if (this.#isEnded) return;
    if (this.#drain() > 0) this.#turnsLeft = TURNS;
    if (this.#outstanding === 0) return;
    if (this.#turnsLeft-- > 0) {
      this.#isTurning = true;
      setTurn(this.#turn);
    } else this.#wait();
  };

  /** Waits until a thread changes the word. */
  #wait(): void {
    const seen = Atomics.load(this.signal, 0);
    Atomics.store(this.#words, boards.OWNER_WAITS, 1);
    this.#isWaiting = true;
    // What was finished before the threads could see that the owner waits has not woken it.
    if (this.#drain() > 0) Atomics.store(this.#words, boards.OWNER_WAITS, 0);
    const { async: isAsync, value } = this.#isWaiting && this.#words[boards.OWNER_WAITS] !== 0
      ? Atomics.waitAsync(this.signal, 0, seen)
      : { async: false, value: null };
    if (isAsync) void (value as Promise<unknown>).then(this.#woken);
    else this.#woken();
  }

  readonly #woken = (): void => {
    this.#isWaiting = false;
    if (this.#isEnded) return;
    this.#turnsLeft = TURNS;
    this.#turn();
  };
}

function thrownOf(value: unknown): unknown {
  const { error, thrown } = value as { error?: ErrorParts; thrown?: unknown };
  return error === undefined ? thrown : errorOf(error);
}
