/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../examples/program/command-line.ts";
import { scaleOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What to measure, and where the result goes. */
export interface BenchOptions {
  /** Names of scenarios, each once; never empty. */
  readonly scenarios: readonly string[];
  readonly rounds: number;
  /** Only cases whose name has this in it. */
  readonly only: string;
  readonly isSmoke: boolean;
  /** Files to write; absent: none. */
  readonly json: string | undefined;
  readonly html: string | undefined;
}

/** What the command line asks for. */
export type Command =
  | Help
  | Mistake
  | { readonly kind: "list" }
  | { readonly kind: "run"; readonly options: BenchOptions };

const ROUNDS = 7;
const MAX_ROUNDS = 1000;

/** What `--help` prints. */
export const HELP = `Usage: deno task bench [options] [SCENARIO...]
       bun run bench [options] [SCENARIO...]

Measures this module and what people would pick instead, in turn, and prints medians, the
spread, and how many times as good this module is. Without a SCENARIO: all of them.
Rivals that are not installed are left out, and named.

Options:
      --rounds N   how often each contender is measured (${ROUNDS})
      --smoke      everything tiny and one round: shows that it works, and no figures
      --case TEXT  only the cases whose name has TEXT in it
      --json FILE  writes the result as JSON
      --html FILE  writes it as one page with plots
      --list       print the scenarios
  -h, --help       print this

Exit status: 0 all was measured, 1 a contender failed, 2 the command line is wrong.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command {
  const flag = { type: "boolean", default: false } as const;
  const parsed = readOptions(args, {
    rounds: { type: "string" },
    case: { type: "string", default: "" },
    smoke: flag,
    json: { type: "string" },
    html: { type: "string" },
    list: flag,
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals } = parsed;
  if (values.list) return { kind: "list" };
  const known = SCENARIOS.map(({ name }) => name);
  const strange = positionals.find((name) => !known.includes(name));
  if (strange !== undefined) {
    return mistake(`there is no scenario '${strange}'; there are ${known.join(", ")}`);
  }
  const rounds = Number(values.rounds ?? (values.smoke ? 1 : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    return mistake(`--rounds takes a whole number from 1 to ${MAX_ROUNDS}, not '${values.rounds}'`);
  }
  const scenarios = positionals.length === 0 ? known : [...new Set(positionals)];
  const { smoke: isSmoke, case: only, json, html } = values;
  const scale = scaleOf(isSmoke);
  const cases = SCENARIOS.filter(({ name }) => scenarios.includes(name))
    .flatMap((scenario) => scenario.cases(scale));
  if (!cases.some(({ name }) => name.includes(only))) {
    return mistake(`no case of ${scenarios.join(", ")} has '${only}' in its name`);
  }
  return { kind: "run", options: { scenarios, rounds, only, isSmoke, json, html } };
}
