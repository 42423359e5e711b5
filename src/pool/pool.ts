/**
 * Web Workers as the threads of a port: the owner's side.
 *
 * @module
 */

import { described } from "../core/errors.ts";
import type { Handle } from "../core/handle.ts";
import { CompletionPort, type PostedPacket } from "../core/port.ts";
import {
  associateWith,
  boundInFlight,
  givePort,
  inFlightOn,
  processors,
  returnPort,
} from "../core/pooled.ts";
import { Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import { Board } from "./board.ts";
import { close, type PoolReport } from "./closing.ts";
import { type PoolCounters, readCounters } from "./counters.ts";
import { Crew } from "./crew.ts";
import { PoolClosedError, PoolErrorEvent } from "./faults.ts";
import * as limits from "../core/limits.ts";
import type { PoolCloseOptions, PoolOptions } from "./options.ts";
import { checkRange, checkTime } from "./ranges.ts";
import { Room } from "./room.ts";
import { type RunOptions, Tasks } from "./tasks.ts";
import { TraceFile } from "./trace-file.ts";
import { Tracer } from "./trace.ts";

/** The events of a pool. */
export interface PoolEventMap {
  /** Something went wrong in a thread. */
  error: PoolErrorEvent;
}

/**
 * A pool of Web Workers that block on a completion port. Each runs the same module,
 * which calls `serve` of `@iocp/iocp/thread`.
 *
 * The port decides who runs: the thread that began to wait last gets the next packet, at
 * most as many run as the concurrency value says, and when one blocks another is
 * released in its place. So there are more threads than may run: twice as many by default.
 *
 * Threads keep the process alive, as Workers do: a process ends when its pools are
 * closed, or by `Deno.exit` or `process.exit`.
 *
 * @example
 * ```ts
 * import { Pool } from "@iocp/iocp";
 *
 * // add.ts: serve({ tasks: { add: ([a, b]: [number, number]) => a + b } });
 * const source = `import { serve } from "${import.meta.resolve("@iocp/iocp/thread")}";
 *   serve({ tasks: { add: ([a, b]) => a + b } });`;
 * const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
 *
 * await using pool = new Pool(module, { threads: 2 });
 * console.log(await pool.run("add", [1, 2])); // 3
 * ```
 */
export class Pool extends EventTarget {
  /** The port that the threads take from. */
  readonly port: CompletionPort;
  /** Resolves when all threads serve; rejects if the module cannot be started. */
  readonly ready: Promise<void>;
  readonly #ownsPort: boolean;
  readonly #board: Board;
  readonly #taker: Taker;
  readonly #tasks: Tasks;
  readonly #crew: Crew;
  readonly #room: Room;
  readonly #tracer: Tracer | null;
  readonly #maxQueued: number;
  readonly #maxInFlight: number;
  readonly #maxInFlightBefore: number;
  readonly #countBefore: number;
  readonly #startTimeoutMs: number;
  readonly #closeTimeoutMs: number;
  /** Packets that `post` may queue before it must look how many are queued. */
  #credit = 0;
  #closing: Promise<PoolReport> | null = null;
  /** Why the pool takes no work; `null` while it does. */
  #refusal: Error | null = null;
  #becomeReady: () => void = () => {};
  #failToBecomeReady: (error: Error) => void = () => {};
  #lastCounters: PoolCounters | null = null;

  /**
   * Starts the threads; does not wait for them. `module` is the address of their
   * module, best made by `new URL("./thread.ts", import.meta.url)`.
   *
   * @throws {RangeError} if a number is out of its range.
   * @throws {TypeError} if `port` and `concurrency` are both given, or the port is another pool's.
   * @throws {DOMException} `DataCloneError` if `data` cannot be cloned.
   * @throws {Win32Error} if the file of `trace` cannot be opened for writing.
   */
  constructor(module: string | URL, options: PoolOptions = {}) {
    super();
    const { threads = 2 * processors, port, concurrency, data, name = "pool" } = options;
    checkRange(threads, "threads", 1, limits.MAX_POOL_THREADS);
    if (port !== undefined && !(port instanceof CompletionPort)) {
      throw new TypeError(`Cannot use ${described(port)} as the port of a pool`);
    }
    if (port !== undefined && concurrency !== undefined) {
      throw new TypeError("Cannot give a port a concurrency value: it has one since it was made");
    }
    this.#maxQueued = options.maxQueued ?? limits.DEFAULT_MAX_QUEUED;
    checkRange(this.#maxQueued, "maxQueued", 1, limits.MAX_POOL_QUEUED);
    if (options.maxInFlight !== undefined) {
      checkRange(options.maxInFlight, "maxInFlight", 1, limits.MAX_OPERATIONS);
    }
    this.#startTimeoutMs = options.startTimeoutMs ?? limits.DEFAULT_START_TIMEOUT_MS;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? Infinity;
    checkTime(this.#startTimeoutMs, "startTimeoutMs");
    checkTime(this.#closeTimeoutMs, "closeTimeoutMs");
    const clone = structuredClone(data);

    this.#ownsPort = port === undefined;
    this.port = port ?? new CompletionPort(concurrency === undefined ? {} : { concurrency });
    givePort(this.port);
    const file = options.trace === undefined ? null : this.#openTrace(options.trace);
    this.#maxInFlightBefore = boundInFlight(this.port, 0);
    this.#maxInFlight = options.maxInFlight ?? this.#maxInFlightBefore;
    boundInFlight(this.port, this.#maxInFlight);
    this.#board = Board.allocate(this.#maxQueued + 2 * limits.MAX_POOL_THREADS);
    this.#taker = new Taker(this.port, this.#board.roomOf(boards.OWNER), boards.BATCH);
    const flow = this.#taker.flow();
    this.#countBefore = flow?.count ?? 0;
    this.#room = new Room(() => this.#roomLeft());
    this.#tasks = new Tasks(
      this.#board,
      this.#taker,
      this.#maxQueued,
      (thread, slot, life, reason) => this.#crew.tell(thread, slot, life, reason),
    );
    this.#tasks.whenDrained = () => this.#room.look();
    this.#tracer = file &&
      new Tracer(file, name, this.port, this.#board, () => this.#readCounters());
    this.#crew = new Crew({
      module: String(module),
      name,
      data: clone,
      startTimeoutMs: this.#startTimeoutMs,
      port: this.port,
      board: this.#board,
      taker: this.#taker,
      tasks: this.#tasks,
      tracer: this.#tracer,
      events: {
        fault: (event) => void this.dispatchEvent(event),
        served: () => this.#served(threads),
        ended: () => this.#ended(),
        gaveUp: (error) => this.#gaveUp(error),
      },
    });
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#failToBecomeReady = reject;
    });
    // Whoever awaits it is told; a pool whose `ready` nobody asks for tells it by its events.
    this.ready.catch(() => {});
    for (let i = 0; i < threads; i++) this.#crew.add();
  }

  /**
   * Associates `handle` with the pool's port, for the handle's life: the packets of its
   * operations go to the callback of this name in the threads' module, whatever the key.
   *
   * Source: BindIoCompletionCallback.
   *
   * @throws {Win32Error} as `CompletionPort.associate`.
   * @throws {PoolClosedError} if the pool is closed or closing.
   */
  bind(handle: Handle, callback: string, key: number = 0): void {
    this.#checkOpen();
    associateWith(this.port, handle, key, this.#tasks.names.numberOf(callback));
  }

  /**
   * Queues a packet for the threads, as `port.post`, if fewer than `maxQueued` are queued.
   *
   * @throws {RangeError} if a number is out of its range, or `maxQueued` is reached.
   * @throws {Win32Error} as `CompletionPort.post`.
   * @throws {PoolClosedError} if the pool is closed or closing.
   */
  post(packet: PostedPacket): void {
    this.#checkOpen();
    if (this.#credit <= 0 && (this.#credit = this.#packetRoom()) <= 0) {
      throw new RangeError(
        `The limit of ${this.#maxQueued} queued packets (maxQueued) is reached; ` +
          "await pool.room before the next one",
      );
    }
    this.port.post(packet);
    this.#credit--;
  }

  /**
   * Runs the task of this name in a thread, and resolves with what it returns. Argument
   * and result are structured clones; native buffers in them, by themselves or in plain
   * objects and arrays, are the same memory: those of the argument are the task's until it
   * is done, those of the result are the caller's.
   *
   * With a `signal`: a task that has not begun is taken out, and the promise rejects with
   * the signal's reason. One that runs is told, by `task.isAborted` and `task.signal`, and
   * the promise settles as its handler does.
   *
   * The promise is always settled: it rejects with what the handler has thrown, with a
   * {@linkcode ThreadEndedError} if the thread ends, with a {@linkcode PoolClosedError} if
   * the pool is closed before, with a `RangeError` if `maxQueued` tasks are queued.
   */
  run<T = unknown>(name: string, argument?: unknown, options: RunOptions = {}): Promise<T> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return this.#tasks.run(name, argument, options) as Promise<T>;
  }

  /**
   * Resolves when there is room for a task, a packet of `post` and an operation more:
   * fewer than `maxQueued` are queued and than `maxInFlight` in flight. Those who wait
   * are let go in their order, as many as there is room for; all when the pool closes.
   */
  get room(): Promise<void> {
    return this.#room.wait();
  }

  /**
   * Sends a packet to whichever thread takes it, behind all that is queued. Resolves with
   * that thread's number.
   */
  ping(): Promise<number> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return this.#tasks.ping();
  }

  /**
   * Starts one thread more. It takes packets as soon as it has started.
   *
   * @throws {RangeError} if the pool has 512.
   * @throws {PoolClosedError} if the pool is closed or closing.
   */
  addThread(): void {
    this.#checkOpen();
    this.#crew.add();
  }

  /**
   * Stops one thread: whichever takes the packet that says so, behind all that is queued.
   *
   * @throws {RangeError} if it would be the last one.
   * @throws {PoolClosedError} if the pool is closed or closing.
   */
  retireThread(): void {
    this.#checkOpen();
    if (this.#crew.target <= 1) throw new RangeError("Cannot retire the last thread of a pool");
    this.#crew.stopOne();
  }

  /** What the pool has done and is doing. After it was closed: what it had done then. */
  get counters(): PoolCounters {
    return this.#lastCounters ?? this.#readCounters();
  }

  /**
   * Ends the pool. New work is refused; what is queued and in flight is finished, however
   * long that takes; then every thread is stopped, by a packet each. After `timeoutMs`
   * milliseconds, if given, tasks that have not begun are taken out, those that run are
   * told, operations in flight are cancelled, and starting another one is refused; their
   * packets are waited for. What has not come 5 seconds later is reported, and left alone.
   *
   * Handles stay open; so does a port that the pool was given. Calling it again gives the
   * same promise. It never rejects.
   *
   * @throws {RangeError} if `timeoutMs` is not a number of milliseconds.
   */
  close(options: PoolCloseOptions = {}): Promise<PoolReport> {
    const { timeoutMs = this.#closeTimeoutMs, recallTimeoutMs = limits.RECALL_TIMEOUT_MS } =
      options;
    checkTime(timeoutMs, "timeoutMs");
    checkTime(recallTimeoutMs, "recallTimeoutMs");
    return this.#closing ??= this.#close(timeoutMs, recallTimeoutMs);
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Calls `listener` with each event of this type: `error`. */
  override addEventListener<K extends keyof PoolEventMap>(
    type: K,
    listener: (event: PoolEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** As for every `EventTarget`. */
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: unknown,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventListenerOrEventListenerObject, options);
  }

  async #close(timeoutMs: number, recallTimeoutMs: number): Promise<PoolReport> {
    const why = this.#refusal;
    this.#refusal ??= new PoolClosedError("Cannot use the pool: it is closed or closing");
    this.#room.end();
    const report = await close({
      port: this.port,
      ownsPort: this.#ownsPort,
      board: this.#board,
      taker: this.#taker,
      tasks: this.#tasks,
      crew: this.#crew,
      maxInFlightBefore: this.#maxInFlightBefore,
      countBefore: this.#countBefore,
      startTimeoutMs: this.#startTimeoutMs,
      why,
      recallTimeoutMs,
    }, timeoutMs);
    this.#lastCounters = this.#readCounters();
    this.#endTrace();
    this.#failToBecomeReady(this.#refusal);
    // What a thread that is left writes goes to memory of its own keeping.
    this.#board.buffer.free();
    return report;
  }

  /** Before anything else is begun: if the file cannot be had, there is no pool. */
  #openTrace(path: string | URL): TraceFile {
    try {
      return new TraceFile(path);
    } catch (error) {
      returnPort(this.port, boundInFlight(this.port, 0));
      if (this.#ownsPort) this.port.close();
      throw error;
    }
  }

  #endTrace(): void {
    const error = this.#tracer?.close() ?? null;
    if (error === null) return;
    this.dispatchEvent(new PoolErrorEvent(error, { packet: null, thread: -1 }));
  }

  #checkOpen(): void {
    if (this.#refusal !== null) throw this.#refusal;
  }

  #served(threads: number): void {
    if (this.#crew.serving >= threads) this.#becomeReady();
  }

  /** A thread is gone. If that was because the port was closed, so is the pool. */
  #ended(): void {
    if (this.port.isClosed && this.#closing === null) {
      this.#gaveUp(new PoolClosedError("The pool's port was closed"));
    }
  }

  /** No thread can be had: nobody is left waiting for one. */
  #gaveUp(error: Error): void {
    this.#failToBecomeReady(error);
    if (this.#closing !== null) return;
    this.#refusal = new PoolClosedError(`The pool has no threads: ${error.message}`, {
      cause: error,
    });
    void this.close({ timeoutMs: 0 });
  }

  #roomLeft(): number {
    const inFlight = this.#maxInFlight === 0 ? Infinity : this.#maxInFlight - inFlightOn(this.port);
    return Math.min(this.#tasks.room, this.#packetRoom(), inFlight);
  }

  #packetRoom(): number {
    return this.#maxQueued - (this.#taker.flow()?.queued ?? 0);
  }

  #readCounters(): PoolCounters {
    const flow = this.#taker.flow();
    return {
      ...readCounters(this.#board, this.#crew.indices()),
      queuedPackets: flow?.queued ?? 0,
      queuedTasks: this.#board.queued(),
      inFlight: inFlightOn(this.port),
      threads: this.#crew.size,
      replaced: this.#crew.replaced,
    };
  }
}
