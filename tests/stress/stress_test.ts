/**
 * Everything at once, at random: 8 threads that change ports, read, cancel, open, close, block and
 * end, on 4 ports that stay and others that come and go. Then the reckoning.
 *
 * `IOCP_SEED` replays the choices, not the timing; `IOCP_STRESS=2000000` makes the long run.
 *
 * @module
 */

import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import process from "node:process";
import { isBun, isWindows, isWine, itUnless } from "../conformance/fixture.ts";
import { chooseSeed } from "../conformance/random.ts";
import { PORTS } from "./board.ts";
import type { End } from "./crew.ts";
import { places, residentBytes, Run, untilAsBefore } from "./run.ts";

/** Packets and operations of a run; the variable IOCP_STRESS asks for more. Wine is slow. */
const SIZE = Number(process.env.IOCP_STRESS ?? (isWine ? 30_000 : 60_000));

/** Packets and operations of one test: a long run takes several, because a test has a time limit. */
const PART = 200_000;

/** Packets and operations from which on memory is compared: before, the runtime itself grows. */
const LONG = 1_000_000;

/**
 * Bytes by which the least memory of a long run's second half may exceed that of its first. What
 * Bun's eight heaps let lie before they collect comes and goes by some hundred MiB; the memory
 * that is ours is the same in both runtimes.
 */
const MOST_GROWTH = (isBun ? 512 : 64) * 2 ** 20;

/** Why threads are not terminated. In Bun a thread can be ended between any two steps. */
const unlessTerminates: string | false = !isBun
  ? "Deno ends a terminated Worker only when its foreign call returns"
  : isWindows &&
    "what the kernel has handed to a terminated thread nobody can put back: a batch may be lost";

const GENTLE: readonly End[] = ["return", "return", "throw"];
const NAME = "promise 2: 8 threads on 4 ports";

/** Ends a run and looks whether everything is accounted for. */
async function settle(run: Run, before: Record<string, number>): Promise<void> {
  await run.drain();
  const { lost, wrong } = run.unsettled();
  assertEquals(wrong, []);
  // One thread that is terminated has at most one packet in its hands.
  const most = run.crew.ended.terminate;
  assertLessOrEqual(lost.length, most, `lost: ${lost.slice(0, 20)}\n${run.describe()}`);
  if (most === 0) assertCounters(run);
  run[Symbol.dispose]();
  await untilAsBefore(before, run, most);
}

function assertCounters({ ports, board }: Run): void {
  let posted = 0;
  for (let index = 0; index < PORTS; index++) {
    const { queued, inFlight, taken, waiting, kept, ...counters } = ports[index].counters;
    assertEquals([queued, inFlight, waiting ?? 0, kept], [0, 0, 0, 0]);
    assertEquals(taken, board.counts(index).taken);
    posted += counters.posted - board.counts(index).posted;
  }
  // The packet of a refused start is one that the core itself has posted.
  if (!isWindows) assertEquals(posted, board.refusedWrites());
}

function report(run: Run, seconds: number): void {
  const { return: returned, throw: thrown, terminate } = run.crew.ended;
  console.log(
    `${NAME}: ${run.board.begun()} packets and operations in ${seconds.toFixed(1)} s, ` +
      `${returned + thrown + terminate} threads ended`,
  );
}

describe("stress", () => {
  const parts = Math.ceil(SIZE / PART);
  const seed = chooseSeed(NAME);
  const sizes: number[] = [];
  let run: Run;
  let before: Record<string, number>;
  let begin = 0;
  for (let part = 1; part <= parts; part++) {
    const which = parts === 1 ? "" : `, part ${part} of ${parts}`;
    const name = `${NAME}: each packet to one thread, nothing left behind${which}`;
    it(name, async () => {
      if (part === 1) {
        before = places();
        begin = performance.now();
        run = new Run({ size: SIZE, seed, deaths: Math.min(16, SIZE / 2500), ends: GENTLE });
      }
      await run.reach(Math.min(part * PART, SIZE));
      sizes.push(residentBytes());
      if (part < parts) return;
      report(run, (performance.now() - begin) / 1000);
      await settle(run, before);
    });
  }

  itUnless(
    SIZE < LONG && `only with IOCP_STRESS from ${LONG} on`,
    "promise 5: memory does not grow with the number of operations",
    () => {
      assertEquals(sizes.length, parts, "the run has come to its end");
      // What is collected only now and then comes and goes; a leak raises the lowest value too.
      const half = Math.floor(sizes.length / 2);
      const growth = Math.min(...sizes.slice(half)) - Math.min(...sizes.slice(0, half));
      console.log(`memory, MiB: ${sizes.map((bytes) => Math.round(bytes / 2 ** 20)).join(" ")}`);
      assertLess(growth, MOST_GROWTH);
    },
  );

  itUnless(
    unlessTerminates,
    "promise 8: threads terminated while they wait: at most what was in their hands is lost",
    async () => {
      const before = places();
      const ends: End[] = ["terminate", "return"];
      using run = new Run({ size: 10_000, seed, deaths: 24, ends });
      await run.reach(run.board.size);
      await settle(run, before);
    },
  );
});
