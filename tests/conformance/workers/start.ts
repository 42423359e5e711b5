/** Starts reads on a file of another thread, says which thread it is in the kernel (Linux), and ends. */

import { libc } from "../../../src/ffi/libc.ts";
import { platform } from "../../../src/ffi/runtime.ts";
import {
  type BufferToken,
  FileHandle,
  type HandleToken,
  NativeBuffer,
} from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Start {
  file: HandleToken;
  buffer: BufferToken;
  /** One read for each. */
  tags: number[];
}

job(({ file, buffer, tags }: Start): number => {
  const attached = FileHandle.attach(file);
  const into = NativeBuffer.attach(buffer);
  for (const tag of tags) attached.read(into.subarray(tag, tag + 1), 0, tag);
  return platform === "linux" ? libc().gettid() : 0;
});
