/** Reads from a file into a buffer, both of another thread, and takes the packet or leaves it. */

import {
  type BufferToken,
  CompletionPort,
  FileHandle,
  type HandleToken,
  NativeBuffer,
  type PortToken,
} from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Read {
  file: HandleToken;
  buffer: BufferToken;
  offset: number;
  tag: number;
  /** Where to take the packet; absent: it is left for others. */
  port?: PortToken;
}

/** What the packet said; null if it was left. */
export type ReadResult = { key: number; bytes: number; tag: number; isOwn: boolean } | null;

job(({ file, buffer, offset, tag, port }: Read): ReadResult => {
  const operation = FileHandle.attach(file).read(NativeBuffer.attach(buffer), offset, tag);
  if (port === undefined) return null;
  const packet = CompletionPort.attach(port).get()!;
  return {
    key: packet.key,
    bytes: packet.bytesTransferred,
    tag: packet.operation!.tag,
    isOwn: packet.operation === operation,
  };
});
