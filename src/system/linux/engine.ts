/**
 * What carries a port's I/O to the kernel and back: io_uring where there is one,
 * plain system calls and epoll where not. One thread's view; the engine itself
 * is shared by all threads of the port.
 *
 * @module
 */

import type { Port } from "./port.ts";

/** In place of a request, for completions that only end a wait. */
export const NO_REQUEST = 0;

/** The contract between a port and its engine. Results are counts or negated errno values. */
export interface Engine {
  /** Whether `submit` may leave completions behind that only this thread sees. */
  readonly completesOnSubmit: boolean;
  /** Takes the request, or what is left of it. Under the port's lock. */
  start(request: number): void;
  /** A number that `start` changes; always the same if the engine can't tell. */
  position(): number;
  /**
   * Goes on with a request that a thread which has ended had in its hands; for 0 looks
   * whether what waits on `handle` can be carried out. Under the lock.
   */
  adopt?(handle: number, request: number): void;
  /** Asks that the request end. Under the lock. */
  cancel(request: number): void;
  /** Makes a thread come out of `wait` at the next `submit`. Under the lock. */
  nudge(): void;
  /** Hands over what was started; without the lock. False: not now, again. */
  submit(): boolean;
  /**
   * Waits until there is a completion, at most `milliseconds`; without the lock. One
   * thread at a time. May return for no reason.
   */
  wait(thread: number, milliseconds: number): void;
  /** Whether there are completions to read. */
  hasCompletions(): boolean;
  /** Lets the kernel complete what it may have left until this thread calls it. Under the lock. */
  catchUp?(): void;
  /** Reads all completions: what they come to is in the port's queue. Under the lock. */
  reap(port: Port): void;
  /** The lock was inherited from a thread that may have ended in `reap`. Under the lock. */
  replay?(port: Port): void;
}
