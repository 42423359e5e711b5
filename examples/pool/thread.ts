/**
 * The threads of `examples/pool.ts`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { serve, type Task } from "../../src/pool/thread.ts";

serve({
  tasks: {
    lines(path: string, { thread }: Task): number {
      // It says that it blocks, so that another thread runs meanwhile.
      const bytes = thread.blocking(() => readFileSync(path));
      let lines = 0;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
      return lines;
    },
  },
});
