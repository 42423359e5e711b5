import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { buryEnded, hasLifeEnded, self } from "../../src/core/threads.ts";
import { system } from "../../src/system/system.ts";
import { startWorker, until } from "../conformance/fixture.ts";

// The numbers of workers/enroll.ts, which is a Worker's file and cannot be imported here.
const [HERE, BEGIN, END, BEGUN] = [0, 1, 2, 3];

/** A thread that uses ports for the first time when it is told to. */
class Newcomer {
  readonly #counts = new Int32Array(new SharedArrayBuffer(16));
  readonly #lives = new Float64Array(new SharedArrayBuffer(8));
  readonly #ended: Promise<void>;

  constructor() {
    this.#ended = startWorker("enroll", { counts: this.#counts, lives: this.#lives });
  }

  here(): Promise<void> {
    return until(() => Atomics.load(this.#counts, HERE) === 1, "the thread is here");
  }

  /** It begins to use ports; waits without a turn of the event loop. Returns its life. */
  begin(): number {
    this.#tell(BEGIN);
    Atomics.wait(this.#counts, BEGUN, 0);
    return this.#lives[0];
  }

  async end(): Promise<void> {
    this.#tell(END);
    await this.#ended;
    await until(() => hasLifeEnded(this.#lives[0]), "the thread has ended");
  }

  #tell(at: number): void {
    Atomics.store(this.#counts, at, 1);
    Atomics.notify(this.#counts, at);
  }
}

/** The number of the place that a life is lived in. */
function placeOf(life: number): number {
  return Math.floor(life / 2 ** 32);
}

describe("promise 8: threads come and go", () => {
  it("who sees an ended thread too late does not bury the one that lives in its place by now", async () => {
    self();
    const [first, second] = [new Newcomer(), new Newcomer()];
    await first.here();
    await second.here();
    const ended = first.begin();
    await first.end();
    const { hasThreadEnded } = system;
    let life = 0;
    try {
      system.hasThreadEnded = (mark) => {
        const hasEnded = hasThreadEnded(mark);
        if (hasEnded && life === 0) {
          // Before the answer is acted upon, another has buried it and a thread begins there.
          system.hasThreadEnded = hasThreadEnded;
          buryEnded();
          life = second.begin();
        }
        return hasEnded;
      };
      buryEnded();
    } finally {
      system.hasThreadEnded = hasThreadEnded;
    }
    assertEquals(placeOf(life), placeOf(ended));
    assertEquals(hasLifeEnded(life), false);
    await second.end();
  });
});
