/**
 * Changes of a folder.
 *
 * @module
 */

import process from "node:process";
import {
  compiled,
  inRuntime,
  needPackage,
  ownProgram,
  type RuntimeName,
  THIS_RUNTIME,
} from "../programs.ts";
import { type Contender, LeftOut, type Runner, type Sample, type Scenario } from "../scenario.ts";
import { latencyOf, rateOf } from "./watch/run.ts";

/** Files that are made in folders of a watched folder. */
export const watch: Scenario = {
  name: "watch",
  title: "changes of a folder: how many, how soon, how many lost",
  about:
    "A program in C makes files in 50 folders of a watched one, as fast as a file system in memory does; each " +
    "watcher is a process of its own and counts them. A file counts from when the first was made until it " +
    "is told of; what is never told of is lost.",
  cases({ pick }) {
    const runtimes = pick<readonly RuntimeName[]>(["node", "bun", "deno"], [THIS_RUNTIME]);
    const files = pick(50_000, 100);
    const few = pick(100, 5);
    return [
      {
        name: `${files} new files`,
        unit: "files/s",
        contenders: watchers(runtimes, true, (command) => rateOf(command, files)),
        goals: [
          { rivals: ["C, inotify"], ratio: 0.9 },
          { rivals: ["Deno.watchFs"], ratio: 3 },
        ],
      },
      {
        name: "from a file's making until it is told of",
        unit: "us",
        contenders: watchers(runtimes, false, (command) => latencyOf(command, few)),
      },
    ];
  },
};

const WAYS: readonly (readonly [name: string, way: string, runtime: RuntimeName])[] = [
  ["Deno.watchFs", "denoWatchFs", "deno"],
  ["fs.watch of node", "fsWatch", "node"],
  ["fs.watch of bun", "fsWatch", "bun"],
  ["fs.watch of deno", "fsWatch", "deno"],
  ["chokidar in node", "chokidar", "node"],
  ["chokidar in bun", "chokidar", "bun"],
  ["@parcel/watcher in node", "parcel", "node"],
  ["@parcel/watcher in bun", "parcel", "bun"],
];

function watchers(
  runtimes: readonly RuntimeName[],
  hasC: boolean,
  pass: (command: readonly string[]) => Promise<number | Sample>,
): Contender[] {
  const contender = (name: string, command: () => readonly string[], isOurs = false) => ({
    name,
    isOurs,
    warmsUp: true, // Each pass is another process.
    open(): Runner {
      const known = command();
      return { pass: () => pass(known) };
    },
  });
  return [
    contender("DirectoryHandle", () => ownProgram("bench/scenarios/watch/watcher.ts"), true),
    ...hasC ? [contender("C, inotify", inC)] : [],
    ...WAYS.filter(([, , runtime]) => runtimes.includes(runtime)).map(([name, way, runtime]) =>
      contender(name, () => {
        if (way === "chokidar") needPackage("chokidar");
        if (way === "parcel") needPackage("@parcel/watcher");
        return [...inRuntime(runtime, "watch.mjs"), way];
      })
    ),
  ];
}

function inC(): string[] {
  if (process.platform !== "linux") throw new LeftOut("inotify is Linux's own");
  return [compiled("watch.c")];
}
