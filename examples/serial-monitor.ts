/**
 * Shows what comes on a serial line and sends what is typed.
 *
 *     deno run --allow-ffi --allow-read examples/serial-monitor.ts /dev/ttyUSB0
 *     bun run examples/serial-monitor.ts COM3 --speed 9600
 *
 * `--help` says the rest. The heart of it is `serial-monitor/monitor.ts`.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import type { Interrupts } from "./program/interrupts.ts";
import { runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";
import { type Command, HELP, readArguments } from "./serial-monitor/arguments.ts";
import { type Keyboard, watch } from "./serial-monitor/monitor.ts";

/** The lines of standard input, as they are typed; its end is none of the monitor. */
class StandardInput implements Keyboard {
  readonly #lines: string[] = [];
  readonly #reader = createInterface({ input: process.stdin });

  constructor() {
    this.#reader.on("line", (line) => this.#lines.push(line));
  }

  next(): string | undefined {
    return this.#lines.shift();
  }

  [Symbol.dispose](): void {
    this.#reader.close();
    process.stdin.unref?.();
  }
}

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("serial-monitor"),
  keyboard?: Keyboard,
): Promise<number> {
  const run = async ({ path, options }: Command, interrupts: Interrupts) => {
    using own = keyboard === undefined ? new StandardInput() : null;
    return await watch(path, options, screen, keyboard ?? own!, interrupts);
  };
  return runProgram({ help: HELP, run }, readArguments(args), screen);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
