/**
 * Why a file could not be read, in the words of `sha256sum` where it has some.
 *
 * @module
 */

import { statSync } from "node:fs";
import { Win32Error } from "../../mod.ts";

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  EACCES: "Permission denied",
  EPERM: "Operation not permitted",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
};

/** Windows' codes for some of these. */
const ERRNOS: Readonly<Record<number, string>> = {
  2: "ENOENT",
  3: "ENOENT",
  5: "EACCES",
  206: "ENAMETOOLONG",
};

/** The reason of those that are not there. */
export const MISSING: string = TEXTS.ENOENT;

/** The reason of an error of node:fs. */
export function reasonFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = "" } = error as NodeJS.ErrnoException;
  return TEXTS[code] ?? error.message;
}

/** The reason of a failure that a thread has told of: the code of a Win32 error, or a text. */
export function reasonOfFailure(path: string, failure: string): string {
  const code = Number(failure);
  if (!Number.isInteger(code)) return failure;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return TEXTS.EISDIR;
  const text = TEXTS[ERRNOS[code]];
  if (text !== undefined) return text;
  const [message] = new Win32Error(code, "ReadFile").message.split(`(${code}): `).slice(-1);
  return message;
}
