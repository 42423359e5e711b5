/**
 * A process that opens a pipe of messages as it is told, a line of JSON at a time: it sends its own
 * process's id, reads the server's as that says it, and answers 0 if the kernel says the same, 1 if
 * not, or the code of what has failed.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { CompletionPort, NativeBuffer, PipeHandle, Win32Error } from "../../../mod.ts";

function visit(name: string): number {
  using port = new CompletionPort();
  using pipe = PipeHandle.open(name, { type: "message" });
  port.associate(pipe, 1);
  using id = NativeBuffer.allocate(4);
  const fields = new DataView(id.bytes.buffer, id.bytes.byteOffset);
  fields.setUint32(0, process.pid, true);
  pipe.write(id);
  let error = port.get()!.error;
  if (error === null) {
    pipe.read(id);
    error = port.get()!.error;
  }
  if (error !== null) throw error;
  return fields.getUint32(0, true) === pipe.serverProcessId() ? 0 : 1;
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(visit(JSON.parse(line)));
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    console.log(error.code);
  }
}
