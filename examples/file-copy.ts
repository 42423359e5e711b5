/**
 * Copies files and folders through a completion port.
 *
 *     deno task copy SRC DST
 *     bun run examples/file-copy.ts SRC DST
 *     npm run copy -- SRC DST
 *
 * `--help` says the rest. The heart of it is `file-copy/pump.ts`: one port, one
 * buffer, and many reads and writes in flight over all files at once.
 *
 * @module
 */

import process from "node:process";
import { type Command, HELP, readArguments } from "./file-copy/arguments.ts";
import { copy } from "./file-copy/copy.ts";
import { lineOf } from "./file-copy/failure.ts";
import { copySample } from "./file-copy/sample.ts";
import type { Interrupts } from "./program/interrupts.ts";
import { runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("file-copy"),
): Promise<number> {
  const run = (command: Command, interrupts: Interrupts) => work(command, screen, interrupts);
  return runProgram({ help: HELP, run, lineOf }, readArguments(args), screen);
}

async function work(command: Command, screen: Screen, interrupts: Interrupts): Promise<number> {
  if (command.kind === "sample") {
    await copySample(command.options, screen, interrupts);
    return 0;
  }
  const { source, target, options } = command;
  return await copy(source, target, options, screen, interrupts) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
