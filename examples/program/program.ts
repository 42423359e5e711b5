/**
 * A command-line tool from its arguments to its exit status.
 *
 * @module
 */

import { LibraryError, Win32Error } from "../../mod.ts";
import type { Help, Mistake } from "./command-line.ts";
import { Interrupted, Interrupts } from "./interrupts.ts";
import type { Screen } from "./screen.ts";

/** What a tool is made of. */
export interface Program<C> {
  /** What `--help` prints. */
  readonly help: string;
  /** The exit status when the command line is wrong; 2 unless it says otherwise. */
  readonly mistakeStatus?: number;
  /** Does what it is told and returns the exit status; looks at `interrupts` now and then. */
  run(command: C, interrupts: Interrupts): Promise<number> | number;
  /** The line for an error that ends it; `null` for what can only be a mistake in the tool. */
  lineOf?(error: unknown): string | null;
}

/** Runs `program` with the command line as it was read. Returns the exit status. */
export async function runProgram<C extends { readonly kind: string }>(
  program: Program<C>,
  command: C | Help | Mistake,
  screen: Screen,
): Promise<number> {
  if (isHelp(command)) {
    screen.write(program.help);
    return 0;
  }
  if (isMistake(command)) {
    screen.complain(`${command.message}\nTry --help.`);
    return program.mistakeStatus ?? 2;
  }
  using interrupts = new Interrupts();
  try {
    return await program.run(command, interrupts);
  } catch (error) {
    if (error instanceof Interrupted) {
      screen.complain(error.message);
      return error.status;
    }
    const line = (program.lineOf ?? lineOf)(error);
    if (line === null) throw error;
    screen.complain(line);
    return 1;
  }
}

function isHelp(command: { readonly kind: string }): command is Help {
  return command.kind === "help";
}

function isMistake(command: { readonly kind: string }): command is Mistake {
  return command.kind === "mistake";
}

/** The line for an error of this module or of the system; `null` for any other. */
export function lineOf(error: unknown): string | null {
  if (error instanceof Win32Error || error instanceof LibraryError) return error.message;
  // Of node:fs, or of Deno where it was not given a permission.
  const isOfSystem = error instanceof Error && ("syscall" in error || error.name === "NotCapable");
  return isOfSystem ? error.message : null;
}
