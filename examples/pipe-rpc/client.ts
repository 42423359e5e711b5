/**
 * The client: one call, one answer.
 *
 * @module
 */

import { CompletionPort, NativeBuffer, type Packet, PipeHandle } from "../../mod.ts";
import type { Interrupts } from "../program/interrupts.ts";
import { type Answer, type Call, encode, joined, readAnswer } from "./messages.ts";

const PIECE_BYTES = 4096;
const TURN_MS = 100;

const ERROR_MORE_DATA = 234;

/** Calls a function of the server. */
export async function call(
  name: string,
  message: Call,
  timeoutMs: number,
  interrupts: Interrupts,
): Promise<Answer> {
  using port = new CompletionPort();
  using pipe = PipeHandle.open(name, { type: "message", timeoutMs });
  port.associate(pipe, 0);
  const bytes = encode(message);
  using request = NativeBuffer.allocate(bytes.length);
  request.bytes.set(bytes);
  using reply = NativeBuffer.allocate(PIECE_BYTES);
  const pieces: Uint8Array[] = [];
  pipe.transact(request, reply);
  for (;;) {
    const { error, bytesTransferred } = await take(port, interrupts);
    if (error !== null && error.code !== ERROR_MORE_DATA) throw error;
    pieces.push(reply.bytes.slice(0, bytesTransferred));
    if (error === null) break;
    // The answer is longer than the buffer: here is the next piece of it.
    pipe.read(reply);
  }
  return readAnswer(joined(pieces)) ?? { error: "the server's message is no answer" };
}

/** The next packet; between two looks the event loop sees signals. */
async function take(port: CompletionPort, interrupts: Interrupts): Promise<Packet> {
  for (;;) {
    const packet = port.get(TURN_MS);
    if (packet !== null) return packet;
    await new Promise((resolve) => setTimeout(resolve, 0));
    interrupts.check();
  }
}
