/**
 * How far it is: a bar on a terminal.
 *
 * @module
 */

import type { SingleBar } from "cli-progress";
import { statSync } from "node:fs";
import process from "node:process";
import { formatBytes, formatSeconds } from "../program/screen.ts";
import type { Item } from "./tree.ts";

/** Milliseconds between two looks. */
const LOOK_MS = 100;

/** A bar on standard error. Where that is no terminal, or digests go to it, there is none. */
export class Progress {
  readonly #bar: SingleBar | null;
  readonly #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(bar: SingleBar | null, look: () => void) {
    this.#bar = bar;
    if (bar !== null) this.#timer = setInterval(look, LOOK_MS);
  }

  /** Shows how much of `items` has been hashed, which `hashed` tells in bytes. */
  static async start(
    items: readonly Item[],
    silent: boolean,
    hashed: () => number,
  ): Promise<Progress> {
    // Lines and a bar on one screen would be written over each other.
    if (silent || process.stderr.isTTY !== true || process.stdout.isTTY === true) {
      return new Progress(null, () => {});
    }
    // Loaded only where there is a terminal: elsewhere the tool starts sooner without.
    const { default: cliProgress } = await import("cli-progress");
    const bar = new cliProgress.SingleBar({
      format: "{bar} {percentage}%  {rate}  {left} left",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 36,
    });
    const total = Math.max(1, bytesOf(items));
    bar.start(total, 0, { rate: "", left: "some time" });
    const started = performance.now();
    return new Progress(bar, () => {
      const done = Math.min(hashed(), total);
      const rate = done / (performance.now() - started) * 1000;
      const left = rate > 0 ? formatSeconds(Math.ceil((total - done) / rate)) : "some time";
      bar.update(done, { rate: `${formatBytes(rate)}/s`, left });
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#bar?.stop();
  }
}

function bytesOf(items: readonly Item[]): number {
  let sum = 0;
  for (const { path, reason } of items) {
    if (reason === null) sum += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}
