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
import { LibraryError, Win32Error } from "../mod.ts";
import { Interrupted, Interrupts } from "./file-copy/interrupts.ts";
import { HELP, readArguments } from "./serial-monitor/arguments.ts";
import { type Keyboard, type Screen, watch } from "./serial-monitor/monitor.ts";

const processScreen: Screen = {
  write: (text) => void process.stdout.write(text),
  complain: (line) => console.error(`serial-monitor: ${line}`),
};

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
export async function main(
  args: readonly string[],
  screen: Screen = processScreen,
  keyboard?: Keyboard,
): Promise<number> {
  const command = readArguments(args);
  if (command.kind === "help") {
    screen.write(HELP);
    return 0;
  }
  if (command.kind === "mistake") {
    screen.complain(`${command.message}\nTry --help.`);
    return 2;
  }
  using interrupts = new Interrupts();
  using own = keyboard === undefined ? new StandardInput() : null;
  try {
    return await watch(command.path, command.options, screen, keyboard ?? own!, interrupts);
  } catch (error) {
    if (error instanceof Interrupted) {
      screen.complain(error.message);
      return error.status;
    }
    if (!(error instanceof Win32Error || error instanceof LibraryError)) throw error;
    screen.complain(error.message);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
