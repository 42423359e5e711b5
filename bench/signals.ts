/**
 * Ctrl-C and its like: the programs that the bench has started are ended and its files removed
 * before it ends itself.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";

const SIGNALS: readonly NodeJS.Signals[] = process.platform === "win32"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** What is to be done, the newest last. */
const cleanups = new Set<(signal: NodeJS.Signals) => void>();

/** From now on a signal ends this process when all that `beforeSignal` was told is done. */
export function heedSignals(): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      try {
        for (const cleanup of [...cleanups].reverse()) cleanup(signal);
      } finally {
        process.exit(128 + constants.signals[signal]);
      }
    });
  }
}

/** Has `cleanup`, which does not wait for anything, called before a signal ends this process. Returns what takes it back. */
export function beforeSignal(cleanup: (signal: NodeJS.Signals) => void): () => void {
  cleanups.add(cleanup);
  return () => void cleanups.delete(cleanup);
}

/** Starts a program, whose output is read here, that a signal to this process ends as well. */
export function start([program, ...args]: readonly string[], cwd: string): ChildProcess {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const forget = beforeSignal(() => void child.kill("SIGKILL"));
  child.once("error", forget).once("close", forget);
  return child;
}
