/**
 * The threads of a pool, on the owner's side: started, watched, replaced, ended.
 *
 * That a thread has ended is not left to the runtimes' events, which do not tell it
 * all: the operating system is asked, every 50 ms and when an event gives reason to.
 *
 * @module
 */

import type { CompletionPort } from "../core/port.ts";
import { hasLifeEnded, type Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import { type Board, countOfRest, nextOfRest } from "./board.ts";
import { bury, type Remains, Returns } from "./burial.ts";
import { type Abort, CONTROL_STOP, type FromThread, isMessage, type ToThread } from "./control.ts";
import { errorOf } from "./errors.ts";
import { packetOfParts, PoolErrorEvent, ThreadEndedError } from "./faults.ts";
import * as limits from "../core/limits.ts";
import type { Tasks } from "./tasks.ts";
import type { Tracer } from "./trace.ts";

/** What the crew tells the pool. */
export interface CrewEvents {
  /** Something went wrong in a thread. */
  fault(event: PoolErrorEvent): void;
  /** A thread serves. */
  served(): void;
  /** A thread has ended, and everything of it is seen to. */
  ended(): void;
  /** No thread can be had any more. */
  gaveUp(error: Error): void;
}

/** What the crew is made of. */
export interface CrewOptions {
  readonly module: string;
  readonly name: string;
  readonly data: unknown;
  readonly startTimeoutMs: number;
  readonly port: CompletionPort;
  readonly board: Board;
  readonly taker: Taker;
  readonly tasks: Tasks;
  readonly events: CrewEvents;
  readonly tracer: Tracer | null;
}

/** A thread, from the start of its Worker to its burial. */
interface Member {
  readonly index: number;
  readonly worker: Worker;
  /** When it must serve. */
  readonly deadline: number;
  isServing: boolean;
  /** It has not begun in time: that was told, whatever it does now. */
  isLate: boolean;
  /** What the runtime has said of its end. */
  error: Error | null;
  /** Whether something says that it has ended, or is about to. */
  isLeaving: boolean;
  /** What was left of its batch at the last look. */
  rest: number;
}

/** Milliseconds between two looks at whether the threads live, and packets are stuck behind one. */
const LOOK_MS = 50;

/** Milliseconds between two looks while a thread is leaving. */
const LEAVING_LOOK_MS = 2;

/** All threads of a pool. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly returns: Returns;
  readonly #members: Map<number, Member> = new Map();
  /** Threads that are to be replaced after a delay. */
  readonly #replacements: Set<ReturnType<typeof setTimeout>> = new Set();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failuresInRow = 0;
  /** When a thread has died last, and how long its replacement had to wait. */
  #diedAt = -Infinity;
  #delayMs: number = limits.REPLACE_DELAY_MS;
  #hasServed = false;
  /** Stop packets posted that no thread has ended by. */
  #stopsPosted = 0;
  /** Whether threads that die are replaced. */
  #isReplacing = true;
  /** Threads that were replaced, since the pool was made. */
  replaced = 0;
  #isEnded = false;

  /** A crew without threads. */
  constructor(options: CrewOptions) {
    this.#options = options;
    this.#words = options.board.words;
    this.returns = new Returns(options.port, options.board);
  }

  /** How many threads there are: starting, serving and ending. */
  get size(): number {
    return this.#members.size;
  }

  /** How many threads there are or will be, without those that were told to stop. */
  get target(): number {
    return this.#members.size + this.#replacements.size - this.#stopsPosted;
  }

  /** How many threads serve. */
  get serving(): number {
    return [...this.#members.values()].filter(({ isServing }) => isServing).length;
  }

  /** The records of the threads there are. */
  indices(): Iterable<number> {
    return this.#members.keys();
  }

  /** Starts a thread. */
  add(): void {
    const index = this.#freeIndex();
    const { board, module, name, startTimeoutMs } = this.#options;
    board.clearThread(index);
    this.#words[board.thread(index) + boards.T_STATE] = boards.STATE_STARTING;
    const worker = new Worker(module, { type: "module", name: `${name} ${index}` });
    const deadline = performance.now() + startTimeoutMs;
    const state = { isServing: false, isLate: false, error: null, isLeaving: false, rest: 0 };
    const member: Member = { index, worker, deadline, ...state };
    this.#members.set(index, member);
    this.#countThreads();
    // At once: what a thread says before anybody listens is lost.
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isMessage(data)) this.#hear(member, data as FromThread);
    };
    worker.onerror = (event) => {
      // Unhandled, it would end the owner too.
      event.preventDefault();
      if (this.#stateOf(member) === boards.STATE_STOPPED) return;
      this.#leaves(member, new Error(event.message, { cause: event.error ?? undefined }));
    };
    worker.addEventListener("close", () => this.#leaves(member, null));
    this.#lookLater();
  }

  /** Stops one thread, whichever takes the packet; one that starts if none serves. */
  stopOne(): void {
    this.#stopsPosted++;
    this.#options.taker.post(CONTROL_STOP);
  }

  /** Threads that die are not replaced any more, nor those that wait for it. */
  stopReplacing(): void {
    this.#isReplacing = false;
    for (const timer of this.#replacements) clearTimeout(timer);
    this.#replacements.clear();
  }

  /** Says something to the thread, if it is there. */
  tell(index: number, slot: number, life: number, reason: unknown): void {
    const worker = this.#members.get(index)?.worker;
    const message: Abort = { pool: "abort", slot, life, reason, hasReason: true };
    try {
      worker?.postMessage(message);
    } catch {
      // A reason that cannot be cloned stays here; the caller is given it all the same.
      worker?.postMessage({ ...message, reason: undefined, hasReason: false });
    }
  }

  /**
   * Ends what is left of the threads without waiting for them: a thread that blocks in
   * a foreign call goes on until that returns. Returns how many there were.
   */
  abandon(): number {
    this.#isEnded = true;
    this.stopReplacing();
    clearTimeout(this.#timer);
    for (const { worker } of this.#members.values()) worker.terminate();
    return this.#members.size;
  }

  /** There may be an errand for each thread: with one thread more, one more. */
  #countThreads(): void {
    this.#options.tasks.threads = this.#members.size;
    this.#options.tasks.callThread();
  }

  #freeIndex(): number {
    for (let index = 0; index < limits.MAX_POOL_THREADS; index++) {
      if (!this.#members.has(index)) return index;
    }
    throw new RangeError(`The limit of ${limits.MAX_POOL_THREADS} threads of a pool is reached`);
  }

  #stateOf({ index }: Member): number {
    return Atomics.load(this.#words, this.#options.board.thread(index) + boards.T_STATE);
  }

  #hear(member: Member, message: FromThread): void {
    switch (message.pool) {
      case "called":
        return this.#begin(member);
      case "serving":
        return this.#serves(member);
      case "failed":
        return this.#leaves(member, errorOf(message.error));
      case "stopped":
        return this.#leaves(member, null);
      case "fault": {
        const at = this.#options.board.thread(member.index);
        if (this.#members.get(member.index) === member) {
          Atomics.sub(this.#words, at + boards.T_REPORTS, 1);
        }
        const packet = packetOfParts(message.packet);
        const details = { packet, thread: member.index };
        this.#options.events.fault(new PoolErrorEvent(errorOf(message.error), details));
      }
    }
  }

  #serves(member: Member): void {
    if (member.isServing) return;
    member.isServing = true;
    this.#failuresInRow = 0;
    this.#hasServed = true;
    this.#options.events.served();
  }

  #begin({ worker, index }: Member): void {
    const { name, board, port, data, tasks, tracer } = this.#options;
    const message: ToThread = {
      pool: "begin",
      index,
      name,
      board: board.buffer.token,
      port: port.token,
      data,
      trace: tracer?.tokenOf(index) ?? null,
      signal: tasks.signal,
    };
    worker.postMessage(message);
  }

  #leaves(member: Member, error: Error | null): void {
    member.error ??= error;
    member.isLeaving = true;
    this.look();
  }

  #lookLater(): void {
    if (this.#isEnded || this.#timer !== undefined || this.#members.size === 0) return;
    const isSoon = [...this.#members.values()].some(({ isLeaving }) => isLeaving);
    const delay = isSoon ? LEAVING_LOOK_MS : LOOK_MS;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.look();
    }, delay);
  }

  /** Looks after all threads: who has ended, who does not come, whose packets are stuck. */
  look(): void {
    if (this.#isEnded) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const member of [...this.#members.values()]) {
      const hasEnded = this.#hasEnded(member);
      // What it did is on the board before its messages are here, however busy the owner is.
      if (this.#stateOf(member) > boards.STATE_STARTING) this.#serves(member);
      if (hasEnded && this.#willTell(member)) member.isLeaving = true;
      else if (hasEnded) this.#bury(member);
      else if (!member.isServing && performance.now() > member.deadline) this.#isLate(member);
      else this.#freeStuck(member);
    }
    this.returns.tryAgain();
    this.#options.tasks.callAgain();
    this.#lookLater();
  }

  #hasEnded(member: Member): boolean {
    const life = this.#options.board.life(member.index);
    // Before it has begun there is only the runtime's word for it, and it holds nothing.
    return life === 0 ? member.isLeaving : hasLifeEnded(life);
  }

  /** Whether the message that says why it has ended is still to come; not waited for without end. */
  #willTell({ index, error, deadline }: Member): boolean {
    const at = this.#options.board.thread(index);
    return error === null && this.#words[at + boards.T_TELLS] !== 0 && performance.now() < deadline;
  }

  /** A module that never calls `serve` cannot be told from one that takes its time. */
  #isLate(member: Member): void {
    if (member.isLate) return;
    const { startTimeoutMs, module } = this.#options;
    member.isLate = true;
    member.error ??= new Error(
      `A thread of the pool has not begun within ${startTimeoutMs} ms (startTimeoutMs): ` +
        `does ${module} call serve(), and does its start() end?`,
    );
    member.isLeaving = true;
    // One that blocks in a foreign call ends when that returns.
    member.worker.terminate();
    this.#died(member, null);
  }

  /**
   * What waits behind a handler that takes its time, longer than from one look to the next: packets of
   * its batch, and operations that were started in it.
   */
  #freeStuck(member: Member): void {
    const { board, taker } = this.#options;
    const rest = Atomics.load(this.#words, board.thread(member.index) + boards.T_REST);
    const isSame = rest === member.rest;
    member.rest = rest;
    if (!isSame) return;
    if (this.#stateOf(member) === boards.STATE_RUNNING) taker.flow();
    if (nextOfRest(rest) !== countOfRest(rest)) this.returns.putBack(member.index, rest);
  }

  #bury(member: Member): void {
    const { port, board, tasks, events } = this.#options;
    const { index, worker } = member;
    const hasBegun = board.life(index) !== 0;
    const remains = bury(port, board, this.returns, index);
    this.#keepCounts(index);
    this.#members.delete(index);
    if (remains.errand) tasks.errandLost();
    this.#countThreads();
    // One that has run may have said something that is still on its way.
    if (!hasBegun) worker.terminate();
    if (remains.wasStopped) {
      this.#stopsPosted--;
      const state = this.#words[board.thread(index) + boards.T_STATE];
      if (state !== boards.STATE_STOPPED) this.#tellEnd(member, remains);
    } else if (!member.isLate && !port.isClosed) this.#died(member, remains);
    events.ended();
  }

  /** A thread has ended, or will, that was not asked to. */
  #died(member: Member, remains: Remains | null): void {
    this.#tellEnd(member, remains);
    if (!member.isServing) this.#failuresInRow++;
    if (!this.#isReplacing) return;
    if (this.#hasServed && this.#failuresInRow < limits.MAX_START_FAILURES) {
      return this.#replace();
    }
    if (this.#hasServed && this.serving > 0) return;
    this.stopReplacing();
    this.#options.events.gaveUp(member.error ?? new ThreadEndedError(this.#notBegun()));
  }

  #notBegun(): string {
    return `it has not begun to take packets: does ${this.#options.module} call serve()?`;
  }

  #tellEnd(member: Member, remains: Remains | null): void {
    const { tasks, events } = this.#options;
    const details = member.error === null ? {} : { cause: member.error };
    const text = "A thread of the pool has ended without being asked to";
    const reason = member.error?.message ?? (member.isServing ? "" : this.#notBegun());
    const error = new ThreadEndedError(reason === "" ? text : `${text}: ${reason}`, details);
    const { task, packet } = remains ?? { task: -1, packet: null };
    if (task >= 0) tasks.taskLost(task, error);
    events.fault(new PoolErrorEvent(error, { packet, thread: member.index, hasEnded: true }));
  }

  /** Soon, and less soon the more threads die one after the other. */
  #replace(): void {
    const now = performance.now();
    const isQuiet = now - this.#diedAt > 2 * limits.MAX_REPLACE_DELAY_MS;
    this.#delayMs = isQuiet
      ? limits.REPLACE_DELAY_MS
      : Math.min(this.#delayMs * 2, limits.MAX_REPLACE_DELAY_MS);
    this.#diedAt = now;
    this.replaced++;
    const timer = setTimeout(() => {
      this.#replacements.delete(timer);
      this.add();
    }, this.#delayMs);
    this.#replacements.add(timer);
  }

  /** What an ended thread has counted is counted on in the owner's record. */
  #keepCounts(index: number): void {
    const { board } = this.#options;
    const words = this.#words;
    const from = board.thread(index);
    const to = board.thread(boards.OWNER);
    for (const count of boards.COUNTS) words[to + count] += words[from + count];
    const histograms = [board.runTimes(boards.OWNER), board.waitTimes(boards.OWNER)];
    [board.runTimes(index), board.waitTimes(index)].forEach((source, which) => {
      for (let i = 0; i < boards.HISTOGRAM_WORDS; i++) {
        words[histograms[which] + i] += words[source + i];
      }
    });
  }
}
