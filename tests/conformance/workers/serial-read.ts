/**
 * Starts a read of a serial line, and ends.
 *
 * @module
 */

import { type BufferToken, type HandleToken, NativeBuffer, SerialHandle } from "../../../mod.ts";
import { job } from "./job.ts";

interface Data {
  readonly line: HandleToken;
  readonly buffer: BufferToken;
  readonly length: number;
}

job(({ line, buffer, length }: Data) => {
  SerialHandle.attach(line).read(NativeBuffer.attach(buffer).subarray(0, length));
});
