/**
 * What the owner and the threads of the tool say to each other.
 *
 * @module
 */

/** What each thread is handed. */
export interface Shared {
  /** Bytes hashed by each thread, and at the end by the owner. */
  readonly hashed: Float64Array<ArrayBufferLike>;
}

/** Between the paths of a task, and between its results: one string is sooner sent than a hundred. */
export const SEPARATOR = "\0";

/** How a thread says that a file could not be read: a digest begins otherwise. */
export const FAILURE = "!";

/** What the owner's own reader says of a file that is for the threads. */
export const TOO_LARGE = "?";

/** What a thread says of a file that could not be read for this error. */
export function failureOf(error: unknown): string {
  if (isWin32Error(error)) return `${FAILURE}${error.code}`;
  return `${FAILURE}${error instanceof Error ? error.message : String(error)}`;
}

function isWin32Error(error: unknown): error is { readonly code: number } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "number";
}
