/** Makes a port, a file associated with it and a buffer, starts a read, and ends. */

import {
  type BufferToken,
  CompletionPort,
  FileHandle,
  type HandleToken,
  NativeBuffer,
  type PortToken,
} from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread has made. */
export interface Made {
  port: PortToken;
  file: HandleToken;
  buffer: BufferToken;
}

job(({ path }: { path: string }): Made => {
  const port = new CompletionPort();
  const file = FileHandle.open(path);
  const buffer = NativeBuffer.allocate(64);
  port.associate(file, 12);
  file.read(buffer.subarray(8, 16), 2, 34);
  return { port: port.token, file: file.token, buffer: buffer.token };
});
