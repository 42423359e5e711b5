/**
 * Tokens: what stands for a port, handle or buffer in a message. They come from
 * outside, so nothing in them is believed before it has been looked at.
 *
 * @module
 */

/** What all tokens have. */
interface AnyToken {
  readonly kind: string;
  readonly place: number;
  readonly generation: number;
}

/** Whether `value` has the form of a token of this kind. Whether it names something is not asked. */
export function isToken(value: unknown, kind: string): value is AnyToken {
  if (typeof value !== "object" || value === null) return false;
  const token = value as Partial<AnyToken>;
  return token.kind === kind && Number.isSafeInteger(token.place) &&
    Number.isSafeInteger(token.generation);
}
