/**
 * What becomes of the cost when there is more of everything.
 *
 * @module
 */

import type { Case, Scale, Scenario } from "../scenario.ts";
import { flows } from "./post-take/flow.ts";
import { postsToPorts, readsOfPorts } from "./scale/ports.ts";
import { bound, memoryInFlight, readsInFlight } from "./scale/reads.ts";

/** Operations in flight, threads, ports: the cost of one is to stay what it is. */
export const scale: Scenario = {
  name: "scale",
  title: "1 to 100,000 operations in flight, 1 to 64 threads, 1 to 1,000 ports",
  about:
    "4 KiB reads of a file in the page cache: so many are started in one batch, then all are taken. " +
    "Memory is what the process grows by, its buffer and the kernel's own memory not counted. " +
    "Threads take from one port what one Worker posts; the concurrency value is the number of processors. " +
    "Ports are used in turn, one operation at a time.",
  cases: (scale) => [
    ...inFlight(scale),
    ...memory(scale),
    ...threads(scale),
    ...ports(scale),
  ],
};

function inFlight({ pick }: Scale): Case[] {
  const reads = pick(200_000, 64);
  const most = pick(100_000, 64);
  return [
    ...pick([1, 10, 100, 1_000, 10_000, 100_000], [1, 64]).map((depth): Case => ({
      name: `${depth} in flight`,
      unit: "ns",
      point: { plot: "operations in flight", x: depth },
      contenders: [readsInFlight("a read of 4 KiB", depth, reads, true)],
    })),
    {
      name: `${most} in flight against 1,000`,
      unit: "ns",
      contenders: [
        readsInFlight(`${most} in flight`, most, reads, true),
        readsInFlight("1,000 in flight", pick(1_000, 8), reads, false),
      ],
      goals: [{ rivals: ["1,000 in flight"], ratio: 1 / 1.3 }],
    },
  ];
}

const MEMORY_GOAL = "400 bytes, the most it is to be";

function memory({ pick }: Scale): Case[] {
  return pick([1_000, 10_000, 100_000], [64]).map((depth) => ({
    name: `${depth} in flight`,
    unit: "bytes",
    point: { plot: "memory: operations in flight", x: depth },
    contenders: [
      memoryInFlight("a read of a file", "file", depth),
      memoryInFlight("a read of a pipe", "pipe", depth),
      bound(MEMORY_GOAL, 400),
    ],
    goals: depth < 100_000 ? [] : [
      { rivals: [MEMORY_GOAL], ratio: 1 },
      { rivals: [MEMORY_GOAL], ratio: 1, ours: "a read of a pipe" },
    ],
  }));
}

function threads({ pick }: Scale): Case[] {
  return pick([1, 2, 4, 8, 16, 32, 64], [2]).map((count) => ({
    name: `${count} threads`,
    unit: "/s",
    point: { plot: "threads that take", x: count },
    contenders: flows(pick(400_000, 400), 1, count, 0).slice(0, 1),
  }));
}

function ports({ pick }: Scale): Case[] {
  return pick([1, 10, 100, 1_000], [3]).map((count) => ({
    name: `${count} ports`,
    unit: "ns",
    point: { plot: "ports", x: count },
    contenders: [postsToPorts(count, pick(200_000, 60)), readsOfPorts(count, pick(50_000, 60))],
  }));
}
