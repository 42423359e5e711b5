/**
 * What went wrong, exactly.
 *
 * @module
 */

import { nameOfError } from "../system/system.ts";

/** What a {@linkcode Win32Error} is about, beside its code. */
export interface Win32ErrorDetails {
  /** The path or address concerned. */
  readonly subject?: string;
  /** The errno behind the code, on Linux. */
  readonly errno?: number;
  /** What more is known: a limit that was reached, what forbids the call. */
  readonly reason?: string | undefined;
}

/**
 * A system call has failed, or an operation has completed with an error. The
 * code is the one that the failing call has set.
 *
 * Source: Microsoft's "System Error Codes".
 *
 * @example
 * ```ts
 * import { FileHandle, Win32Error } from "@iocp/iocp";
 *
 * try {
 *   FileHandle.open("/no/such/file");
 * } catch (error) {
 *   if (error instanceof Win32Error) console.log(error.code, error.name, error.call);
 * }
 * ```
 */
export class Win32Error extends Error {
  /** The Win32 error code, as `38`. */
  readonly code: number;
  /** Its name, as `ERROR_HANDLE_EOF`. */
  override readonly name: string;
  /** The function that failed, by its name on Windows, as `ReadFile`. */
  readonly call: string;
  /** The path or address concerned, if there is one; of a datagram also where it was to go. */
  readonly subject: string | undefined;
  /** The errno behind the code on Linux, when a system call of Linux has set one. */
  readonly errno: number | undefined;

  /** The error `code` of the function `call`. */
  constructor(code: number, call: string, details: Win32ErrorDetails = {}) {
    const known = nameOfError(code);
    const name = known?.name ?? `ERROR_${code}`;
    const about = details.subject === undefined ? "" : ` of ${details.subject}`;
    const text = known === undefined ? "" : `: ${known.text}`;
    const reason = details.reason ? `: ${details.reason}` : "";
    super(`${call}${about} failed: ${name} (${code})${text}${reason}`);
    this.code = code;
    this.name = name;
    this.call = call;
    this.subject = details.subject;
    this.errno = details.errno === 0 ? undefined : details.errno;
  }
}

/** A value of any type for a message: text in quotes, objects by their class. */
export function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const { name } = value.constructor ?? {};
  return typeof name === "string" && name !== "Object" ? `a ${name}` : "an object";
}

/** `value` if it is a safe integer that is not negative; a RangeError that names it if not. */
export function checkNumber(value: number, name: string, max = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(
    `Cannot use ${described(value)} as ${name}: it must be a whole number from 0 to ${max}`,
  );
}

/** `value` if it is a safe integer; a RangeError that names it if not. */
export function checkInteger(value: number, name: string): number {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`Cannot use ${described(value)} as ${name}: it must be a safe integer`);
}
