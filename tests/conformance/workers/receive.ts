/** Starts a receive on a socket, and ends. */

import { type BufferToken, type HandleToken, NativeBuffer, SocketHandle } from "../../../mod.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Receive {
  socket: HandleToken;
  buffer: BufferToken;
}

job(({ socket, buffer }: Receive): number => {
  const into = NativeBuffer.attach(buffer);
  SocketHandle.attach(socket).receive(into, 7);
  into.free();
  return 0;
});
