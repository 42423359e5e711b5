/**
 * Where the tool's lines go.
 *
 * @module
 */

import process from "node:process";

/** Standard output and standard error. */
export interface Screen {
  /** Writes a piece of the report, line ends and all. */
  write(text: string): void;
  /** Prints a line about what went wrong. */
  complain(line: string): void;
}

/** Those of this process. */
export const processScreen: Screen = {
  write: (text) => void process.stdout.write(text),
  complain: (line) => console.error(`hash-tree: ${line}`),
};
