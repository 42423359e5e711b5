/** Connects and receives to the end, as fast as it can, what the other end sends. */

import { CompletionPort, NativeBuffer, type NetAddress, SocketHandle } from "../../../mod.ts";
import { job } from "./job.ts";

/** Bytes that came one after the other and are the same: what they are, and how many. */
export type Run = [byte: number, count: number];

const PIECE_BYTES = 10_000;

job((address: NetAddress): Run[] => {
  using port = new CompletionPort();
  using socket = SocketHandle.tcp();
  using piece = NativeBuffer.allocate(PIECE_BYTES);
  port.associate(socket, 1);
  socket.connect(address);
  port.get();
  const runs: Run[] = [];
  for (;;) {
    socket.receive(piece);
    const { bytesTransferred } = port.get()!;
    if (bytesTransferred === 0) return runs;
    note(runs, piece.bytes.subarray(0, bytesTransferred));
  }
});

function note(runs: Run[], bytes: Uint8Array): void {
  for (const byte of bytes) {
    const last = runs.at(-1);
    if (last?.[0] === byte) last[1]++;
    else runs.push([byte, 1]);
  }
}
