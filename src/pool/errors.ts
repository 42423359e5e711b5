/**
 * Errors on their way from a thread to the owner of its pool: what was thrown there
 * is thrown here again, of the same class where that is one of the language's or
 * this module's own, with the stack of where it happened.
 *
 * @module
 */

import { Win32Error } from "../core/errors.ts";

/** An error in a form that can be cloned everywhere. */
export interface ErrorParts {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly isDomException: boolean;
  /** Code, call, subject and errno of a `Win32Error`. */
  readonly win32: [number, string, string | undefined, number | undefined] | null;
  /** Its cause; left out if it is none of plain values and errors. */
  readonly cause: ErrorParts | string | number | boolean | null;
  readonly hasCause: boolean;
}

const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
};

/** Causes of causes that are kept. */
const MAX_CAUSES = 8;

/** What was thrown, in parts. Of what is no error: an error that says what it was. */
export function partsOf(thrown: unknown, depth: number = 0): ErrorParts {
  if (!(thrown instanceof Error)) return partsOf(new Error(`Thrown: ${shown(thrown)}`), depth);
  const { name, message, stack } = thrown;
  const win32 = thrown instanceof Win32Error
    ? [thrown.code, thrown.call, thrown.subject, thrown.errno] satisfies ErrorParts["win32"]
    : null;
  const cause = "cause" in thrown ? partsOfCause(thrown.cause, depth) : undefined;
  return {
    name: String(name),
    message: String(message),
    stack: String(stack ?? ""),
    isDomException: typeof DOMException === "function" && thrown instanceof DOMException,
    win32,
    cause: cause ?? null,
    hasCause: cause !== undefined,
  };
}

function partsOfCause(cause: unknown, depth: number): ErrorParts["cause"] | undefined {
  if (cause instanceof Error) return depth < MAX_CAUSES ? partsOf(cause, depth + 1) : undefined;
  const isPlain = cause === null || ["string", "number", "boolean"].includes(typeof cause);
  return isPlain ? cause as string | number | boolean | null : undefined;
}

function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** The error of these parts. */
export function errorOf(parts: ErrorParts): Error {
  const error = bareError(parts);
  if (error.name !== parts.name) define(error, "name", parts.name);
  if (parts.hasCause) {
    const { cause } = parts;
    const isError = typeof cause === "object" && cause !== null;
    define(error, "cause", isError ? errorOf(cause) : cause);
  }
  if (parts.stack !== "") define(error, "stack", parts.stack);
  return error;
}

function bareError(parts: ErrorParts): Error {
  if (parts.win32 !== null) {
    const [code, call, subject, errno] = parts.win32;
    const details = {
      ...(subject === undefined ? {} : { subject }),
      ...(errno === undefined ? {} : { errno }),
    };
    return new Win32Error(code, call, details);
  }
  if (parts.isDomException) return new DOMException(parts.message, parts.name) as Error;
  return new (CLASSES[parts.name] ?? Error)(parts.message);
}

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
