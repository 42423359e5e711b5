/** Locks ranges of another thread's file, says which thread it is in the kernel (Linux), and ends. */

import { libc } from "../../../src/ffi/libc.ts";
import { platform } from "../../../src/ffi/runtime.ts";
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
  return platform === "linux" ? libc().gettid() : 0;
});
