/**
 * What the engine must know of each kind of operation, and of each kind of
 * handle: a row of rules, found by the number in the request's shared words, so
 * that any thread can go on with what another has started.
 *
 * A family's file holds its rules and enters them here when it is loaded.
 * Every thread loads all families.
 *
 * @module
 */

import type { Port } from "./port.ts";

/** The kinds of requests. A family's own begin at its hundred. */
export const READ = 1;
export const WRITE = 2;
export const READ_VECTOR = 3;
export const WRITE_VECTOR = 4;
export const LOCK = 5;
/** The first kind of each family. */
export const DIRECTORIES = 100;
export const PIPES = 200;
export const SOCKETS = 300;
export const SERIAL_LINES = 400;
export const DEVICES = 500;

/** Opcodes of io_uring that have a meaning of their own here: IORING_OP_POLL_ADD and _TIMEOUT. */
export const POLL = 6;
export const TIMER = 11;

/** What epoll or a poll waits for. */
export const IN = 0x1;
export const PRIORITY = 0x2;
export const OUT = 0x4;

/** The rules of one kind of operation. All are called with the lock of the handle's port held, except `perform`. */
export interface Rules {
  /**
   * Its opcode on a ring; the rest of the entry is in the request's words. `POLL`:
   * the ring only says when `events` have come, and `perform` does the rest.
   */
  readonly opcode: number;
  /**
   * What the handle must be ready for (`IN`, `OUT` …). Without io_uring, a
   * handle's operations that wait for the same are carried out in the order they
   * were started, one at a time (44). 0: `perform` never has to wait.
   */
  readonly events: number;
  /**
   * Carries the request out by plain system calls, without waiting. Returns what
   * a ring would have: a count, or a negated errno; -EAGAIN to be called again
   * when the handle is ready. Called again as well when a thread has ended in it, or before
   * what it returned was seen to: what it takes and gives it must not do twice. May be called without the lock, by the thread that
   * started it, if the handle is a file.
   */
  perform(request: number): number;
  /**
   * The engine is done with the request: `result` is a count or a negated errno.
   * Must either end it (`finishRequest`, `failRequest`), or hand it on
   * (`goOn`, `park`). What ended for no reason of its own has gone on already.
   */
  complete(port: Port, request: number, result: number): void;
  /**
   * A read or write of ReadFile or WriteFile has been opened and is not with the
   * engine yet: must `launch` it, `park` it or end it. Without this it is launched.
   */
  begin?(port: Port, request: number): void;
  /** A parked request must end: takes it off where it waits and ends it. Needed by kinds that park. */
  cancel?(port: Port, request: number): void;
  /** Threads carry it out themselves, without the lock; no engine does more than wait for it. */
  readonly isCarried?: boolean;
  /**
   * The thread whose place is `thread` has ended. If it was carrying the request out itself, which
   * no engine knew of, the request must end, or go on. Called without the lock, by one thread at a time.
   */
  orphaned?(request: number, thread: number): void;
  /**
   * Whether `perform` may have done a part of it, although it is only being opened: should
   * the thread end right there, it is not cancelled then but goes on.
   */
  hasBegun?(request: number): boolean;
  /**
   * The descriptor it is about, if that is not the handle's. It waits for that one alone, and so
   * does not keep the order of the handle's operations.
   */
  descriptor?(request: number): number;
  /** On a ring several of them may be under way at once: which ends first means nothing. */
  readonly isUnordered?: boolean;
  /**
   * Its turn has come on a ring, because the one before it has ended. Must hand it to the engine
   * (`goOn`), or end it. Without this it is handed to the engine.
   */
  follow?(port: Port, request: number): void;
  /**
   * Whether this result ends the request with success, `R_DONE` and the result being its bytes,
   * and `complete` would do nothing else. Not asked of one that others wait for.
   */
  isPlain?(request: number, result: number): boolean;
  /** Fills what is unusual in its ring entry, which begins at word `at` of `entries`. */
  fill?(request: number, entries: Int32Array<ArrayBuffer>, at: number): void;
}

/** The rules of one kind of handle. */
export interface HandleRules {
  /** The kinds that ReadFile and WriteFile are on it; 0 if it has none. */
  readonly read: number;
  readonly write: number;
  /** Why neither can be started now, as a Win32 code; 0 if it can. Under the port's lock. */
  refusal?(handle: number): number;
  /**
   * The handle is being closed; its operations have been asked to end and its
   * descriptor is still open. Under the port's lock if it has a port. True: somebody
   * else closes the descriptor.
   */
  closing?(handle: number, port: Port | null): boolean | void;
  /**
   * A thread has ended with the lock of the handle's port: should it have been in the middle of
   * something with the handle, that is gone on with, or undone. Called by who has inherited the lock.
   */
  resume?(handle: number, port: Port): void;
}

const rules: (Rules | undefined)[] = [];
const handleRules: (HandleRules | undefined)[] = [];

/** Enters the rules of a kind of operation. */
export function define(kind: number, row: Rules): void {
  while (rules.length <= kind) rules.push(undefined);
  rules[kind] = row;
}

/** The rules of a kind of operation that has been started. */
export function rulesOf(kind: number): Rules {
  return rules[kind]!;
}

/** Enters the rules of a kind of handle. */
export function defineHandle(kind: number, row: HandleRules): void {
  while (handleRules.length <= kind) handleRules.push(undefined);
  handleRules[kind] = row;
}

/** The rules of a kind of handle; `undefined` for ports. */
export function handleRulesOf(kind: number): HandleRules | undefined {
  return handleRules[kind];
}
