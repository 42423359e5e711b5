/**
 * Sends every datagram back to where it came from.
 *
 *     deno run --allow-ffi --allow-net examples/udp-echo.ts
 *     bun run examples/udp-echo.ts --port 7007
 *
 * `--help` says the rest. The heart of it is `udp-echo/echo.ts`: one socket, one thread, and
 * many receives in flight.
 *
 * @module
 */

import process from "node:process";
import type { Interrupts } from "./program/interrupts.ts";
import { runProgram } from "./program/program.ts";
import { type Screen, screenOf } from "./program/screen.ts";
import { addressAt } from "./serving/places.ts";
import { type Command, HELP, readArguments } from "./udp-echo/arguments.ts";
import { echo } from "./udp-echo/echo.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export function main(
  args: readonly string[],
  screen: Screen = screenOf("udp-echo"),
): Promise<number> {
  const run = async ({ place, inFlight }: Command, interrupts: Interrupts) =>
    await echo(await addressAt(place), inFlight, screen, interrupts);
  return runProgram({ help: HELP, run }, readArguments(args), screen);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
