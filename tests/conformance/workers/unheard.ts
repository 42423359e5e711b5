/** Begins to start a read, and ends before the system hears of it. */

import { type BufferToken, FileHandle, type HandleToken, NativeBuffer } from "../../../mod.ts";
import { system } from "../../../src/system/system.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Unheard {
  file: HandleToken;
  buffer: BufferToken;
}

/** Why the start has not come to its end. */
job(({ file, buffer }: Unheard): string => {
  Object.assign(system, {
    readFile: () => {
      throw new Error("the thread ends here");
    },
  });
  const handle = FileHandle.attach(file);
  using memory = NativeBuffer.attach(buffer);
  try {
    handle.read(memory, 0);
  } catch (error) {
    return (error as Error).message;
  }
  return "started";
});
