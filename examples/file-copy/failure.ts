/**
 * What went wrong, in one line for whoever runs the tool.
 *
 * @module
 */

import { Win32Error } from "../../mod.ts";
import { lineOf as lineOfSystem } from "../program/program.ts";

/** The copy cannot go on; the message is the line to print. */
export class CopyFailure extends Error {
  override readonly name: string = "CopyFailure";
}

/** The failure of a relation between the two: same file, one inside the other. */
export function cannotCopy(source: string, target: string, reason: unknown): CopyFailure {
  return new CopyFailure(`cannot copy ${shown(source)} to ${shown(target)}: ${reasonOf(reason)}`);
}

/** The failure of a source. */
export function cannotRead(path: string, reason: unknown): CopyFailure {
  return new CopyFailure(`cannot read ${shown(path)}: ${reasonOf(reason)}`);
}

/** The failure of a target. */
export function cannotWrite(path: string, reason: unknown): CopyFailure {
  return new CopyFailure(`cannot write ${shown(path)}: ${reasonOf(reason)}`);
}

/** The path as a line can hold it: quoted if there are line breaks or the like in it. */
export function shown(path: string): string {
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}

/**
 * The reason alone, without what was called on which path: the line says that
 * already. A string is a reason itself.
 */
export function reasonOf(error: unknown): string {
  if (typeof error === "string") return error;
  if (error instanceof Win32Error) {
    const [text] = error.message.split(`(${error.code}): `).slice(-1);
    return `${text} (${error.name})`;
  }
  if (!(error instanceof Error)) return String(error);
  // As node:fs words it: "EACCES: permission denied, open '/x'".
  const [, code, text] = /^([A-Z0-9]+): (.+?), \w+/.exec(error.message) ?? [];
  return code === undefined ? error.message : `${text[0].toUpperCase()}${text.slice(1)} (${code})`;
}

/** The line for an error that ends the tool; `null` for what can only be a mistake in it. */
export function lineOf(error: unknown): string | null {
  return error instanceof CopyFailure ? error.message : lineOfSystem(error);
}
