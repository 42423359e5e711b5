/** Locks a range of another thread's file and ends, holding it. */

import { FileHandle, type HandleToken, type LockOptions } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to lock. */
export interface Lock {
  file: HandleToken;
  ranges: LockOptions[];
}

job(({ file, ranges }: Lock): number => {
  const attached = FileHandle.attach(file);
  ranges.forEach((range, tag) => attached.lock(range, tag));
  return ranges.length;
});
