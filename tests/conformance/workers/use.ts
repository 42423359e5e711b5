/** Starts reads on a file until another thread has closed it. */

import {
  type BufferToken,
  CompletionPort,
  FileHandle,
  type HandleToken,
  NativeBuffer,
  type PortToken,
  Win32Error,
} from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Use {
  /** Where the tokens of the files come in, one after the other, by packets whose key is an index. */
  port: PortToken;
  files: HandleToken[];
  buffer: BufferToken;
  /** Reads started, files done with, packets taken, and whether this thread has failed. */
  counts: Int32Array;
}

// What stands where in `counts`.
const STARTED = 0;
const DONE = 1;
const TAKEN = 2;
const FAILED = 3;

const MOST_IN_FLIGHT = 500;

job(({ files, port, buffer, counts }: Use): number => {
  using into = NativeBuffer.attach(buffer);
  const turns = CompletionPort.attach(port);
  let closed = 0;
  for (let packet = turns.get(); packet?.key !== 0; packet = turns.get()) {
    try {
      const file = FileHandle.attach(files[packet!.key - 1]);
      for (;;) {
        file.read(into, 0);
        Atomics.add(counts, STARTED, 1);
        while (Atomics.load(counts, STARTED) - Atomics.load(counts, TAKEN) > MOST_IN_FLIGHT);
      }
    } catch (error) {
      const isClosed = error instanceof TypeError ||
        error instanceof Win32Error && error.code === 6;
      if (!isClosed) {
        Atomics.add(counts, FAILED, 1);
        throw error;
      }
      closed++;
      Atomics.add(counts, DONE, 1);
    }
  }
  return closed;
});
