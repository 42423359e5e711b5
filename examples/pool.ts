/**
 * Counts the lines of files, in the order in which they are done:
 *
 *     deno run --allow-ffi --allow-read examples/pool.ts FILE...
 *     bun run examples/pool.ts FILE...
 *
 * @module
 */

import process from "node:process";
import { Pool } from "../mod.ts";

// Twice as many threads as processors: while one waits for the disk, another counts.
await using pool = new Pool(new URL("./pool/thread.ts", import.meta.url), { name: "lines" });
pool.addEventListener("error", ({ error }) => console.error(error.message));

for (const path of process.argv.slice(2)) {
  await pool.room; // However many files there are, only so many tasks are queued.
  pool.run<number>("lines", path).then(
    (lines) => console.log(`${lines} ${path}`),
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
// Leaving the block closes the pool: what is queued is done, then the threads end.
