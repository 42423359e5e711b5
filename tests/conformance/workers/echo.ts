/** Serves an echo on a port, with any number of other threads, until a packet with key 0 comes. */

import {
  type BufferToken,
  CompletionPort,
  type HandleToken,
  NativeBuffer,
  type Packet,
  type PortToken,
  SocketHandle,
  Win32Error,
} from "../../../mod.ts";
import { acceptNext, ROOM_BYTES, ROOMS, SERVER, socketOf, STARTED, STOP } from "../echoes.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Echo {
  port: PortToken;
  listener: HandleToken;
  /** A room for each connection. */
  memory: BufferToken;
  /** How many rooms are taken, and how many threads have started. */
  counts: Int32Array;
}

/** What it has seen. */
export interface Echoed {
  accepted: number;
  received: number;
  sent: number;
  /** Connections whose client has sent its last. */
  ended: number;
  /** Codes of operations that have failed, each as often as it came. */
  failed: number[];
}

/** Does what another thread may have made impossible by closing the socket; whether it was done. */
function attempt(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    const isClosed = error instanceof TypeError || error instanceof Win32Error && error.code === 6;
    if (isClosed) return false;
    throw error;
  }
}

job(({ port, listener, memory, counts }: Echo): Echoed => {
  const attached = CompletionPort.attach(port);
  using slab = NativeBuffer.attach(memory);
  const seen: Echoed = { accepted: 0, received: 0, sent: 0, ended: 0, failed: [] };
  const end = (tag: number) => attempt(() => socketOf(tag).close());
  const roomAt = (at: number) => slab.subarray(at, at + ROOM_BYTES);

  function accepted(tag: number): void {
    seen.accepted++;
    attempt(() => acceptNext(SocketHandle.attach(listener)));
    const socket = socketOf(tag);
    attached.associate(socket, SERVER);
    socket.receive(roomAt(Atomics.add(counts, ROOMS, 1) * ROOM_BYTES), tag);
  }

  function received(tag: number, buffer: NativeBuffer, byteLength: number): void {
    seen.received += byteLength;
    if (byteLength === 0) {
      seen.ended++;
      end(tag);
    } else if (!attempt(() => socketOf(tag).send(buffer.subarray(0, byteLength), tag))) end(tag);
  }

  function take({ operation, error, bytesTransferred }: Packet): void {
    const { kind, tag, buffer } = operation!;
    if (error !== null) {
      seen.failed.push(error.code);
      end(tag);
    } else if (kind === "accept") accepted(tag);
    else if (kind === "receive") received(tag, buffer!, bytesTransferred);
    else {
      seen.sent += bytesTransferred;
      const at = buffer!.address - slab.address;
      if (!attempt(() => socketOf(tag).receive(roomAt(at), tag))) end(tag);
    }
  }

  Atomics.add(counts, STARTED, 1);
  for (;;) {
    let stops = 0;
    for (const packet of attached.getMany(16)) {
      if (packet.key === STOP) stops++;
      else take(packet);
    }
    // What it took beyond its own is for the threads it was meant for.
    for (let i = 1; i < stops; i++) attached.post({ key: STOP });
    if (stops > 0) return seen;
  }
});
