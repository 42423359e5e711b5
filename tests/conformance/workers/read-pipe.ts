/** Reads from a pipe of another thread, and takes the packet or leaves it; without a buffer, closes the pipe. */

import {
  type BufferToken,
  CompletionPort,
  type HandleToken,
  NativeBuffer,
  PipeHandle,
  type PortToken,
} from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface ReadPipe {
  pipe: HandleToken;
  buffer: BufferToken | null;
  tag: number;
  /** Where to take the packet; absent: it is left for others. */
  port?: PortToken;
}

/** What the packet said; null if it was left. */
export type ReadPipeResult = { code: number; bytes: number; text: string } | null;

job(({ pipe, buffer, tag, port }: ReadPipe): ReadPipeResult => {
  const attached = PipeHandle.attach(pipe);
  if (buffer === null) {
    attached.close();
    return null;
  }
  const into = NativeBuffer.attach(buffer);
  attached.read(into, tag);
  if (port === undefined) return null;
  const { error, bytesTransferred } = CompletionPort.attach(port).get()!;
  const text = new TextDecoder().decode(into.bytes.subarray(0, bytesTransferred));
  return { code: error?.code ?? 0, bytes: bytesTransferred, text };
});
