/**
 * Where an operation's time goes, and what it allocates.
 *
 * @module
 */

import process from "node:process";
import { median } from "../figures.ts";
import { compiled, passesOf } from "../programs.ts";
import { type Contender, LeftOut, type Runner, type Sample, type Scenario } from "../scenario.ts";
import * as layers from "./overhead/layers.ts";
import { DEPTH, type Layer } from "./overhead/layers.ts";

/** Nanoseconds and bytes by layer: each line has in it those that stand below it. */
export const overhead: Scenario = {
  name: "overhead",
  title: "nanoseconds and allocated bytes of an operation, by layer",
  about:
    "The same work, 32 at a time, done at each layer; each layer's figure has that of the one below in " +
    "it. Bytes are what the runtime's heap grows by for one operation, where the runtime tells.",
  cases({ pick }) {
    const posts = pick(2_000_000, 320);
    const reads = pick(400_000, 320);
    const post: readonly [string, () => Layer][] = [
      ["core: CompletionPort.post, getMany", layers.postByCore],
      ["system: postQueuedCompletionStatus, getQueuedCompletionStatusEx", layers.postBySystem],
    ];
    const read: readonly [string, () => Layer][] = [
      ["handle: FileHandle.read, getMany", layers.readByHandle],
      ["core: startOperation, getMany", layers.readByCore],
      ["system: readFile, getQueuedCompletionStatusEx", layers.readBySystem],
    ];
    return [
      {
        name: "a foreign call that does nothing",
        unit: "ns",
        contenders: [timed(posts)(["ffi: __errno_location", layers.foreignCall])],
      },
      { name: "a packet posted and taken", unit: "ns", contenders: post.map(timed(posts)) },
      {
        name: "a read of 4 KiB, depth 32",
        unit: "ns",
        contenders: [...read.map(timed(reads)), kernel(reads)],
      },
      {
        name: "allocated: a packet posted and taken",
        unit: "bytes",
        contenders: post.map(weighed),
      },
      { name: "allocated: a read of 4 KiB", unit: "bytes", contenders: read.map(weighed) },
    ];
  },
};

function timed(count: number): (layer: readonly [string, () => Layer]) => Contender {
  return ([name, make]) => ({
    name,
    isOurs: true,
    open(): Runner {
      const layer = make();
      return {
        pass(): number {
          const began = performance.now();
          for (let done = 0; done < count; done += DEPTH) layer.turn();
          return (performance.now() - began) * 1e6 / count;
        },
        close: () => layer.close(),
      };
    },
  });
}

/** The same reads in C: what of the time is the kernel's. */
function kernel(count: number): Contender {
  return {
    name: "C, io_uring: the kernel's part",
    warmsUp: true,
    open(): Runner {
      if (process.platform !== "linux") throw new LeftOut("io_uring is Linux's own");
      const program = compiled("random-read.c", "-pthread");
      const runner = passesOf([program, layers.overheadFile(), `${DEPTH}`, "1", `${count}`, "0"]);
      return { pass: async () => 1e9 / (await runner.pass() as Sample).value };
    },
  };
}

/** Turns between two looks at the heap: few, so that no collection falls between most of them. */
const TURNS = 20;
const LOOKS = 101;

function weighed([name, make]: readonly [string, () => Layer]): Contender {
  return {
    name,
    isOurs: true,
    open(): Runner {
      if ("Bun" in globalThis) {
        throw new LeftOut("JavaScriptCore tells the size of its heap only after a collection");
      }
      const layer = make();
      return {
        pass: () =>
          median(Array.from({ length: LOOKS }, () => {
            const before = process.memoryUsage().heapUsed;
            for (let i = 0; i < TURNS; i++) layer.turn();
            return (process.memoryUsage().heapUsed - before) / (TURNS * DEPTH);
          })),
        close: () => layer.close(),
      };
    },
  };
}
