/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";

/** How to mirror. */
export interface MirrorOptions {
  /** Whether the folders are made equal once and not watched. */
  readonly once: boolean;
  /** Whether nothing but errors is printed. */
  readonly quiet: boolean;
}

/** What the command line asks for. */
export type Command = {
  readonly kind: "mirror";
  readonly source: string;
  readonly target: string;
  readonly options: MirrorOptions;
};

/** What `--help` prints. */
export const HELP = `Usage: mirror [options] SRC DST

Makes the folder DST equal to the folder SRC, and keeps it so until it is interrupted.
DST is made if it does not exist; only the last folder of its path. WHAT IS IN DST AND
NOT IN SRC IS REMOVED.

A file is copied if its size or its time of modification is another one; its times and
mode are kept. Links stay links. Pipes, devices and sockets are left out.

Options:
      --once      make them equal and end
  -q, --quiet     print nothing but errors
  -h, --help      print this

Each change gets a line: + came, ~ was written, - went, > was renamed. When the system
could not keep all changes, it says so, and both folders are compared from end to end.
What cannot be copied or removed gets a line, and is tried again when it changes.

Exit status: 0 all is equal, 1 not all, or SRC was deleted, 2 the command line is wrong,
128 + N on signal N.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    once: { type: "boolean", default: false },
    quiet: { type: "boolean", short: "q", default: false },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals } = parsed;
  if (positionals.length !== 2) {
    return mistake(`SRC and DST are needed, and ${positionals.length} given`);
  }
  const [source, target] = positionals;
  if (source === "" || target === "") return mistake("SRC and DST cannot be empty");
  return {
    kind: "mirror",
    source,
    target,
    options: { once: values.once, quiet: values.quiet },
  };
}
