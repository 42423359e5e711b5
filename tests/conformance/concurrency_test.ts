/**
 * The concurrency value (promise 4): who runs, who waits, and what happens when
 * a running thread blocks or ends.
 *
 * @module
 */

import { assertEquals, assertLessOrEqual } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort } from "../../mod.ts";
import {
  isWine,
  itUnless,
  startWorker,
  unlessConcurrency,
  unlessWaitingIsTold,
  until,
} from "./fixture.ts";

// The numbers of workers/act.ts, which is a Worker's file and cannot be imported here.
const [BEGUN, GO] = [0, 2];
const [STOP, SPIN, SLEEP, BLOCKING, ELSEWHERE, THROW, NOTHING] = [0, 1, 2, 3, 4, 5, 6];

const unlessCounted = isWine ? unlessConcurrency : unlessWaitingIsTold;

/** A port with threads that wait on it, and another port. */
class Stage {
  readonly port: CompletionPort;
  readonly other: CompletionPort = new CompletionPort();
  readonly counts: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(12));
  readonly #threads: Promise<number>[] = [];

  constructor(concurrency: number) {
    this.port = new CompletionPort({ concurrency });
  }

  /** Starts threads, one after the other, until each waits. */
  async start(count: number): Promise<void> {
    const data = { port: this.port.token, other: this.other.token, counts: this.counts };
    for (let i = 0; i < count; i++) {
      const before = this.port.counters.waiting ?? 0;
      this.#threads.push(startWorker<number>("act", data));
      await until(() => this.port.counters.waiting === before + 1, "a thread waits");
    }
  }

  post(key: number): void {
    this.port.post({ key });
  }

  begun(count: number): Promise<void> {
    return until(() => Atomics.load(this.counts, BEGUN) === count, `${count} packets are begun`);
  }

  go(): void {
    Atomics.store(this.counts, GO, 1);
    Atomics.notify(this.counts, GO);
  }

  /** Lets every thread end, and says how many packets each has taken; -1 for one that threw. */
  async end(): Promise<number[]> {
    this.go();
    this.#threads.forEach(() => this.post(STOP));
    const taken = await Promise.allSettled(this.#threads);
    this.port.close();
    this.other.close();
    return taken.map((result) => result.status === "fulfilled" ? result.value : -1);
  }
}

describe("the concurrency value", () => {
  itUnless(
    unlessCounted,
    "case 51: a thread that awaits a promise in its event loop does not count until it has settled",
    async () => {
      using port = new CompletionPort({ concurrency: 1 });
      for (const settles of [Promise.resolve(7), Promise.reject(new Error("no"))]) {
        port.post({ key: 1 });
        port.get();
        assertEquals(port.counters.active, 1);
        const awaited = port.blocking(() => settles);
        assertEquals(port.counters.active, 0);
        assertEquals(await awaited.catch(() => 8), await settles.catch(() => 8));
        assertEquals(port.counters.active, 1);
      }
      // A take counts, whatever is awaited elsewhere.
      port.post({ key: 1 });
      const { promise, resolve } = Promise.withResolvers<void>();
      const awaited = port.blocking(() => promise);
      port.get();
      assertEquals(port.counters.active, 1);
      resolve();
      await awaited;
      assertEquals(port.counters.active, 1);
    },
  );

  itUnless(
    unlessCounted,
    "case 50: the second packet waits until the one running thread asks again",
    async () => {
      const stage = new Stage(1);
      await stage.start(2);
      stage.post(SPIN);
      await stage.begun(1);
      stage.post(NOTHING);
      const { queued, waiting, active } = stage.port.counters;
      assertEquals([queued, waiting, active], [1, 1, 1]);
      stage.go();
      await stage.begun(2);
      // The thread that ran took both: it went before the one that waited (47).
      assertEquals((await stage.end()).sort(), [0, 2]);
    },
  );

  itUnless(
    unlessCounted,
    "case 50: with a value of 2 two run, and the third packet waits",
    async () => {
      const stage = new Stage(2);
      await stage.start(3);
      stage.post(SPIN);
      stage.post(SPIN);
      await stage.begun(2);
      stage.post(NOTHING);
      const { queued, waiting, active } = stage.port.counters;
      assertEquals([queued, waiting, active], [1, 1, 2]);
      await stage.end();
    },
  );

  const BLOCKS: [number, string][] = [
    [SLEEP, "sleeps, without a word"],
    [BLOCKING, "says that it blocks"],
    [ELSEWHERE, "waits on another port"],
  ];
  for (const [key, what] of BLOCKS) {
    itUnless(
      unlessCounted,
      `case 51, promise 4: a running thread ${what}: another is released`,
      async () => {
        const stage = new Stage(1);
        await stage.start(2);
        stage.post(key);
        await stage.begun(1);
        stage.post(NOTHING);
        await stage.begun(2);
        // It waits again with its packet done; the first is still held back.
        await until(() => stage.port.counters.waiting === 1, "the second thread waits again");
        assertLessOrEqual(stage.port.counters.active ?? 0, 1);
        stage.other.post({});
        await stage.end();
      },
    );
  }

  itUnless(
    unlessCounted,
    "case 51: what is too many when a thread wakes drains by itself",
    async () => {
      const stage = new Stage(1);
      await stage.start(3);
      stage.post(BLOCKING);
      await stage.begun(1);
      stage.post(BLOCKING);
      await stage.begun(2);
      stage.go();
      await until(() => stage.port.counters.waiting === 3, "all wait again");
      assertEquals(stage.port.counters.active, 0);
      await stage.end();
    },
  );

  itUnless(unlessCounted, "case 52: a take that has timed out leaves its thread counted", () => {
    using port = new CompletionPort({ concurrency: 1 });
    assertEquals(port.counters.active, 0);
    assertEquals(port.get(0), null);
    assertEquals(port.counters.active, 1);
    assertEquals(port.get(1), null);
    assertEquals(port.counters.active, 1);
  });

  itUnless(unlessCounted, "case 51: a thread belongs to the port it waited on last", () => {
    using first = new CompletionPort({ concurrency: 1 });
    using second = new CompletionPort({ concurrency: 1 });
    first.get(0);
    assertEquals([first.counters.active, second.counters.active], [1, 0]);
    second.get(0);
    assertEquals([first.counters.active, second.counters.active], [0, 1]);
  });

  itUnless(
    unlessCounted,
    "promise 8: a running thread that ends by an error gives its place back",
    async () => {
      const stage = new Stage(1);
      await stage.start(2);
      stage.post(THROW);
      stage.post(NOTHING);
      await stage.begun(2);
      // Of two threads one is left, which takes one of the two.
      assertEquals((await stage.end()).sort(), [-1, 1]);
    },
  );
});
