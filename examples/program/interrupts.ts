/**
 * Ctrl-C and its like: noted when they come, and acted upon between two packets.
 *
 * @module
 */

import { constants } from "node:os";
import process from "node:process";

/** Windows knows these two, and ends a process by no other signal that it could see. */
const SIGNALS: readonly NodeJS.Signals[] = process.platform === "win32"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** The program ends because a signal asks for it. */
export class Interrupted extends Error {
  /** The exit status of a process that a signal has ended. */
  readonly status: number;

  /** The end by `signal`. */
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.status = 128 + (constants.signals[signal] ?? 0);
  }
}

/** Listens for signals as long as it is held. */
export class Interrupts {
  #seen: NodeJS.Signals | null = null;
  readonly #note: (signal: NodeJS.Signals) => void = (signal) => this.#seen ??= signal;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#note);
  }

  /** @throws {Interrupted} if a signal has come. */
  check(): void {
    if (this.#seen !== null) throw new Interrupted(this.#seen);
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#note);
  }
}
