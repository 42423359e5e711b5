/**
 * How far the copy is: a bar on a terminal, a line now and then elsewhere.
 *
 * @module
 */

import type { SingleBar } from "cli-progress";
import process from "node:process";
import { formatBytes, formatSeconds, type Screen } from "../program/screen.ts";

/** Milliseconds between two lines where there is no terminal. */
const LINE_MS = 5000;

/** Milliseconds over which the throughput is averaged. */
const AVERAGE_MS = 3000;

/** Counts what is done, and shows it. */
export class Progress {
  /** Looks how many bytes there are to copy. */
  readonly #measure: () => number;
  /** Bytes to move: those to copy, and once more if they are verified; `null` until somebody asks. */
  #total: number | null = null;
  readonly #passes: number;
  #done = 0;
  #files = 0;
  #bytes = 0;
  #rate = 0;
  readonly #show: Show | null;
  readonly #started: number;
  #ticked: number;
  #tickedDone = 0;

  /**
   * The progress of copying in `passes` passes. How many bytes that are in all is asked
   * when it is to be shown: to look at many small files takes as long as to copy some.
   */
  constructor(measure: () => number, passes: number, show: Show | null) {
    this.#measure = measure;
    this.#passes = passes;
    this.#show = show;
    this.#started = this.#ticked = performance.now();
  }

  /** Files that are whole. */
  get files(): number {
    return this.#files;
  }

  /** Bytes copied. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A file has another size than it had when the copy was planned. */
  resize(bytes: number): void {
    if (this.#total !== null) this.#total += bytes * this.#passes;
  }

  /** So many bytes more have been copied or compared. */
  add(bytes: number): void {
    this.#done += bytes;
    this.#bytes = this.#done / this.#passes;
  }

  /** A file is whole. */
  fileDone(): void {
    this.#files++;
  }

  /** Called often; `now` as `performance.now()`. */
  tick(now: number): void {
    const passed = now - this.#ticked;
    if (this.#show === null || passed <= 0) return;
    const latest = (this.#done - this.#tickedDone) / passed;
    // At first the average is over what there is.
    const window = Math.min(AVERAGE_MS, now - this.#started);
    this.#rate += (latest - this.#rate) * Math.min(1, passed / window);
    this.#ticked = now;
    this.#tickedDone = this.#done;
    this.#show.update(this.#done, this.#all, this.#rate * 1000, now);
  }

  /** Shows the end of it; to be called however the copy ends. */
  [Symbol.dispose](): void {
    this.#show?.end(this.#done, this.#all);
  }

  readonly #all = (): number => this.#total ??= this.#measure() * this.#passes;
}

/** One way of showing. */
export interface Show {
  /** `rate` is in bytes per second; `total` may take its time. */
  update(done: number, total: () => number, rate: number, now: number): void;
  end(done: number, total: () => number): void;
}

/** The way that suits the screen. */
export async function chooseShow(screen: Screen): Promise<Show> {
  if (!screen.isTerminal) return new Lines(screen);
  // Loaded only where there is a terminal: elsewhere the tool starts sooner without.
  const { default: cliProgress } = await import("cli-progress");
  return new Bar(
    new cliProgress.SingleBar({
      format: "{bar} {percentage}%  {rate}  {left}",
      stream: process.stdout,
      hideCursor: true,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 36,
    }),
  );
}

class Bar implements Show {
  readonly #bar: SingleBar;

  constructor(bar: SingleBar) {
    this.#bar = bar;
    this.#bar.start(1, 0, { rate: "", left: "" });
  }

  update(done: number, total: () => number, rate: number): void {
    this.#bar.setTotal(Math.max(total(), 1));
    this.#bar.update(done, {
      rate: `${formatBytes(rate)}/s`,
      left: `${formatTimeLeft(done, total(), rate)} left`,
    });
  }

  end(done: number, total: () => number): void {
    this.#bar.setTotal(Math.max(total(), 1));
    this.#bar.update(total() === 0 ? 1 : done, { left: "" });
    this.#bar.stop();
  }
}

class Lines implements Show {
  readonly #screen: Screen;
  #printed: number = performance.now();

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  update(done: number, total: () => number, rate: number, now: number): void {
    if (now - this.#printed < LINE_MS) return;
    this.#printed = now;
    const percent = Math.floor(done / total() * 100);
    const left = formatTimeLeft(done, total(), rate);
    this.#screen.print(`${percent}% at ${formatBytes(rate)}/s, ${left} left`);
  }

  end(): void {}
}

function formatTimeLeft(done: number, total: number, rate: number): string {
  return rate > 0 ? formatSeconds(Math.ceil((total - done) / rate)) : "some time";
}
