/**
 * Keeps a folder equal to another by the changes that the system tells of.
 *
 *     deno run -A examples/mirror.ts SRC DST
 *     bun run examples/mirror.ts SRC DST
 *
 * `--help` says the rest. The heart of it is `mirror/follow.ts`: one read of
 * changes after the other; and when more has changed than was kept, everything is compared.
 *
 * @module
 */

import process from "node:process";
import { Interrupted, Interrupts } from "./file-copy/interrupts.ts";
import { lineOf } from "./file-copy/failure.ts";
import type { Screen } from "./file-copy/screen.ts";
import { HELP, readArguments } from "./mirror/arguments.ts";
import { mirror, MirrorFailure } from "./mirror/follow.ts";

const processScreen: Screen = {
  isTerminal: process.stdout.isTTY === true,
  print: (line) => console.log(line),
  complain: (line) => console.error(`mirror: ${line}`),
};

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
    const { source, target, options } = command;
    return await mirror(source, target, options, screen, interrupts) ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) {
      screen.complain(error.message);
      return error.status;
    }
    const line = error instanceof MirrorFailure ? error.message : lineOf(error);
    if (line === null) throw error;
    screen.complain(line);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
