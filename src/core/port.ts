/**
 * Completion ports.
 *
 * @module
 */

import {
  type CompletionEntries,
  ERROR_INVALID_HANDLE,
  system,
  WAIT_TIMEOUT,
} from "../system/system.ts";
import { whileBlocked } from "./blocking.ts";
import { beginCall, isMarkedClosed } from "./calls.ts";
import { checkNumber, described, Win32Error } from "./errors.ts";
import { inFlightOf } from "./flight.ts";
import { checkHandle, dropPort, type Handle } from "./handle.ts";
import * as ledgers from "./ledger.ts";
import {
  GENERATION,
  ledger,
  P_CALLS,
  P_CONCURRENCY,
  P_MAX_QUEUED,
  P_POOL,
  P_POSTED,
  P_REFERENCES,
  P_SYSTEM,
  P_TAKEN,
} from "./ledger.ts";
import { MAX_BATCH, MAX_TIMEOUT_MS } from "./limits.ts";
import { isOwnAddress } from "./operation.ts";
import { type Packet, packetOf } from "./packet.ts";
import type { PortCounters } from "./port-counters.ts";
import * as life from "./port-life.ts";
import { checkOptions, type CompletionPortOptions } from "./port-options.ts";
import { freePosted, FULL, postRefused, reservePost } from "./quota.ts";
import { entriesOfThread } from "./room.ts";
import { keptOperations } from "./recovery.ts";
import { buryEnded } from "./threads.ts";
import { isToken } from "./token.ts";
import { addReference } from "./references.ts";

const CLOSED = "the port is closed";
const OF_A_POOL = "Cannot take packets from the port of a pool: its threads take and handle them";

/** A packet to post; what is absent is 0. */
export interface PostedPacket {
  /** The completion key. Any whole number from 0 to 2^53 - 1. */
  key?: number;
  /** The bytes transferred. Any whole number from 0 to 2^32 - 1. */
  bytesTransferred?: number;
  /** A third number, given to whoever takes the packet; never read as an address. */
  overlapped?: number;
}

/** A port in the form that `postMessage` can send. */
export interface PortToken {
  /** What this is a token of. */
  readonly kind: "iocp.port";
  /** Where it is in the memory that all threads see. */
  readonly place: number;
  /** Which life of that place it is. */
  readonly generation: number;
}

/**
 * A completion port: a FIFO queue of packets, a LIFO stack of waiting threads and
 * a concurrency value. Handles are associated with it under a key; every finished
 * operation queues a packet; threads block on it and take them.
 *
 * Any number of threads may use one port: hand `token` to a Worker and `attach`
 * it there. `get` and `getMany` block the calling thread, not its event loop's
 * turn; elsewhere than in a Worker call them with a timeout of 0, or where
 * blocking is what you want.
 *
 * Source: CreateIoCompletionPort, "I/O Completion Ports".
 *
 * @example
 * ```ts
 * import { CompletionPort } from "@iocp/iocp";
 *
 * using port = new CompletionPort({ concurrency: 1 });
 * port.post({ key: 7, bytesTransferred: 5 });
 * const packet = port.get();
 * console.log(packet?.key, packet?.bytesTransferred); // 7 5
 * ```
 */
export class CompletionPort {
  readonly #place: number;
  readonly #generation: number;
  readonly #isOwner: boolean;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #handle: number;
  /** Posted packets that may be untaken; 0: not limited here. */
  readonly #maxQueued: number;
  /** The concurrency value. */
  readonly concurrency: number;

  /**
   * Creates a port.
   *
   * @throws {RangeError} if an option is not what it must be, or too many ports are open.
   * @throws {Win32Error} if the system has no room for one, or not the engine that is asked for:
   * ERROR_NOT_SUPPORTED (50) on Windows, which has none; on Linux with the reason and its errno.
   */
  constructor(options?: CompletionPortOptions);
  /** @internal */
  constructor(options: CompletionPortOptions, token: PortToken);
  constructor(options: CompletionPortOptions = {}, token?: PortToken) {
    this.#isOwner = token === undefined;
    this.#place = token?.place ?? life.createPort(checkOptions(options));
    this.#words = ledger().words;
    this.#generation = token?.generation ?? this.#words[this.#place + GENERATION];
    this.#handle = ledgers.readNumber(this.#words, this.#place + P_SYSTEM);
    this.#maxQueued = this.#words[this.#place + P_MAX_QUEUED];
    this.concurrency = this.#words[this.#place + P_CONCURRENCY] >>> 0;
  }

  /**
   * The port of `token`, made by another thread. It is the same port: `close()`
   * closes it for all; leaving a `using` block does not.
   *
   * @throws {TypeError} if the token is none, or its port has been closed.
   */
  static attach(token: PortToken): CompletionPort {
    if (isToken(token, "iocp.port") && ledger().ports.isLive(token.place, token.generation)) {
      const port = new CompletionPort({}, token);
      // What was read of the place is another port's, if this one was closed meanwhile.
      if (!port.isClosed) return port;
    }
    throw new TypeError("Cannot attach the port: it has been closed, or this is no token of one");
  }

  /** The port in the form that `postMessage` can send. */
  get token(): PortToken {
    return { kind: "iocp.port", place: this.#place, generation: this.#generation };
  }

  /**
   * Which mechanism carries the port's I/O, and why that one: `Windows`, `io_uring`,
   * or `epoll: …` with the reason why it is not io_uring. The option `engine` asks for
   * one, and where it is absent the variable `IOCP_ENGINE` (`epoll`, `io_uring`).
   */
  get engine(): string {
    return system.describeEngine(this.#handle);
  }

  /**
   * Associates `handle` with this port under `key`, for the handle's life: each
   * of its operations queues its packet here.
   *
   * Source: CreateIoCompletionPort.
   *
   * @throws {RangeError} if the key is no whole number from 0 on.
   * @throws {TypeError} if `handle` is none.
   * @throws {Win32Error} ERROR_INVALID_PARAMETER (87) if the handle is associated already,
   * ERROR_INVALID_HANDLE (6) if it or the port is closed.
   */
  associate(handle: Handle, key: number): void {
    checkNumber(key, "key");
    const call = "CreateIoCompletionPort";
    this.#enter(call);
    try {
      const file = checkHandle(handle).enter(call);
      try {
        life.associateHandle(this.#place, handle, file, key);
      } finally {
        handle.leave();
      }
    } finally {
      this.#leave();
    }
  }

  /**
   * Queues a packet. Does not block.
   *
   * Source: PostQueuedCompletionStatus.
   *
   * @throws {RangeError} if a number is not whole, negative or too large.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the port is closed,
   * ERROR_NO_SYSTEM_RESOURCES (1450) if its queue is full: of its `maxQueued`, or on Linux of
   * `limits.MAX_QUEUED` packets.
   */
  post(packet: PostedPacket): void {
    const { key = 0, bytesTransferred = 0, overlapped = 0 } = packet;
    // A bigint has no `>>> 0`.
    if (typeof key !== "number" || key >>> 0 !== key) checkNumber(key, "key");
    if (typeof bytesTransferred !== "number" || bytesTransferred >>> 0 !== bytesTransferred) {
      checkNumber(bytesTransferred, "bytesTransferred", 0xffff_ffff);
    }
    if (overlapped !== 0) checkPostedOverlapped(overlapped);
    this.#enter("PostQueuedCompletionStatus");
    const code = this.#maxQueued !== 0 && !reservePost(this.#place)
      ? FULL
      : system.postQueuedCompletionStatus(this.#handle, bytesTransferred, key, overlapped);
    this.#leave();
    if (code !== 0) throw postRefused(this.#place, code);
    if (!life.COUNTS) ledgers.addToCount(this.#words, this.#place + P_POSTED, 1);
  }

  /**
   * Takes the oldest packet. Blocks the calling thread until there is one and
   * the concurrency value lets it run; `null` if `timeoutMs` milliseconds pass
   * before. 0 does not block; Infinity, the default, waits for ever.
   *
   * Source: GetQueuedCompletionStatus.
   *
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the port is closed,
   * ERROR_ABANDONED_WAIT_0 (735) if it is closed during the wait.
   */
  get(timeoutMs: number = Infinity): Packet | null {
    const room = this.#beginTake(timeoutMs);
    try {
      return this.#take(room, 1, timeoutMs) === 0 ? null : packetOf(room, 0);
    } finally {
      this.#endTake();
    }
  }

  /**
   * Takes up to `max` packets, oldest first, and at most 1,024. Blocks like
   * {@linkcode get} until there is one; does not wait for more. Empty when
   * `timeoutMs` milliseconds have passed.
   *
   * Source: GetQueuedCompletionStatusEx.
   *
   * @throws {RangeError} if `max` is not a whole number from 1 on.
   * @throws {Win32Error} as {@linkcode get}.
   */
  getMany(max: number, timeoutMs: number = Infinity): Packet[] {
    checkNumber(max, "max");
    if (max === 0) throw new RangeError("Cannot take 0 packets: max must be at least 1");
    const room = this.#beginTake(timeoutMs);
    try {
      const count = this.#take(room, Math.min(max, MAX_BATCH), timeoutMs);
      const packets = new Array<Packet>(count);
      for (let i = 0; i < count; i++) packets[i] = packetOf(room, i);
      return packets;
    } finally {
      this.#endTake();
    }
  }

  /**
   * Runs `work`, during which this thread blocks in something else than a port (a
   * lock, a synchronous call, a wait for another thread): it does not count as
   * running meanwhile, and another waiting thread is released at once. On Windows
   * the kernel sees this by itself; on Linux the engine notices within some 10 ms
   * without being told, while packets are queued.
   *
   * If `work` returns a promise, the thread leaves for its event loop: it counts again when the
   * promise has settled, or from its next take on. What the event loop does meanwhile is not counted.
   *
   * @example `const text = await port.blocking(() => response.text());`
   */
  blocking<T>(work: () => T): T {
    return whileBlocked(work);
  }

  /**
   * Hands the operations that `work` starts to the kernel together, when it
   * returns: on Linux one system call in place of many. On Windows the same as
   * calling `work`. Do not wait inside for what was started inside, except by
   * taking packets.
   */
  batch<T>(work: () => T): T {
    system.gatherOperations();
    try {
      return work();
    } finally {
      system.submitOperations();
    }
  }

  /**
   * What the port has done and is doing. Cheap, and may be read in any thread. Of a
   * closed port, what it has done, until its place is given to another one.
   */
  get counters(): PortCounters {
    const words = this.#words;
    const state = life.emptyState();
    // What a thread had in its hands when it ended is not in flight any more.
    if (inFlightOf(this.#place) !== 0) buryEnded();
    const isOpen = beginCall(words, this.#place + P_CALLS);
    const isOurs = words[this.#place + GENERATION] === this.#generation;
    if (isOpen && isOurs) system.queryIoCompletion(this.#handle, state);
    this.#leave();
    return {
      queued: state.queued,
      active: state.active,
      waiting: state.waiting,
      posted: state.posted ?? (isOurs ? ledgers.readNumber(words, this.#place + P_POSTED) : 0),
      taken: state.taken ?? (isOurs ? ledgers.readNumber(words, this.#place + P_TAKEN) : 0),
      inFlight: isOurs ? inFlightOf(this.#place) : 0,
      kept: keptOperations(),
    };
  }

  /** Whether the port has been closed, by whichever thread. */
  get isClosed(): boolean {
    const { ports } = ledger();
    return !ports.isLive(this.#place, this.#generation) ||
      isMarkedClosed(this.#words, this.#place + P_CALLS);
  }

  /**
   * Closes the port, for all threads: those that wait on it wake with
   * ERROR_ABANDONED_WAIT_0 (735), packets in the queue are dropped. Handles
   * associated with it stay open; their operations' packets go nowhere. Calling
   * it again does nothing.
   *
   * On Windows the waiting threads are woken one by one, each when the
   * concurrency value lets it run: those that run with a packet must take again,
   * block or end for that.
   *
   * Source: CloseHandle.
   */
  close(): void {
    const words = this.#words;
    // Kept, the place is no other port's when the mark is set.
    if (!addReference(words, this.#place + P_REFERENCES)) return;
    if (words[this.#place + GENERATION] === this.#generation) {
      if (beginCall(words, this.#place + P_CALLS)) life.closePort(words, this.#place);
      this.#leave();
    }
    dropPort(this.#place);
  }

  /** Closes the port if this object is the one that made it. */
  [Symbol.dispose](): void {
    if (this.#isOwner) this.close();
  }

  /** Begins a call: until `#leave` the handle's number cannot come to mean something else. */
  #enter(call: string): void {
    const words = this.#words;
    const isOpen = beginCall(words, this.#place + P_CALLS);
    if (isOpen && words[this.#place + GENERATION] === this.#generation) return;
    this.#leave();
    throw new Win32Error(ERROR_INVALID_HANDLE, call, { reason: CLOSED });
  }

  #leave(): void {
    life.leavePort(this.#words, this.#place);
  }

  #beginTake(timeoutMs: number): CompletionEntries {
    // What is no number compares like one and fails only in the middle of the wait.
    const isUsable = typeof timeoutMs === "number" &&
      (timeoutMs === Infinity || timeoutMs >= 0 && timeoutMs <= MAX_TIMEOUT_MS);
    if (!isUsable) {
      throw new RangeError(
        `Cannot wait ${
          described(timeoutMs)
        } ms: it must be a number from 0 to ${MAX_TIMEOUT_MS}, ` +
          "or Infinity",
      );
    }
    const room = entriesOfThread();
    life.beginTaking(this.#words, this.#place);
    return room;
  }

  #endTake(): void {
    life.endTaking(this.#words, this.#place);
  }

  #take(room: CompletionEntries, max: number, timeoutMs: number): number {
    const words = this.#words;
    const isOpen = words[this.#place + GENERATION] === this.#generation &&
      !isMarkedClosed(words, this.#place + P_CALLS);
    if (isOpen && words[this.#place + P_POOL] !== 0) throw new TypeError(OF_A_POOL);
    let code: number = !isOpen
      ? ERROR_INVALID_HANDLE
      : system.getQueuedCompletionStatusEx(this.#handle, room, max, timeoutMs);
    if (isOpen && system.reusesHandles && isMarkedClosed(words, this.#place + P_CALLS)) {
      code = life.abandonTake(words, this.#place, room, code);
    }
    if (code === WAIT_TIMEOUT) return 0;
    if (code !== 0) {
      const suffix = max === 1 ? "" : "Ex";
      const details = code === ERROR_INVALID_HANDLE ? { reason: CLOSED } : {};
      throw new Win32Error(code, `GetQueuedCompletionStatus${suffix}`, details);
    }
    if (!life.COUNTS) ledgers.addToCount(words, this.#place + P_TAKEN, room.removed);
    if (this.#maxQueued !== 0) freePosted(this.#place, room, room.removed);
    return room.removed;
  }
}

function checkPostedOverlapped(overlapped: number): void {
  checkNumber(overlapped, "overlapped");
  if (isOwnAddress(overlapped)) {
    throw new RangeError("Cannot post the address of an operation: its own packet will come");
  }
}
