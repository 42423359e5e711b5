/**
 * The threads of `examples/hash-tree.ts`.
 *
 * @module
 */

import { NativeBuffer, serve, type Task } from "../../src/pool/thread.ts";
import { Lane } from "./lane.ts";
import { BLOCK_BYTES, type Shared, SLOTS, wordOfBytes, wordOfFailure, type Work } from "./lanes.ts";

/** A block for each slot. A thread runs one task at a time, so that one set is enough. */
let memory: NativeBuffer | null = null;
let blocks: readonly NativeBuffer[] = [];

serve({
  tasks: {
    hash(work: Work, { thread }: Task): string[] {
      if (memory === null) {
        memory = NativeBuffer.allocate(SLOTS * BLOCK_BYTES);
        blocks = blocksOf(memory);
      }
      return new Lane(thread, work, blocks).hash();
    },
  },

  /** A read of any thread's is done: its key is the lane, and its tag the slot. */
  packet({ key, operation, error, bytesTransferred }, { data }) {
    const { words } = data as Shared;
    const at = key * SLOTS + operation!.tag;
    const word = error === null ? wordOfBytes(bytesTransferred) : wordOfFailure(error.code);
    Atomics.store(words, at, word);
    Atomics.notify(words, at);
  },

  stop() {
    memory?.free();
  },
});

function blocksOf(whole: NativeBuffer): NativeBuffer[] {
  return Array.from(
    { length: SLOTS },
    (_, slot) => whole.subarray(slot * BLOCK_BYTES, (slot + 1) * BLOCK_BYTES),
  );
}
