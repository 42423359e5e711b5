/**
 * Words that many threads count in, and that have an end: references, which nobody can
 * take where there are none, and counts with a limit.
 *
 * @module
 */

/**
 * So many references more, if there is one: nothing can be kept that nobody keeps. The
 * caller then looks whether it is still what it meant to keep.
 */
export function addReference(
  words: Int32Array<ArrayBuffer>,
  at: number,
  count: number = 1,
): boolean {
  // What is read here is only a guess, which the exchange puts to the test.
  let seen = words[at];
  while (seen > 0) {
    const before = Atomics.compareExchange(words, at, seen, seen + count);
    if (before === seen) return true;
    seen = before;
  }
  return false;
}

/** Adds one to a count that must not go beyond `limit` (0: it may); false if it would. */
export function reserve(words: Int32Array<ArrayBuffer>, at: number, limit: number): boolean {
  if (limit === 0) {
    Atomics.add(words, at, 1);
    return true;
  }
  let seen = words[at];
  while (seen < limit) {
    const before = Atomics.compareExchange(words, at, seen, seen + 1);
    if (before === seen) return true;
    seen = before;
  }
  return false;
}
