/**
 * The names of tasks and callbacks, as numbers that fit a word.
 *
 * @module
 */

import type { Board } from "./board.ts";
import { described } from "../core/errors.ts";
import { MAX_NAMES, MAX_TASK_NAME_BYTES } from "../core/limits.ts";

/** The owner's side: gives each name a number when it is first used. */
export class Names {
  readonly #board: Board;
  readonly #numbers: Map<string, number> = new Map();

  /** Names for the threads of `board`. */
  constructor(board: Board) {
    this.#board = board;
  }

  /**
   * The number of `name`.
   *
   * @throws {RangeError} if it is too long, or there are too many.
   */
  numberOf(name: string): number {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot use ${described(name)} as the name of a task or callback`);
    }
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(name);
    if (bytes.length > MAX_TASK_NAME_BYTES) {
      throw new RangeError(
        `Cannot use the name "${name}": it is longer than ${MAX_TASK_NAME_BYTES} bytes`,
      );
    }
    const number = this.#numbers.size;
    if (number === MAX_NAMES) {
      throw new RangeError(
        `Cannot use the name "${name}": the pool has ${MAX_NAMES} names already`,
      );
    }
    this.#board.writeName(number, bytes);
    this.#numbers.set(name, number);
    return number;
  }
}
