/**
 * Sends everything back that comes: to any number of clients, from the threads of a pool.
 *
 *     deno task echo
 *     bun run examples/echo-server.ts --port 7000
 *
 * `--help` says the rest. What the threads do is in `echo-server/thread.ts`; how clients
 * come and go, for this server and for `http-server.ts`, in `serving/`.
 *
 * @module
 */

import process from "node:process";
import { type Command, HELP, readArguments } from "./echo-server/arguments.ts";
import type { Interrupts } from "./program/interrupts.ts";
import { runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";
import { addressAt, formatPlace } from "./serving/places.ts";
import { Server } from "./serving/server.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("echo-server"),
): Promise<number> {
  const run = (command: Command, interrupts: Interrupts) => serve(command, screen, interrupts);
  return runProgram({ help: HELP, run }, readArguments(args), screen);
}

async function serve(
  { serving, bytes }: Command,
  screen: Screen,
  interrupts: Interrupts,
): Promise<number> {
  await using server = await Server.start({
    ...serving,
    name: "echo",
    module: new URL("./echo-server/thread.ts", import.meta.url),
    address: await addressAt(serving),
    byteLength: bytes,
    data: {},
    complain: (line) => screen.complain(line),
  });
  screen.print(`echoing at ${formatPlace(server.address)}`);
  return await server.run(interrupts);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
