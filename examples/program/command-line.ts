/**
 * The part of reading a command line that is the same for all tools.
 *
 * @module
 */

import { parseArgs, type ParseArgsConfig } from "node:util";

/** `--help` was given. */
export interface Help {
  readonly kind: "help";
}

/** The command line is wrong. */
export interface Mistake {
  readonly kind: "mistake";
  /** What is wrong with it. */
  readonly message: string;
}

type Options = NonNullable<ParseArgsConfig["options"]>;
type Configuration<T extends Options> = {
  args: string[];
  allowPositionals: true;
  tokens: true;
  options: T & { help: { type: "boolean"; short: "h"; default: false } };
};

/** Options by their names, the rest, and all in the order they stood. */
export type Parsed<T extends Options> = ReturnType<typeof parseArgs<Configuration<T>>>;

/** Reads `args` by `options`, to which `--help` is added; as `parseArgs` of node:util does. */
export function readOptions<const T extends Options>(
  args: readonly string[],
  options: T,
): Parsed<T> | Help | Mistake {
  try {
    const parsed = parseArgs<Configuration<T>>({
      args: [...args],
      allowPositionals: true,
      tokens: true,
      options: { ...options, help: { type: "boolean", short: "h", default: false } },
    });
    return (parsed.values as { help: boolean }).help ? { kind: "help" } : parsed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return mistake(error.message.split(/\. |\n/)[0]);
  }
}

/** The command line is wrong: `message` says how. */
export function mistake(message: string): Mistake {
  return { kind: "mistake", message };
}
