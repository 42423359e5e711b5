/** A thread of a server that sends back what its clients send, until a packet with key 0 comes. */

import {
  type BufferToken,
  CompletionPort,
  type HandleToken,
  NativeBuffer,
  type Packet,
  type PortToken,
  SocketHandle,
} from "../../../mod.ts";
import { LISTENER } from "../sockets.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Echo {
  port: PortToken;
  listener: HandleToken;
  /** `messageBytes` bytes for each connection. */
  memory: BufferToken;
  messageBytes: number;
  /** Of each connection the place and generation of its token. */
  tokens: Int32Array;
  /** Sockets made to be accepted into, those accepted, those whose end was seen. */
  counts: Int32Array;
}

/** Connection i has the key i plus FIRST. */
const FIRST = 2;

job((data: Echo): number => {
  const { messageBytes, tokens, counts } = data;
  const port = CompletionPort.attach(data.port);
  const listener = SocketHandle.attach(data.listener);
  const memory = NativeBuffer.attach(data.memory);
  const most = tokens.length / 2;
  const room = (index: number, byteLength = messageBytes) =>
    memory.subarray(index * messageBytes, index * messageBytes + byteLength);
  const socketAt = (index: number) =>
    SocketHandle.attach({
      kind: "iocp.socket",
      place: Atomics.load(tokens, index * 2),
      generation: Atomics.load(tokens, index * 2 + 1),
    });

  const accept = () => {
    const index = Atomics.add(counts, 0, 1);
    if (index < most) listener.accept(SocketHandle.tcp(), index);
  };

  const begin = (packet: Packet) => {
    const index = packet.operation!.tag;
    const socket = SocketHandle.accepted(packet);
    Atomics.store(tokens, index * 2, socket.token.place);
    Atomics.store(tokens, index * 2 + 1, socket.token.generation);
    port.associate(socket, FIRST + index);
    socket.receive(room(index));
    Atomics.add(counts, 1, 1);
    accept();
  };

  const goOn = ({ key, operation, bytesTransferred, error }: Packet) => {
    const index = key - FIRST;
    const isReceive = operation!.kind === "receive";
    if (error !== null || isReceive && bytesTransferred === 0) {
      socketAt(index).close();
      Atomics.add(counts, 2, 1);
    } else if (isReceive) socketAt(index).send(room(index, bytesTransferred));
    else socketAt(index).receive(room(index));
  };

  for (let taken = 0;;) {
    for (const packet of port.getMany(64)) {
      if (packet.key === 0) {
        // For the next thread; this one may just have taken another's, too.
        port.post({ key: 0 });
        return taken;
      }
      taken++;
      if (packet.key !== LISTENER) goOn(packet);
      else if (packet.error === null) begin(packet);
    }
  }
});
