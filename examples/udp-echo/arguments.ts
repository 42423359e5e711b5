/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";
import { numberIn, type Place, placeHelp, placeOptions, readPlace } from "../serving/arguments.ts";

/** What the command line asks for. */
export interface Command {
  readonly kind: "serve";
  readonly place: Place;
  /** Datagrams that are received or sent at a time. */
  readonly inFlight: number;
}

const PORT = 7007;
const IN_FLIGHT = 64;
const MAX_IN_FLIGHT = 4096;

/** What `--help` prints. */
export const HELP = `Usage: udp-echo [options]

Sends every datagram back to where it came from.

Options:
${placeHelp(PORT)}      --in-flight N   datagrams that are received or sent at a time (${IN_FLIGHT})
  -h, --help          print this

The server ends on Ctrl-C.

Exit status: 1 it could not serve, 2 the command line is wrong, 128 + N on signal N.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    ...placeOptions(PORT),
    "in-flight": { type: "string", default: String(IN_FLIGHT) },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals: [extra] } = parsed;
  if (extra !== undefined) return mistake(`there is nothing to do with '${extra}'`);
  const place = readPlace(values);
  if ("kind" in place) return place;
  const text = values["in-flight"];
  const inFlight = numberIn(text, 1, MAX_IN_FLIGHT);
  if (inFlight === null) {
    return mistake(`--in-flight takes a number from 1 to ${MAX_IN_FLIGHT}, not '${text}'`);
  }
  return { kind: "serve", place, inFlight };
}
