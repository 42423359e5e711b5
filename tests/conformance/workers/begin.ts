/** Starts an operation on a socket, and ends. */

import {
  type BufferToken,
  FileHandle,
  type HandleToken,
  NativeBuffer,
  type SocketAddress,
  SocketHandle,
} from "../../../mod.ts";
import { job } from "./job.ts";

/** What this thread is to do; the operation has the tag 7. */
export type Begin =
  & { socket: HandleToken }
  & (
    | { what: "receive" | "send"; buffer: BufferToken }
    | { what: "accept"; into: HandleToken }
    | { what: "connect"; address: SocketAddress }
    | { what: "transmitFile"; path: string }
    | { what: "disconnect" }
  );

job((begin: Begin): number => {
  const socket = SocketHandle.attach(begin.socket);
  if (begin.what === "accept") socket.accept(SocketHandle.attach(begin.into), 7);
  else if (begin.what === "connect") socket.connect(begin.address, 7);
  else if (begin.what === "disconnect") socket.disconnect({ reuse: true }, 7);
  else if (begin.what === "transmitFile") {
    using file = FileHandle.open(begin.path);
    socket.transmitFile(file, {}, 7);
  } else {
    const buffer = NativeBuffer.attach(begin.buffer);
    socket[begin.what](buffer, 7);
    buffer.free();
  }
  return 0;
});
