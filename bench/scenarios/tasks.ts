/**
 * The pool against other pools.
 *
 * @module
 */

import { Pool } from "../../mod.ts";
import { inRuntime, needPackage, passesOf, type RuntimeName, THIS_RUNTIME } from "../programs.ts";
import { type Contender, LeftOut, type Runner, type Scenario } from "../scenario.ts";

const THREAD = new URL("./tasks/thread.ts", import.meta.url);
const THREADS = 2;

const LIBRARIES = ["piscina", "tinypool", "poolifier", "workerpool"];
/** Those that the goals name. */
const BEST = LIBRARIES.slice(0, 3);
const RUNTIMES: readonly RuntimeName[] = ["node", "bun", "deno"];

/** `pool.run` and posted packets; the task adds two numbers. */
export const tasks: Scenario = {
  name: "tasks",
  title: "pool.run and packets of a pool, against other pools",
  about:
    "Two threads; the task adds two numbers. The other pools run in a process of their own, in each " +
    "runtime in which they can, tuned: piscina and tinypool with concurrentTasksPerWorker: 64. " +
    "To a packet there is no answer: the thread that takes it counts it.",
  cases: ({ pick }) => {
    const runtimes = pick(RUNTIMES, [THIS_RUNTIME]);
    const others = (width: number) => othersIn(runtimes, width, rivals);
    const count = pick(200_000, 200);
    const rivals = pick(30_000, 100);
    return [
      {
        name: `${pick(64, 8)} outstanding`,
        unit: "/s",
        contenders: [ours(pick(64, 8), count), ...others(pick(64, 8))],
        goals: [{ rivals: BEST, ratio: 5 }],
      },
      {
        name: `${pick(1024, 64)} outstanding`,
        unit: "/s",
        contenders: [
          ours(pick(1024, 64), count),
          packets(pick(2_000_000, 2_000)),
          ...pick(others(1024), []),
        ],
        goals: [
          { rivals: BEST, ratio: 5 },
          { rivals: BEST, ratio: 50, ours: "pool.post, packets without an answer" },
        ],
      },
    ];
  },
};

function ours(outstanding: number, count: number): Contender {
  return {
    name: "pool.run",
    isOurs: true,
    async open(): Promise<Runner> {
      const pool = new Pool(THREAD, { threads: THREADS });
      await pool.ready;
      return {
        async pass(): Promise<number> {
          let next = 0;
          const lane = async (): Promise<void> => {
            while (next < count) {
              const i = next++;
              const sum = await pool.run<number>("add", [i, 1]);
              if (sum !== i + 1) throw new Error(`The sum of ${i} and 1 is not ${sum}`);
            }
          };
          const began = performance.now();
          await Promise.all(Array.from({ length: outstanding }, lane));
          return count / (performance.now() - began) * 1000;
        },
        close: async () => void await pool.close(),
      };
    },
  };
}

function packets(count: number): Contender {
  return {
    name: "pool.post, packets without an answer",
    isOurs: true,
    async open(): Promise<Runner> {
      const handled = new Int32Array(new SharedArrayBuffer(4));
      const pool = new Pool(THREAD, { threads: THREADS, data: handled });
      await pool.ready;
      return {
        async pass(): Promise<number> {
          Atomics.store(handled, 0, 0);
          const began = performance.now();
          for (let posted = 0; posted < count; posted++) {
            // Only a full queue is worth a turn of the event loop.
            if ((posted & 0xffff) === 0) await pool.room;
            while (!tryPost(pool)) await pool.room;
          }
          while (Atomics.load(handled, 0) < count) await new Promise((go) => setTimeout(go, 0));
          return count / (performance.now() - began) * 1000;
        },
        close: async () => void await pool.close(),
      };
    },
  };
}

function tryPost(pool: Pool): boolean {
  try {
    pool.post({ key: 1 });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function othersIn(
  runtimes: readonly RuntimeName[],
  outstanding: number,
  count: number,
): Contender[] {
  return LIBRARIES.flatMap((library) =>
    runtimes.map((runtime) => ({
      name: `${library}, in ${runtime}`,
      warmsUp: true,
      open: (): Runner => {
        needPackage(library);
        if (library === "workerpool" && runtime === "bun") {
          throw new LeftOut("its tasks never come back in Bun 1.4");
        }
        const script = inRuntime(runtime, "tasks/run.mjs");
        return passesOf([...script, library, `${outstanding}`, `${count}`]);
      },
    }))
  );
}
