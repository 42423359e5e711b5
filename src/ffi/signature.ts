/**
 * How the signature of a C function is written down, and which TypeScript types
 * follow from it.
 *
 * A 64-bit value travels as {@linkcode Word}: a `bigint` in Deno, a `number` in
 * Bun. The other form works in both and is slow: Deno needs 140 ns for a number
 * where it needs 9 ns for a bigint. Make words with `word()` once and keep them.
 *
 * @module
 */

/** A 64-bit argument or result. */
export type Word = number | bigint;

/** The C types this module passes; `buffer` is a typed array, lent for one call. */
export type CType = "void" | "i32" | "u32" | "i64" | "u64" | "pointer" | "buffer";

/** One function: what it takes and what it returns. */
export interface Signature {
  readonly parameters: readonly CType[];
  readonly result: CType;
}

/** The functions of one library, by name. */
export type Signatures = Readonly<Record<string, Signature>>;

/** The TypeScript type of one C type. */
export type Value<T extends CType> = T extends "void" ? void
  : T extends "i32" | "u32" ? number
  : T extends "buffer" ? Uint8Array<ArrayBuffer> | null
  : Word;

/** The TypeScript types of a parameter list. */
export type Values<P extends readonly CType[]> = { -readonly [K in keyof P]: Value<P[K]> };

/** A C function with this signature, as it is called from here. */
export type Callable<S extends Signature> = (
  ...values: Values<S["parameters"]>
) => Value<S["result"]>;

/** What opening a library with these signatures gives. */
export type Functions<T extends Signatures> = {
  readonly [K in keyof T]: Callable<T[K]>;
};
