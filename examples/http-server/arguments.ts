/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";
import { readServing, type Serving, servingHelp, servingOptions } from "../serving/arguments.ts";

/** What the command line asks for. */
export interface Command {
  readonly kind: "serve";
  readonly folder: string;
  readonly serving: Serving;
}

const PORT = 8080;
const CLIENTS = 4096;

/** What `--help` prints. */
export const HELP = `Usage: http-server [options] FOLDER

Serves the files of a folder over HTTP/1.1. A folder is served as its index.html. Hidden
files (.name) and what links lead to outside of the folder are not served.

Options:
${servingHelp(PORT, CLIENTS)}  -h, --help          print this

The server ends on Ctrl-C, when it has answered what it was asked, or 10 seconds later.

Exit status: 1 it could not serve, 2 the command line is wrong, 128 + N on signal N.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, servingOptions(PORT, CLIENTS));
  if ("kind" in parsed) return parsed;
  const { values, positionals: [folder, extra] } = parsed;
  if (folder === undefined) return mistake("a FOLDER is needed");
  if (extra !== undefined) return mistake(`one FOLDER is served, and '${extra}' is another`);
  const serving = readServing(values);
  return "kind" in serving ? serving : { kind: "serve", folder, serving };
}
