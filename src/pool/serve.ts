/**
 * The loop of a thread: takes packets from the pool's port and hands them to the
 * handlers.
 *
 * The thread blocks on the port, in a foreign call. Its event loop runs only while a
 * promise that a handler has returned is not settled, and for a short turn now and
 * then, so that what the runtime has to do there is done too. One handler runs at a
 * time in a thread; it is the port that decides how many threads run.
 *
 * @module
 */

import { Win32Error } from "../core/errors.ts";
import { kindNumberOf } from "../core/operation.ts";
import type { Packet } from "../core/packet.ts";
import { CompletionPort } from "../core/port.ts";
import { beginBlocking, endBlocking, lifeOfThread, Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import { batchOfRest, Board, countOfRest, nextOfRest, packRest } from "./board.ts";
import { type Begin, CONTROL_ERRAND, CONTROL_PING, CONTROL_STOP, turn } from "./control.ts";
import { Errands, isPromise } from "./errands.ts";
import type { Handlers, PacketHandler, PoolThread } from "./handlers.ts";
import { addDuration } from "./histogram.ts";
import { ThreadTrace, TraceRing } from "./trace-ring.ts";
import { reportFault } from "./report.ts";

/** While handlers need less than this many milliseconds for a batch, batches grow. */
const QUICK_MS = 0.25;

/** When they need more than this many for one, the next has one packet. */
const SLOW_MS = 1;

/** Milliseconds after which the event loop gets a turn. */
const TURN_MS = 100;

/** A thread of a pool, at work. */
export class Server implements PoolThread {
  readonly index: number;
  readonly name: string;
  readonly data: unknown;
  readonly port: CompletionPort;
  /** Its part in running tasks. */
  readonly errands: Errands;
  readonly #handlers: Handlers;
  readonly #board: Board;
  readonly #words: Int32Array<ArrayBuffer>;
  /** The first word of this thread's record. */
  readonly #at: number;
  readonly #taker: Taker;
  readonly #trace: ThreadTrace | null;
  /** The packet in hand and when its handler was called, if that is traced. */
  #traced: Packet | null = null;
  #tracedAt = 0;
  /** Callbacks by number, as they are needed. */
  readonly #callbacks: PacketHandler[] = [];
  /** Packets to take at a time: one, until handlers have shown that they are quick. */
  #max = 1;
  /** Packets in the batch, and when it was taken, or its last task was done. */
  #taken = 0;
  #takenAt = 0;
  /** What was handled until then, tasks too. */
  #handledBefore = 0;
  /** Batches that it has taken. */
  #batches = 0;
  #turnedAt: number = performance.now();
  #mustStop = false;
  /** What is left to be done for the packet whose handler has returned a promise. */
  #isPosted = false;

  /** The thread that `begin` was sent to. */
  constructor(handlers: Handlers, begin: Begin) {
    this.#handlers = handlers;
    this.index = begin.index;
    this.name = begin.name;
    this.data = begin.data;
    this.port = CompletionPort.attach(begin.port);
    this.#board = Board.attach(begin.board);
    this.#words = this.#board.words;
    this.#at = this.#board.thread(this.index);
    this.#taker = new Taker(this.port, this.#board.roomOf(this.index), boards.BATCH);
    this.#trace = begin.trace &&
      new ThreadTrace(TraceRing.attach(begin.trace), begin.port.place);
    this.errands = new Errands(
      this,
      handlers.tasks ?? {},
      this.#board,
      this.#taker,
      begin.signal,
      this.#trace,
    );
    this.#words[this.#at + boards.T_KEEPS] = 1;
    this.#board.writeLife(this.index, lifeOfThread());
  }

  get batch(): number {
    return this.#batches;
  }

  get isClosing(): boolean {
    return Atomics.load(this.#words, boards.PHASE) !== boards.PHASE_OPEN;
  }

  blocking<T>(work: () => T): T {
    // While a promise is awaited the thread does not count anyway.
    if (this.#words[this.#at + boards.T_STATE] !== boards.STATE_RUNNING) return work();
    this.#leaveRest();
    this.#setState(boards.STATE_BLOCKED);
    const begunAt = this.#trace === null ? 0 : performance.now();
    beginBlocking();
    try {
      // A promise is awaited by the loop, which says so itself.
      return work();
    } finally {
      endBlocking();
      this.#trace?.waited(begunAt);
      this.#setState(boards.STATE_RUNNING);
    }
  }

  /** Takes and handles packets until the thread has taken its stop. */
  async serve(): Promise<void> {
    this.#setState(boards.STATE_RUNNING);
    for (;;) {
      const pending = this.#work();
      if (pending === null) break;
      this.#leaveRest();
      await this.#wait(pending);
    }
  }

  /** Calls the module's `stop`. What it throws is reported. */
  async stop(): Promise<void> {
    try {
      await this.#handlers.stop?.(this);
    } catch (error) {
      reportFault(this.#words, this.#at, error, null);
    }
    this.#setState(boards.STATE_STOPPED);
  }

  /** The thread ends by an error: the owner is to wait for the message that tells it. */
  willTell(): void {
    this.#words[this.#at + boards.T_TELLS] = 1;
  }

  /** The memory is given back: this is the last that the thread does with the pool. */
  [Symbol.dispose](): void {
    this.#words[this.#at + boards.T_KEEPS] = 0;
    this.#taker.letGo();
    this.#trace?.[Symbol.dispose]();
    this.#board.buffer.free();
  }

  /** Waits for a promise, which does not reject, with the thread counted as blocked. */
  async #wait(pending: Promise<void>): Promise<void> {
    this.#setState(boards.STATE_BLOCKED);
    beginBlocking();
    await pending;
    endBlocking();
    this.#setState(boards.STATE_RUNNING);
    this.#turnedAt = performance.now();
  }

  #setState(state: number): void {
    Atomics.store(this.#words, this.#at + boards.T_STATE, state);
  }

  /** Works until there is a promise to wait for; `null` when the thread is to stop. */
  #work(): Promise<void> | null {
    for (;;) {
      const pending = this.errands.isRunning ? this.#runErrand() : this.#next();
      if (pending !== null) return pending;
      if (this.errands.isRunning || this.#hasRest()) continue;
      if (this.#mustStop) return null;
      const now = this.#endBatch();
      if (now - this.#turnedAt > TURN_MS) return turn();
      if (!this.#take()) return null;
    }
  }

  /** Handles the next packet of the batch, if there is one. */
  #next(): Promise<void> | null {
    const index = this.#claim();
    // What is not its own any more went with a port that somebody has closed.
    if (index < 0 || !this.#taker.holds()) return null;
    const control = this.#taker.control(index);
    if (control < 0) return this.#handle(index);
    switch (control) {
      case CONTROL_ERRAND:
        this.#taker.submit();
        this.#noteRunTimes();
        this.errands.begin();
        // How long tasks take says nothing of packets.
        this.#taken = 0;
        return this.#runErrand();
      case CONTROL_PING:
        this.errands.answer(this.#taker.key(index));
        break;
      case CONTROL_STOP:
        this.#stop(index);
        return null;
    }
    this.#packetDone(true);
    return null;
  }

  #runErrand(): Promise<void> | null {
    const pending = this.errands.run();
    if (pending !== null) return pending;
    this.#packetDone(true);
    // A task notes its own time.
    this.#handledBefore = this.#words[this.#at + boards.T_HANDLED];
    if (this.#hasRest()) this.#takenAt = performance.now();
    return null;
  }

  /** Its stop: what it has taken along is for others, further stops among it. */
  #stop(index: number): void {
    if (this.#mustStop) {
      // It has had its own, and could not put back what it had taken along.
      while (!this.#taker.postBack(index));
      this.#words[this.#at + boards.T_DONE]++;
      return;
    }
    this.#mustStop = true;
    this.#words[this.#at + boards.T_STOP] = 1;
    this.#packetDone(true);
    this.#leaveRest();
  }

  #handle(index: number): Promise<void> | null {
    const callback = this.#taker.callback(index);
    const packet = this.#taker.packet(index);
    const words = this.#words;
    const at = this.#at;
    this.#isPosted = packet.operation === null;
    if (packet.operation === null) words[at + boards.T_KIND] = 0;
    else this.#note(packet);
    if (this.#trace !== null) this.#beginTrace(packet);
    words[at + boards.T_INDEX] = index;
    words[at + boards.T_HAND] = boards.HAND_PACKET;
    try {
      const handler = callback < 0 ? this.#handlers.packet : this.#callback(callback);
      if (handler === undefined) throw new TypeError("The pool's module has no packet handler");
      const result = handler(packet, this);
      if (isPromise(result)) return this.#settle(result, packet);
    } catch (error) {
      this.#fail(error, packet);
    }
    this.#handled();
    return null;
  }

  /** Notes the operation whose packet is in hand: what is left of it if the thread ends now. */
  #note({ operation, error }: Packet): void {
    const { doubles } = this.#board;
    const at = this.#at;
    const { tag, offset } = operation!;
    this.#words[at + boards.T_KIND] = kindNumberOf(operation!) + 1;
    this.#words[at + boards.T_CODE] = error?.code ?? 0;
    doubles[at + boards.T_TAG >> 1] = tag;
    doubles[at + boards.T_OFFSET >> 1] = offset;
  }

  async #settle(result: PromiseLike<unknown>, packet: Packet): Promise<void> {
    try {
      await result;
    } catch (error) {
      this.#fail(error, packet);
    }
    this.#handled();
  }

  #fail(error: unknown, packet: Packet): void {
    this.#words[this.#at + boards.T_FAILED]++;
    reportFault(this.#words, this.#at, error, packet);
  }

  #beginTrace(packet: Packet): void {
    this.#trace!.ended(packet, this.#takenAt);
    this.#traced = packet;
    this.#tracedAt = this.#trace!.begin(this.#takenAt);
  }

  #handled(): void {
    const words = this.#words;
    if (this.#traced !== null) {
      this.#trace!.handled(this.#traced, this.#tracedAt);
      this.#traced = null;
    }
    words[this.#at + boards.T_HAND] = boards.HAND_EMPTY;
    words[this.#at + boards.T_HANDLED]++;
    this.#packetDone(this.#isPosted);
  }

  /** A packet less to be done with, after all that it came to is noted: `close` looks at this. */
  #packetDone(isPosted: boolean): void {
    const words = this.#words;
    if (isPosted) words[this.#at + boards.T_DONE_POSTED]++;
    words[this.#at + boards.T_DONE]++;
  }

  #callback(number: number): PacketHandler {
    const known = this.#callbacks[number];
    if (known !== undefined) return known;
    const name = this.#board.readName(number);
    const callbacks = this.#handlers.callbacks ?? {};
    if (!Object.hasOwn(callbacks, name)) {
      throw new TypeError(`The pool's module has no callback "${name}"`);
    }
    return this.#callbacks[number] = callbacks[name];
  }

  /** Takes packets; blocks. False if there are none any more: the port is closed. */
  #take(): boolean {
    this.#setState(boards.STATE_WAITING);
    let count: number;
    try {
      count = this.#taker.take(this.#max, Infinity);
    } catch (error) {
      if (error instanceof Win32Error) return false;
      throw error;
    }
    this.#setState(boards.STATE_RUNNING);
    const batch = batchOfRest(this.#words[this.#at + boards.T_REST]) + 1;
    Atomics.store(this.#words, this.#at + boards.T_REST, packRest(batch, 0, count));
    this.#taken = count;
    this.#batches++;
    this.#takenAt = performance.now();
    // What the handlers of the batch start costs one call of the kernel.
    if (count > 1) this.#taker.gather();
    return true;
  }

  /** The batch is done: decides on the size of the next one. Returns the time. */
  #endBatch(): number {
    const now = this.#noteRunTimes();
    if (this.#taken === 0) return now;
    const spent = now - this.#takenAt;
    if (spent > SLOW_MS) this.#max = 1;
    else if (spent < QUICK_MS && this.#taken === this.#max) {
      this.#max = Math.min(this.#max * 2, boards.BATCH);
    }
    this.#taken = 0;
    return now;
  }

  /** Notes how long each packet took that was handled since the batch was taken. Returns the time. */
  #noteRunTimes(): number {
    const now = performance.now();
    const handled = this.#words[this.#at + boards.T_HANDLED];
    const count = handled - this.#handledBefore | 0;
    if (count > 0) {
      const spent = now - this.#takenAt;
      addDuration(this.#words, this.#board.runTimes(this.index), spent / count, count);
    }
    this.#handledBefore = handled;
    return now;
  }

  #hasRest(): boolean {
    const rest = this.#words[this.#at + boards.T_REST];
    return nextOfRest(rest) !== countOfRest(rest);
  }

  /** Claims the next packet of the batch; -1 if none is left. Others may take the rest at any time. */
  #claim(): number {
    const words = this.#words;
    const at = this.#at + boards.T_REST;
    for (let rest = words[at];;) {
      const next = nextOfRest(rest);
      if (next === countOfRest(rest)) return -1;
      const seen = Atomics.compareExchange(words, at, rest, rest + 0x100);
      if (seen === rest) return next;
      rest = seen;
    }
  }

  /**
   * The thread may take its time: what its handlers have started is handed over, and what it has
   * taken along goes back to the queue, as far as there is room.
   */
  #leaveRest(): void {
    this.#taker.submit();
    for (let index = this.#claim(); index >= 0; index = this.#claim()) {
      if (!this.#taker.postBack(index)) {
        // It keeps this one and those behind it.
        const rest = this.#words[this.#at + boards.T_REST];
        const batch = batchOfRest(rest) + 1;
        const count = Math.max(countOfRest(rest), index + 1);
        Atomics.store(this.#words, this.#at + boards.T_REST, packRest(batch, index, count));
        return;
      }
      this.#words[this.#at + boards.T_DONE]++;
    }
  }
}
