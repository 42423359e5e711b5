/**
 * The threads of `examples/hash-tree.ts`.
 *
 * @module
 */

import { serve } from "../../src/pool/thread.ts";
import { Reader } from "./reader.ts";
import { SEPARATOR, type Shared } from "./work.ts";

let reader: Reader | null = null;

serve({
  start({ index, data }) {
    reader = new Reader(data as Shared, index);
  },

  tasks: {
    hash: (paths: string): string => reader!.hash(paths.split(SEPARATOR)).join(SEPARATOR),
  },

  stop() {
    reader?.[Symbol.dispose]();
  },
});
