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
import { LibraryError, Win32Error } from "../mod.ts";
import { Interrupted, Interrupts } from "./file-copy/interrupts.ts";
import type { Screen } from "./file-copy/screen.ts";
import { type Command, HELP, readArguments } from "./pipe-rpc/arguments.ts";
import { call } from "./pipe-rpc/client.ts";
import { serve } from "./pipe-rpc/server.ts";

const processScreen: Screen = {
  isTerminal: process.stdout.isTTY === true,
  print: (line) => console.log(line),
  complain: (line) => console.error(`pipe-rpc: ${line}`),
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
    return await run(command, screen, interrupts);
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

async function run(
  command: Command & { kind: "serve" | "call" },
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
function lineOf(error: unknown): string | null {
  if (error instanceof Win32Error && error.code === 2) {
    return `${error.subject}: nobody serves it. Start a server with: pipe-rpc serve`;
  }
  const isKnown = error instanceof Win32Error || error instanceof LibraryError ||
    error instanceof TypeError && error.message.startsWith("Cannot use ");
  return isKnown ? error.message : null;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
