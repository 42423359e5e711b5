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
import { lineOf } from "./file-copy/failure.ts";
import { type Command, HELP, readArguments } from "./mirror/arguments.ts";
import { mirror, MirrorFailure } from "./mirror/follow.ts";
import type { Interrupts } from "./program/interrupts.ts";
import { runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("mirror"),
): Promise<number> {
  const program = {
    help: HELP,
    run: async ({ source, target, options }: Command, interrupts: Interrupts) =>
      await mirror(source, target, options, screen, interrupts) ? 0 : 1,
    lineOf: (error: unknown) => error instanceof MirrorFailure ? error.message : lineOf(error),
  };
  return runProgram(program, readArguments(args), screen);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
