/** Adds up a buffer of another thread, fills it, and frees it or leaves it. */

import { type BufferToken, NativeBuffer } from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Fill {
  token: BufferToken;
  value: number;
  isFreeing: boolean;
}

job(({ token, value, isFreeing }: Fill): number => {
  const buffer = NativeBuffer.attach(token);
  const sum = buffer.bytes.reduce((total, byte) => total + byte, 0);
  buffer.bytes.fill(value);
  if (isFreeing) buffer.free();
  return sum;
});
