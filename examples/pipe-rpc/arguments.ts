/**
 * The command line.
 *
 * @module
 */

import { type Help, type Mistake, mistake, readOptions } from "../program/command-line.ts";

/** What the command line asks for. */
export type Command =
  | { readonly kind: "serve"; readonly name: string; readonly instances: number }
  | {
    readonly kind: "call";
    readonly name: string;
    readonly method: string;
    readonly parameters: unknown[];
    readonly timeoutMs: number;
  };

/** The pipe that is served and called if the command line names none. */
export const DEFAULT_NAME = String.raw`\\.\pipe\iocp-rpc`;

const MAX_INSTANCES = 254;

/** What `--help` prints. */
export const HELP = `Usage: pipe-rpc serve [options]
       pipe-rpc call [options] METHOD [JSON ...]

Calls functions of another process through a named pipe of messages. The server has
several clients at once, on one thread and one completion port; a call is one message
there and one back.

  METHOD is echo, sum, upper, time or methods; each JSON is one of its parameters.

Options:
  --pipe NAME      ${DEFAULT_NAME} unless it is given; on Linux also an absolute path
  --instances N    serve: clients at once, 1 to ${MAX_INSTANCES} (4)
  --timeout MS     call: milliseconds to wait for the server to be free (5000)
  -h, --help       print this

Only programs of the same user can call. The server ends on Ctrl-C.

Exit status: 0 all went well, 1 it did not, 2 the command line is wrong, 128 + N on signal N.
`;

/** Reads the command line, without the program's name. */
export function readArguments(args: readonly string[]): Command | Help | Mistake {
  const parsed = readOptions(args, {
    pipe: { type: "string", default: DEFAULT_NAME },
    instances: { type: "string", default: "4" },
    timeout: { type: "string", default: "5000" },
  });
  if ("kind" in parsed) return parsed;
  const { values, positionals: [verb, method, ...texts] } = parsed;
  const name = values.pipe;
  const [instances, timeoutMs] = [Number(values.instances), Number(values.timeout)];
  if (!Number.isInteger(instances) || instances < 1 || instances > MAX_INSTANCES) {
    return mistake(
      `--instances takes a number from 1 to ${MAX_INSTANCES}, not '${values.instances}'`,
    );
  }
  if (!Number.isInteger(timeoutMs) || timeoutMs < 0 || timeoutMs > 2 ** 31 - 1) {
    return mistake(`--timeout takes a number of milliseconds, not '${values.timeout}'`);
  }
  if (verb === "serve" && method === undefined) return { kind: "serve", name, instances };
  if (verb === "serve") return mistake(`serve takes no '${method}'`);
  if (verb !== "call") return mistake("it must be told to serve or to call");
  if (method === undefined) return mistake("call needs a METHOD");
  const parameters: unknown[] = [];
  for (const text of texts) {
    try {
      parameters.push(JSON.parse(text));
    } catch {
      return mistake(`'${text}' is no JSON; a text needs double quotes, as '"text"'`);
    }
  }
  return { kind: "call", name, method, parameters, timeoutMs };
}
