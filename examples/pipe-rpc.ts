/**
 * Calls functions of another process through a named pipe of messages.
 *
 *     deno task rpc serve
 *     deno task rpc call sum 1 2 3
 *     bun run examples/pipe-rpc.ts call upper '"text"'
 *
 * `--help` says the rest. The heart of it is `pipe-rpc/server.ts`: many clients on
 * one thread, each led from packet to packet.
 *
 * @module
 */

import process from "node:process";
import { Win32Error } from "../mod.ts";
import { type Command, HELP, readArguments } from "./pipe-rpc/arguments.ts";
import { call } from "./pipe-rpc/client.ts";
import { serve } from "./pipe-rpc/server.ts";
import type { Interrupts } from "./program/interrupts.ts";
import { lineOf, runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("pipe-rpc"),
): Promise<number> {
  const run = (command: Command, interrupts: Interrupts) => work(command, screen, interrupts);
  return runProgram({ help: HELP, run, lineOf: lineOfCall }, readArguments(args), screen);
}

async function work(
  command: Command,
  screen: Screen,
  interrupts: Interrupts,
): Promise<number> {
  if (command.kind === "serve") {
    return await serve(command.name, command.instances, screen, interrupts);
  }
  const { name, method, parameters, timeoutMs } = command;
  const answer = await call(name, { method, parameters }, timeoutMs, interrupts);
  if ("error" in answer) {
    screen.complain(answer.error);
    return 1;
  }
  screen.print(JSON.stringify(answer.result));
  return 0;
}

/** The line for an error that ends the tool; `null` for what can only be a mistake in it. */
function lineOfCall(error: unknown): string | null {
  if (error instanceof Win32Error && error.code === 2) {
    return `${error.subject}: nobody serves it. Start a server with: pipe-rpc serve`;
  }
  // Of names that are none.
  const isName = error instanceof TypeError && error.message.startsWith("Cannot use ");
  return isName ? error.message : lineOf(error);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
