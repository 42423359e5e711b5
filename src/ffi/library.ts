/**
 * Libraries, loaded on first use: importing this module asks for no permission
 * and works on every system. This is the one place where loading can fail.
 *
 * @module
 */

import { runtime } from "./runtime.ts";
import type { Callable, Functions, Signature, Signatures, Word } from "./signature.ts";

/** A library could not be used: no permission, no such file, no such function. */
export class LibraryError extends Error {
  /** The class, as it is called in messages. */
  override readonly name = "LibraryError";
}

function explain(names: readonly string[], cause: unknown): LibraryError {
  const library = names.join(" or ");
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof Error && cause.name === "NotCapable") {
    return new LibraryError(
      `Loading ${library} failed: foreign calls are not allowed. Run again with --allow-ffi ` +
        `(a list of paths behind it is not enough: reading native memory needs it unlimited)`,
      { cause },
    );
  }
  return new LibraryError(
    `Loading ${library} failed: ${reason}. Completion ports need Windows 10 or later, ` +
      `or Linux with glibc or musl; and Deno needs --allow-ffi without a list of paths behind it`,
    { cause },
  );
}

/**
 * A function that opens the first of `names` that exists when it is first
 * called and answers with the same functions from then on.
 */
export function library<T extends Signatures>(
  names: readonly string[],
  signatures: T,
): () => Functions<T> {
  let functions: Functions<T> | undefined;
  function load(): Functions<T> {
    let failure: unknown;
    for (const name of names) {
      try {
        return functions = runtime.open(name, signatures);
      } catch (error) {
        failure ??= error;
      }
    }
    throw explain(names, failure);
  }
  return () => functions ?? load();
}

/** A number below 2^53 in the form that crosses to C fastest; see {@linkcode Word}. */
export function word(value: number): Word {
  return runtime.word(value);
}

/**
 * The function at `address`, which must be one of this signature and stay loaded.
 * For functions that no library exports: in Deno a call costs about 1 us.
 */
export function functionAt<S extends Signature>(address: number, signature: S): Callable<S> {
  return runtime.functionAt(address, signature);
}
