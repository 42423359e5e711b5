/**
 * The command line.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";
import type { LineOptions } from "./lines.ts";

/** How to hash, and what to say. */
export interface HashOptions extends LineOptions {
  /** How many threads hash at a time, where the owner does not do it alone. */
  readonly threads: number;
  /** No bar is shown. */
  readonly silent: boolean;
}

/** How to check. */
export interface CheckOptions extends HashOptions {
  /** Files that are not there count for nothing. */
  readonly ignoreMissing: boolean;
  /** Nothing is printed for a file that is as it should be. */
  readonly quiet: boolean;
  /** Nothing is printed at all but what could not be read; the status says the rest. */
  readonly status: boolean;
  /** A line that is none makes the status 1. */
  readonly strict: boolean;
  /** A line that is none is told of. */
  readonly warn: boolean;
}

/** What the command line asks for. */
export type Command =
  | { readonly kind: "hash"; readonly paths: readonly string[]; readonly options: HashOptions }
  | { readonly kind: "check"; readonly lists: readonly string[]; readonly options: CheckOptions };

const MAX_THREADS = 128;

/** What `--help` prints. */
export const HELP = `Usage: hash-tree [options] PATH...
       hash-tree --check [options] LIST...

Prints the SHA-256 digest of each file, and of every file below each folder, sorted by
name, in the lines of sha256sum; checks such lines. Links below a folder are not followed.

Options:
  -c, --check     read lines from each LIST and check the files they name
  -b, --binary    a '*' in front of each name    -t, --text   none (default)
      --tag       lines as 'SHA256 (NAME) = DIGEST'
  -z, --zero      end each line with NUL instead of a line feed, and escape no names
      --threads N threads that hash at a time, where there is more to hash than the tool is
                  done with before they would have started (as many as processors)
  -h, --help      print this

Options of --check:
      --ignore-missing  don't fail for files that are not there
      --quiet     print no OK for each file that is as it should be
      --status    print nothing: the exit status says it all
      --strict    exit 1 for lines that are not properly formatted
  -w, --warn      tell of lines that are not properly formatted

Exit status: 0 all was read and is as it should be, 1 not all, or the command line is wrong.
`;

/** Options that only mean something with `--check`. */
const CHECKING = ["ignore-missing", "quiet", "status", "strict", "warn"] as const;

const flag = { type: "boolean", default: false } as const;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    check: { ...flag, short: "c" },
    binary: { ...flag, short: "b" },
    text: { ...flag, short: "t" },
    tag: flag,
    zero: { ...flag, short: "z" },
    threads: { type: "string" },
    "ignore-missing": flag,
    quiet: flag,
    status: flag,
    strict: flag,
    warn: { ...flag, short: "w" },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals, tokens } = parsed;
  const threads = Number(values.threads ?? availableParallelism());
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    return mistake(
      `--threads takes a whole number from 1 to ${MAX_THREADS}, not '${values.threads}'`,
    );
  }
  if (positionals.length === 0) return mistake("at least one file or folder is needed");
  if (positionals.includes("-")) return mistake("standard input is not read: name a file");
  const { tag, binary, text, zero, check, status, strict } = values;
  const options = { threads, tag, zero, binary, silent: status };
  if (!check) {
    const meaningless = CHECKING.find((name) => values[name]);
    if (meaningless !== undefined) {
      return mistake(`the --${meaningless} option is meaningful only when verifying checksums`);
    }
    if (tag && text) return mistake("--tag does not support --text mode");
    return { kind: "hash", paths: positionals, options };
  }
  if (tag) return mistake("the --tag option is meaningless when verifying checksums");
  if (zero) return mistake("the --zero option is not supported when verifying checksums");
  if (binary || text) {
    return mistake("the --binary and --text options are meaningless when verifying checksums");
  }
  const ignoreMissing = values["ignore-missing"];
  // As with sha256sum, of these three the last one counts.
  const loudness = tokens.findLast((token) =>
    token.kind === "option" && ["quiet", "status", "warn"].includes(token.name)
  );
  const is = (name: string) => loudness?.kind === "option" && loudness.name === name;
  const how = { quiet: is("quiet"), status: is("status"), warn: is("warn") };
  return {
    kind: "check",
    lists: positionals,
    options: { ...options, ...how, ignoreMissing, strict },
  };
}
