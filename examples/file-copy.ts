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
import { HELP, readArguments } from "./file-copy/arguments.ts";
import { copy } from "./file-copy/copy.ts";
import { lineOf } from "./file-copy/failure.ts";
import { Interrupted, Interrupts } from "./file-copy/interrupts.ts";
import { copySample } from "./file-copy/sample.ts";
import { processScreen, type Screen } from "./file-copy/screen.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export async function main(
  args: readonly string[],
  screen: Screen = processScreen,
): Promise<number> {
  const command = readArguments(args);
  if (command.kind === "help") {
    screen.print(HELP.trimEnd());
    return 0;
  }
  if (command.kind === "mistake") {
    screen.complain(`${command.message}\nTry --help.`);
    return 2;
  }
  using interrupts = new Interrupts();
  try {
    if (command.kind === "sample") {
      await copySample(command.options, screen, interrupts);
      return 0;
    }
    const { source, target, options } = command;
    return await copy(source, target, options, screen, interrupts) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) {
      screen.complain(error.message);
      return error.status;
    }
    const line = lineOf(error);
    if (line === null) throw error;
    screen.complain(line);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
