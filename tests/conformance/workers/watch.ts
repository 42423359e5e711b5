/** Starts a read of changes and leaves its packet to others; or makes a file and takes the packet that tells of it. */

import { writeFileSync } from "node:fs";
import {
  type BufferToken,
  CompletionPort,
  DirectoryHandle,
  type HandleToken,
  NativeBuffer,
  type PortToken,
} from "../../../src/pool/thread.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Watch {
  directory: HandleToken;
  buffer: BufferToken;
  tag: number;
  port?: PortToken;
  file?: string;
}

job(({ directory, buffer, tag, port, file }: Watch): string[] => {
  const handle = DirectoryHandle.attach(directory);
  if (port === undefined || file === undefined) {
    handle.readChanges(NativeBuffer.attach(buffer), {
      filter: ["fileName", "directoryName"],
    }, tag);
    return [];
  }
  writeFileSync(file, "");
  const packet = CompletionPort.attach(port).get()!;
  return DirectoryHandle.changes(packet).map(({ path }) => path);
});
