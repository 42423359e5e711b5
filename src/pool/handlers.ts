/**
 * What a thread module hands to `serve`, and what its handlers are given.
 *
 * @module
 */

import type { Packet } from "../core/packet.ts";
import type { CompletionPort } from "../core/port.ts";

/** The thread that a handler runs in. */
export interface PoolThread {
  /** Which of the pool's threads this is, from 0 on; the number of one that has ended comes again. */
  readonly index: number;
  /** The pool's name. */
  readonly name: string;
  /** What the pool was given as `data`: this thread's own clone of it. */
  readonly data: unknown;
  /** The pool's port: to post packets and to associate handles. Packets are taken by the pool. */
  readonly port: CompletionPort;
  /**
   * Which batch of packets is in hand: another number each time the thread has taken some. All packets of
   * a batch had come before the first of them was handled, so that what was looked up for one of
   * them is as new as the others need it.
   */
  readonly batch: number;
  /** Whether the pool is closing: what is in flight is finished, nothing more is begun. */
  readonly isClosing: boolean;
  /**
   * Runs `work`, which blocks in something else than the port (a lock, a synchronous
   * call, a sleep): the thread does not count as running meanwhile, another one is
   * released, and packets that this one had taken along are left to the others.
   */
  blocking<T>(work: () => T): T;
}

/** The task that a handler runs for. */
export interface Task {
  /** The thread that it runs in. */
  readonly thread: PoolThread;
  /**
   * Whether the caller has asked that it end. Looked up where all threads see it, so
   * that it is right also in the midst of a synchronous handler.
   */
  readonly isAborted: boolean;
  /**
   * The same as an `AbortSignal`, for what takes one. It fires while the thread's event
   * loop runs: when the handler awaits.
   */
  readonly signal: AbortSignal;
}

/**
 * Handles a packet. While a promise that it returns is not settled, the thread's event
 * loop runs and the thread does not count as running: others take packets.
 */
export type PacketHandler = (packet: Packet, thread: PoolThread) => void | Promise<void>;

/**
 * Does a task. What it returns, or its promise comes to, is what `Pool.run` gives its
 * caller. Native buffers in the argument are the handler's until it is done; those in
 * the result go to the caller.
 */
export type TaskHandler = (argument: never, task: Task) => unknown;

/** What a thread of a pool does. */
export interface Handlers {
  /** Called once before the thread takes packets. If it throws, the thread cannot be started. */
  start?(thread: PoolThread): void | Promise<void>;
  /** Called with each packet that is not for a callback. */
  packet?: PacketHandler;
  /** By name: called with the packets of the handles that `Pool.bind` has bound to that name. */
  callbacks?: Readonly<Record<string, PacketHandler>>;
  /** By name: what `Pool.run` runs. */
  tasks?: Readonly<Record<string, TaskHandler>>;
  /** Called once when the thread has taken its last packet. */
  stop?(thread: PoolThread): void | Promise<void>;
}
