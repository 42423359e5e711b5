/**
 * Who looks on while the calling thread starts operations.
 *
 * @module
 */

/** Told of what this thread starts. Both are called in the midst of a start, and must not throw. */
export interface Onlooker {
  /** The operation at `place` in the ledger is about to be handed to the system. */
  started(place: number): void;
  /** The system has refused it: no packet will come. */
  refused(place: number): void;
}

/** `null` if nobody looks on, so that a start has one word to look at. */
export let onlookers: readonly Onlooker[] | null = null;

/** From now on `onlooker` is told. */
export function lookOn(onlooker: Onlooker): void {
  onlookers = [...onlookers ?? [], onlooker];
}

/** From now on it is not. */
export function lookAway(onlooker: Onlooker): void {
  const left = (onlookers ?? []).filter((other) => other !== onlooker);
  onlookers = left.length === 0 ? null : left;
}
