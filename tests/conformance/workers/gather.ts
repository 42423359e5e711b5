/** The module of a pool whose handlers start a read, and wait for something else without a word. */

import {
  type BufferToken,
  FileHandle,
  type HandleToken,
  NativeBuffer,
  serve,
} from "../../../src/pool/thread.ts";

/** What the pool's `data` is. */
export interface Data {
  words: Int32Array;
  file: HandleToken;
  buffer: BufferToken;
}

/** What the keys say; all others say nothing. */
const [READ, SPIN] = [1, 2];

serve({
  packet({ key, operation }, { data }) {
    const { words, file, buffer } = data as Data;
    if (operation !== null) return;
    if (key === READ) {
      FileHandle.attach(file).read(NativeBuffer.attach(buffer), 0);
      Atomics.wait(words, 0, 0);
    }
    if (key === SPIN) { while (Atomics.load(words, 1) === 0); }
  },
});
