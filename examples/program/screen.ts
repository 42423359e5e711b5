/**
 * Where a tool's lines go, and how it words amounts.
 *
 * @module
 */

import process from "node:process";

/** Standard output and standard error. */
export interface Screen {
  /** Whether somebody looks at the output as it comes. */
  readonly isTerminal: boolean;
  /** Writes a piece of the report, line ends and all. */
  write(text: string): void;
  /** Prints a line of the report. */
  print(line: string): void;
  /** Prints a line about what went wrong. */
  complain(line: string): void;
}

/** Those of this process, for the tool `name`. */
export function screenOf(name: string): Screen {
  return {
    isTerminal: process.stdout.isTTY === true,
    write: (text) => void process.stdout.write(text),
    print: (line) => console.log(line),
    complain: (line) => console.error(`${name}: ${line}`),
  };
}

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** `1.5 GiB`: three digits and a unit. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let unit = -1;
  let amount = bytes;
  do {
    amount /= 1024;
    unit++;
  } while (amount >= 999.5 && unit < UNITS.length - 1);
  return `${amount.toPrecision(3)} ${UNITS[unit]}`;
}

/** `0.31 s`, `3 s`, `42 s`, `3 min 5 s`, `2 h 7 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1 file`, `5,000 files`. */
export function formatFiles(count: number): string {
  // Not by the runtime's knowledge of languages, which takes longer to load than a small copy does.
  const digits = String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
  return `${digits} file${count === 1 ? "" : "s"}`;
}
