/**
 * Waiting for room: those who want to queue more than may be queued wait here.
 *
 * @module
 */

/** Milliseconds between two looks at what nobody tells of. */
const LOOK_MS = 2;

/** Waits until there is room. */
export class Room {
  readonly #hasRoom: () => number;
  #waiters: (() => void)[] = [];
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `hasRoom` says for how many there is room. */
  constructor(hasRoom: () => number) {
    this.#hasRoom = hasRoom;
  }

  /** Resolves when there is room, first come first served. */
  wait(): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    if (this.#waiters.length === 0 && this.#hasRoom() > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#lookLater();
    });
  }

  /** There may be room now. */
  look(): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.splice(0, Math.max(this.#hasRoom(), 0));
    for (const resolve of ready) resolve();
  }

  /** Nobody waits any more: what they want to do will say why it cannot be done. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#waiters.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.look();
      this.#lookLater();
    }, LOOK_MS);
  }
}
