/**
 * Serves the files of a folder over HTTP/1.1, from the threads of a pool.
 *
 *     deno task serve FOLDER
 *     bun run examples/http-server.ts FOLDER --port 8080
 *     npm run serve -- FOLDER
 *
 * `--help` says the rest. What the threads do is in `http-server/service.ts`: one operation
 * for each connection, and files sent without coming into the program.
 *
 * @module
 */

import { realpathSync, statSync } from "node:fs";
import process from "node:process";
import { type Command, HELP, readArguments } from "./http-server/arguments.ts";
import { SLOT_BYTES } from "./http-server/service.ts";
import type { Interrupts } from "./program/interrupts.ts";
import { lineOf, runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";
import { addressAt, formatPlace } from "./serving/places.ts";
import { Server } from "./serving/server.ts";

/** What is to be served is no folder. */
class NoFolder extends Error {}

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("http-server"),
): Promise<number> {
  return runProgram(
    {
      help: HELP,
      run: (command: Command, interrupts) => serve(command, screen, interrupts),
      lineOf: (error) => error instanceof NoFolder ? error.message : lineOf(error),
    },
    readArguments(args),
    screen,
  );
}

async function serve(
  { folder, serving }: Command,
  screen: Screen,
  interrupts: Interrupts,
): Promise<number> {
  const root = realpathSync(folder);
  if (!statSync(root).isDirectory()) throw new NoFolder(`${folder} is no folder`);
  await using server = await Server.start({
    ...serving,
    name: "http",
    module: new URL("./http-server/thread.ts", import.meta.url),
    address: await addressAt(serving),
    byteLength: SLOT_BYTES,
    data: { root },
    complain: (line) => screen.complain(line),
  });
  screen.print(`serving ${root} at http://${formatPlace(server.address)}/`);
  return await server.run(interrupts);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
