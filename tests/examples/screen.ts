/**
 * What a tool run in the test's own process has said, and how it ended.
 *
 * @module
 */

import type { Screen } from "../../examples/program/screen.ts";

/** What a run came to. */
export interface Outcome {
  readonly status: number;
  /** The lines of standard output. */
  readonly printed: string[];
  /** What was complained of, without the program's name. */
  readonly complained: string[];
}

/** A screen that keeps what is written. */
export class RecordedScreen implements Screen {
  readonly isTerminal = false;
  /** All of standard output. */
  out = "";
  /** What was complained of. */
  readonly complained: string[] = [];

  write(text: string): void {
    this.out += text;
  }

  print(line: string): void {
    this.out += `${line}\n`;
  }

  complain(line: string): void {
    this.complained.push(line);
  }
}

/** Runs a tool's `main` in this process. */
export async function runTool(
  main: (args: readonly string[], screen: Screen) => Promise<number>,
  ...args: string[]
): Promise<Outcome> {
  const screen = new RecordedScreen();
  const status = await main(args, screen);
  const printed = screen.out.split("\n").slice(0, -1);
  return { status, printed, complained: screen.complained };
}
