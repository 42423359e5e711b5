/**
 * When the threads of the pool are worth their start.
 *
 * @module
 */

/** How long the owner hashes alone. */
export interface Patience {
  /**
   * Milliseconds that it hashes before it asks itself whether it needs threads. With 0 it
   * hashes nothing, and leaves all to them.
   */
  readonly aloneMs: number;
  /** It does not need them if it will be done in so many milliseconds more. */
  readonly restMs: number;
  /** It needs them at once for a file of more bytes. */
  readonly bytes: number;
  /** It leaves all to them once it has found more files. */
  readonly files: number;
}

/**
 * A thread costs some 100 ms of a processor until it runs, with its runtime and modules, and as
 * much until its code is compiled: with less than this to do, the owner is sooner done alone.
 */
export const PATIENCE: Patience = {
  aloneMs: 100,
  restMs: 250,
  bytes: 4 * 1024 * 1024,
  // Compiled in one thread more, the code of the hashing would cost more than that does of it.
  files: 25_000,
};

/** What the owner has found and hashed so far, and whether it should go on alone. */
export class Alone {
  readonly #patience: Patience;
  #found = 0;
  #ms = 0;
  /** Milliseconds that a file took, of the last ones. */
  #fileMs = 0;

  /** Nothing yet. */
  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** Whether the owner hashes at all. */
  get isAllowed(): boolean {
    return this.#patience.aloneMs > 0 && this.#found <= this.#patience.files;
  }

  /** The owner has found so many files more. */
  find(files: number): void {
    this.#found += files;
  }

  /** The owner has hashed so many files in so many milliseconds. */
  add(files: number, ms: number): void {
    this.#ms += ms;
    this.#fileMs = ms / files;
  }

  /** Whether `left` files are too many for the owner, and maybe more, unless they are `all`. */
  isTooLong(left: number, all: boolean): boolean {
    const { aloneMs, restMs } = this.#patience;
    if (left === 0) return false;
    if (!this.isAllowed) return true;
    return this.#ms >= aloneMs && (!all || left * this.#fileMs > restMs);
  }
}
