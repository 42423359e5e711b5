/**
 * Reading 4 KiB here and there of a file.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFile, runFolder } from "../files.ts";
import { type RuntimeName, THIS_RUNTIME } from "../programs.ts";
import type { Case, Contender, Runner, Scale, Scenario } from "../scenario.ts";
import { startWorkers } from "../workers.ts";
import { Reader } from "./random-read/reader.ts";
import { rivalsOf, type Work } from "./random-read/rivals.ts";

const THREAD = new URL("./random-read/thread.ts", import.meta.url);

/** Depths, one and two threads, out of the page cache and around it. */
export const randomRead: Scenario = {
  name: "random-read",
  title: "4 KiB reads at random offsets of a file",
  about:
    "A file of 256 MiB; so many reads are in flight, and what has come back is started again. " +
    "Each thread has a port and a file handle of its own. The loop in C does what ours does and nothing else. " +
    "Of the runtimes' own there are as many chains of reads as reads are in flight.",
  cases: (scale) =>
    scale.isSmoke ? [caseOf(scale, 8, 1, false)] : [
      ...[1, 32, 256].map((depth) => caseOf(scale, depth, 1, false)),
      ...[32, 256].map((depth) => caseOf(scale, depth, 2, false)),
      ...[1, 32].map((depth) => caseOf(scale, depth, 1, true)),
      caseOf(scale, 32, 2, true),
    ],
};

function caseOf({ pick }: Scale, depth: number, threads: number, unbuffered: boolean): Case {
  const path = (): string => {
    const file = join(runFolder(), "random-read.bin");
    return existsSync(file) ? file : makeFile(file, pick(256 << 20, 1 << 20));
  };
  const whole = unbuffered ? 20_000 : 400_000;
  const runtimes = pick<readonly RuntimeName[]>(["node", "bun", "deno"], [THIS_RUNTIME]);
  const work: Work = { path, depth, threads, unbuffered, reads: pick(whole, 160), runtimes };
  const cache = unbuffered ? "unbuffered" : "page cache";
  const isMeasured = depth === 32 && threads === 1 && !unbuffered;
  return {
    name: `${cache}, depth ${depth}, ${threads === 1 ? "one thread" : `${threads} threads`}`,
    unit: "/s",
    contenders: [threads === 1 ? alone(work) : inWorkers(work), ...rivalsOf(work)],
    goals: !isMeasured ? [] : [
      { rivals: ["C, io_uring"], ratio: 0.95 },
      { rivals: ["fio as it comes, io_uring"], ratio: 1.4 },
      { rivals: ["fs.read of bun"], ratio: 1.5 },
      { rivals: ["fs.read of node"], ratio: 2.5 },
      { rivals: ["fs.read of deno"], ratio: 15 },
    ],
  };
}

const OURS = { name: "FileHandle.read", isOurs: true };

function alone({ path, depth, unbuffered, reads }: Work): Contender {
  return {
    ...OURS,
    open(): Runner {
      const reader = new Reader(path(), depth, unbuffered, 1);
      return {
        pass(): number {
          const began = performance.now();
          reader.read(reads);
          return reads / (performance.now() - began) * 1000;
        },
        close: () => reader.close(),
      };
    },
  };
}

function inWorkers({ path, depth, threads, unbuffered, reads }: Work): Contender {
  return {
    ...OURS,
    async open(): Promise<Runner> {
      const workers = await startWorkers(THREAD, threads);
      const file = path();
      await Promise.all(
        workers.map((worker, i) =>
          worker.run({ kind: "open", path: file, depth, unbuffered, seed: i + 1 })
        ),
      );
      return {
        async pass(): Promise<number> {
          const began = performance.now();
          await Promise.all(workers.map((worker) => worker.run({ kind: "read", count: reads })));
          return threads * reads / (performance.now() - began) * 1000;
        },
        async close(): Promise<void> {
          for (const worker of workers) {
            await worker.run({ kind: "close" });
            worker.close();
          }
        },
      };
    },
  };
}
