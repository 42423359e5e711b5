/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";
import {
  numberIn,
  readServing,
  type Serving,
  servingHelp,
  servingOptions,
} from "../serving/arguments.ts";

/** What the command line asks for. */
export interface Command {
  readonly kind: "serve";
  readonly serving: Serving;
  /** Bytes that are received at once. */
  readonly bytes: number;
}

const PORT = 7007;
const CLIENTS = 4096;
const BYTES = 16 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;

/** What `--help` prints. */
export const HELP = `Usage: echo-server [options]

Sends everything back that comes over TCP: any number of clients, on the threads of one
completion port.

Options:
${
  servingHelp(PORT, CLIENTS)
}      --bytes N       bytes of a client that are in memory at most (${BYTES})
  -h, --help          print this

The server ends on Ctrl-C.

Exit status: 1 it could not serve, 2 the command line is wrong, 128 + N on signal N.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    ...servingOptions(PORT, CLIENTS),
    bytes: { type: "string", default: String(BYTES) },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals: [extra] } = parsed;
  if (extra !== undefined) return mistake(`there is nothing to do with '${extra}'`);
  const serving = readServing(values);
  if ("kind" in serving) return serving;
  const bytes = numberIn(values.bytes, 1, MAX_BYTES);
  if (bytes === null) {
    return mistake(`--bytes takes a number from 1 to ${MAX_BYTES}, not '${values.bytes}'`);
  }
  return { kind: "serve", serving, bytes };
}
