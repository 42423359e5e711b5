/** A process that writes messages to a pipe until it is killed: each one byte, over and over, as often as it says. */

import process from "node:process";
import { CompletionPort, NativeBuffer, PipeHandle } from "../../../mod.ts";
import { randomFrom } from "../random.ts";

const [name, seed] = process.argv.slice(2);
const random = randomFrom(Number(seed));
using port = new CompletionPort();
using pipe = PipeHandle.open(name, { type: "message" });
port.associate(pipe, 1);
using buffer = NativeBuffer.allocate(300_000);
for (;;) {
  const length = 4 + random(300_000 - 4);
  const message = buffer.subarray(0, length);
  message.bytes.fill(length % 251);
  new DataView(message.bytes.buffer, message.bytes.byteOffset).setUint32(0, length, true);
  pipe.write(message);
  const packet = port.get()!;
  if (packet.error) throw packet.error;
}
