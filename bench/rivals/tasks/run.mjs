// How many tasks a second another pool does, in whatever runtime this is run:
//
//     node bench/rivals/tasks/run.mjs LIBRARY OUTSTANDING TASKS
//
// Two threads; the task adds two numbers. A quarter of the tasks is done before the clock runs.

import process from "node:process";
import { fileURLToPath } from "node:url";

const [library, outstanding, tasks] = process.argv.slice(2);

/** Each comes to a function that does a task. */
const POOLS = {
  async piscina() {
    const { Piscina } = await import("piscina");
    const filename = new URL("./add-default.mjs", import.meta.url).href;
    // 64 is the best of what was tried; the default is 1.
    const options = { minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: 64 };
    const pool = new Piscina({ filename, ...options });
    return (pair) => pool.run(pair);
  },
  async tinypool() {
    const { Tinypool } = await import("tinypool");
    const filename = new URL("./add-default.mjs", import.meta.url).href;
    const options = { minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: 64 };
    const pool = new Tinypool({ filename, ...options });
    return (pair) => pool.run(pair);
  },
  async poolifier() {
    const { FixedThreadPool } = await import("poolifier");
    const file = fileURLToPath(new URL("./add-poolifier.mjs", import.meta.url));
    const pool = new FixedThreadPool(2, file);
    return (pair) => pool.execute(pair);
  },
  async workerpool() {
    const { default: workerpool } = await import("workerpool");
    const file = fileURLToPath(new URL("./add-workerpool.mjs", import.meta.url));
    const pool = workerpool.pool(file, { minWorkers: 2, maxWorkers: 2, workerType: "thread" });
    return (pair) => pool.exec("add", [pair]);
  },
};

/** Does `count` tasks, as many at a time as are to be outstanding. Returns the seconds. */
async function seconds(run, count) {
  const began = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next++;
      if (await run([i, 1]) !== i + 1) throw new Error(`The sum of ${i} and 1 is wrong`);
    }
  };
  await Promise.all(Array.from({ length: Number(outstanding) }, lane));
  return (performance.now() - began) / 1000;
}

const run = await POOLS[library]();
await seconds(run, Math.ceil(tasks / 4));
const value = tasks / await seconds(run, Number(tasks));
console.log(JSON.stringify({ value }));
process.exit(); // The end of the threads as well: not every pool's own end comes back.
