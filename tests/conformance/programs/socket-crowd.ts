/**
 * A process with many connections to one address, which does as it is told, a line of JSON at a time, and
 * answers each with a number: `open` that many, `ask` all of them at once for what they send back, `close` all.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { CompletionPort, NativeBuffer, type Packet, SocketHandle } from "../../../mod.ts";

/** Bytes of a message. */
const MESSAGE_BYTES = 64;
/** Connections that are being made at once. */
const WINDOW = 256;

const address = { hostname: process.argv[2], port: Number(process.argv[3]) };
const port = new CompletionPort();
const clients: SocketHandle[] = [];
let memory: NativeBuffer | null = null;

function take(count: number, each: (packet: Packet) => void): void {
  for (let taken = 0; taken < count;) {
    for (const packet of port.getMany(512)) {
      if (packet.error !== null) throw packet.error;
      taken++;
      each(packet);
    }
  }
}

/** Connects, a window full at a time. Returns how many connections there are. */
function open(count: number): number {
  memory = NativeBuffer.allocate(count * 2 * MESSAGE_BYTES);
  const next = () => {
    if (clients.length === count) return;
    const client = SocketHandle.tcp();
    port.associate(client, clients.length);
    clients.push(client);
    client.connect(address);
  };
  for (let i = 0; i < WINDOW; i++) next();
  take(count, next);
  return clients.length;
}

/** Every connection sends a message of its own and receives it back. Returns how many were right. */
function ask(round: number): number {
  const room = (index: number) =>
    memory!.subarray(index * MESSAGE_BYTES, (index + 1) * MESSAGE_BYTES);
  clients.forEach((client, i) => {
    client.receive(room(clients.length + i), { waitAll: true }, 1);
    room(i).bytes.fill(i * 31 + round);
    client.send(room(i), 2);
  });
  let right = 0;
  take(2 * clients.length, ({ key, operation, bytesTransferred }) => {
    if (operation!.tag === 2) return;
    const expected = (key * 31 + round) % 256;
    const isRight = room(clients.length + key).bytes.every((byte) => byte === expected);
    if (isRight && bytesTransferred === MESSAGE_BYTES) right++;
  });
  return right;
}

/** Every third one by a reset. */
function close(): number {
  clients.forEach((client, i) => {
    if (i % 3 === 0) client.setOptions({ linger: 0 });
    client.close();
  });
  return clients.length;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, value } = JSON.parse(line);
  console.log(verb === "open" ? open(value) : verb === "ask" ? ask(value) : close());
}
process.exit();
