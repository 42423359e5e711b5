/**
 * The rivals of random-read: a loop in C, fio, and what the runtimes bring along.
 *
 * @module
 */

import process from "node:process";
import { compiled, inRuntime, need, output, passesOf, type RuntimeName } from "../../programs.ts";
import { type Contender, LeftOut, type Runner } from "../../scenario.ts";
import { BLOCK } from "./reader.ts";

/** What is read, and how. */
export interface Work {
  readonly path: () => string;
  readonly depth: number;
  readonly threads: number;
  readonly unbuffered: boolean;
  /** Reads of each thread in one pass. */
  readonly reads: number;
  /** The runtimes whose own ways are tried. */
  readonly runtimes: readonly RuntimeName[];
}

/** All that can do this work. */
export function rivalsOf(work: Work): Contender[] {
  const tuned = ["io_uring", "libaio", "psync"].map((name) => fio(work, name, true));
  const programs = [inC(work), ...tuned, fio(work, "io_uring", false)];
  // The runtimes' own have no threads, and none of them opens a file unbuffered.
  return work.threads > 1 || work.unbuffered ? programs : [...programs, ...runtimes(work)];
}

function inC({ path, depth, threads, unbuffered, reads }: Work): Contender {
  return {
    name: "C, io_uring",
    warmsUp: true,
    open(): Runner {
      if (process.platform !== "linux") throw new LeftOut("io_uring is Linux's own");
      const program = compiled("random-read.c", "-pthread");
      return passesOf([
        program,
        path(),
        `${depth}`,
        `${threads}`,
        `${reads}`,
        unbuffered ? "1" : "0",
      ]);
    },
  };
}

/**
 * fio's own figure is taken: it leaves out its start. Tuned, it hands over and takes together as much
 * as there is, asks for the time seldom and keeps no map of what it has read, like everybody does here.
 */
function fio(
  { path, depth, threads, unbuffered, reads }: Work,
  engine: string,
  isTuned: boolean,
): Contender {
  const tuning = [
    `--iodepth_batch_submit=${depth}`,
    "--iodepth_batch_complete_min=1",
    `--iodepth_batch_complete_max=${depth}`,
    "--norandommap",
    "--gtod_reduce=1",
  ];
  return {
    name: isTuned ? `fio, ${engine}` : `fio as it comes, ${engine}`,
    open(): Runner {
      const program = need("fio");
      const command = [
        program,
        "--name=bench",
        `--filename=${path()}`,
        `--ioengine=${engine}`,
        `--iodepth=${depth}`,
        ...isTuned ? tuning : [],
        "--rw=randread",
        `--bs=${BLOCK}`,
        `--direct=${unbuffered ? 1 : 0}`,
        "--invalidate=0",
        "--thread",
        `--numjobs=${threads}`,
        "--group_reporting",
        `--number_ios=${reads}`,
        `--io_size=${reads * BLOCK}`,
        "--output-format=json",
      ];
      return {
        async pass(): Promise<number> {
          const printed = await output(command);
          const { jobs } = JSON.parse(printed.slice(printed.indexOf("{")));
          const { total_ios: total, runtime } = jobs[0].read;
          return total / Math.max(runtime, 1) * 1000;
        },
      };
    },
  };
}

const WAYS: readonly [name: string, way: string, runtime: RuntimeName, isDeep: boolean][] = [
  ["fs.read of bun", "callback", "bun", true],
  ["fs.read of node", "callback", "node", true],
  ["fs.read of deno", "callback", "deno", true],
  ["fs.promises of bun", "promise", "bun", true],
  ["fs.promises of node", "promise", "node", true],
  ["fs.promises of deno", "promise", "deno", true],
  ["Bun.file", "bunFile", "bun", true],
  ["Deno.FsFile", "denoFile", "deno", true],
  ["fs.readSync of bun", "sync", "bun", false],
  ["fs.readSync of node", "sync", "node", false],
  ["fs.readSync of deno", "sync", "deno", false],
];

/** They are slower, so that less shows as much. */
const SHARE = 8;

function runtimes({ path, depth, reads, runtimes }: Work): Contender[] {
  const isTried = ([, , runtime, isDeep]: typeof WAYS[number]) =>
    runtimes.includes(runtime) && (isDeep || depth === 1);
  return WAYS.filter(isTried).map(([name, way, runtime]) => ({
    name,
    warmsUp: true,
    open: (): Runner => {
      const script = inRuntime(runtime, "random-read.mjs");
      return passesOf([...script, way, path(), `${depth}`, `${Math.ceil(reads / SHARE)}`]);
    },
  }));
}
