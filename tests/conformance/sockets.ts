/**
 * What the tests of sockets share: a port with sockets on it, and pairs that are connected.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  CompletionPort,
  type InternetOptions,
  NativeBuffer,
  type NetAddress,
  type Packet,
  SocketHandle,
} from "../../mod.ts";

export { codeOf } from "./pipes.ts";

/** Keys of a listener, and of the two ends of a connection. */
export const LISTENER = 1;
export const SERVER = 2;
export const CLIENT = 3;

/** The address of this computer, any port. */
export const HERE: NetAddress = { hostname: "127.0.0.1", port: 0 };

/** A port, sockets and memory; all of it goes when the block is left. */
export class Sockets {
  readonly port: CompletionPort = new CompletionPort();
  readonly #sockets: SocketHandle[] = [];
  readonly #buffers: NativeBuffer[] = [];
  #listener: SocketHandle | null = null;

  /** A TCP socket on the port. */
  tcp(key: number = CLIENT, options: InternetOptions = {}): SocketHandle {
    const socket = this.fresh(options);
    this.port.associate(socket, key);
    return socket;
  }

  /** A TCP socket that is not associated. */
  fresh(options: InternetOptions = {}): SocketHandle {
    const socket = SocketHandle.tcp(options);
    this.#sockets.push(socket);
    return socket;
  }

  /** A listener on the port; the same whenever it is asked for. */
  get listener(): SocketHandle {
    return this.#listener ??= this.listen();
  }

  /** A new listener on the port. */
  listen(backlog?: number): SocketHandle {
    const listener = this.tcp(LISTENER);
    listener.bind(HERE);
    listener.listen(backlog);
    return listener;
  }

  /** The address of the listener. */
  get address(): NetAddress {
    return addressOf(this.listener);
  }

  /** Both ends of a connection, on the port. */
  pair(): [server: SocketHandle, client: SocketHandle] {
    const server = this.tcp(SERVER);
    const client = this.tcp(CLIENT);
    this.listener.accept(server, SERVER);
    client.connect(this.address, CLIENT);
    for (const { error } of this.takeMany(2).values()) assertEquals(error, null);
    return [server, client];
  }

  /** The same, whose ends hold little: what is sent beyond that stays in flight until it is received. */
  narrowPair(): [server: SocketHandle, client: SocketHandle] {
    const pair = this.pair();
    for (const end of pair) end.setOptions({ sendBufferBytes: 65_536, receiveBufferBytes: 65_536 });
    return pair;
  }

  /** The next packet. */
  take(): Packet {
    return this.port.get()!;
  }

  /** So many packets, by their tags. */
  takeMany(count: number): Map<number, Packet> {
    const packets = new Map<number, Packet>();
    for (let i = 0; i < count; i++) {
      const packet = this.take();
      packets.set(packet.operation!.tag, packet);
    }
    assertEquals(packets.size, count);
    return packets;
  }

  /** The code and the count of the next packet; the code is 0 of a success. */
  outcome(): [code: number, bytes: number] {
    return outcomeOf(this.take());
  }

  /** The same of so many packets, by their tags, in the order of those. */
  outcomes(count: number): [tag: number, code: number, bytes: number][] {
    const packets = [...this.takeMany(count)].sort(([one], [other]) => one - other);
    return packets.map(([tag, packet]) => [tag, ...outcomeOf(packet)]);
  }

  /** Memory with this text, or of this size. */
  buffer(content: string | number): NativeBuffer {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : null;
    const buffer = NativeBuffer.allocate(bytes?.length ?? content as number);
    if (bytes !== null) buffer.bytes.set(bytes);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Sends this text and takes the packet. */
  send(socket: SocketHandle, text: string): void {
    socket.send(this.buffer(text));
    assertEquals(this.outcome(), [0, text.length]);
  }

  /** Receives up to so many bytes: their text, or a code. */
  receive(socket: SocketHandle, byteLength: number = 64): string | number {
    const into = this.buffer(byteLength);
    socket.receive(into);
    const { error, bytesTransferred } = this.take();
    return error === null ? textOf(into, bytesTransferred) : error.code;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
    while (this.port.counters.inFlight > 0) this.take();
    this.port.close();
    for (const buffer of this.#buffers) buffer.free();
  }
}

/** The code, 0 of a success, and the count of a packet. */
export function outcomeOf({ error, bytesTransferred }: Packet): [code: number, bytes: number] {
  return [error?.code ?? 0, bytesTransferred];
}

/** The text of the first bytes. */
export function textOf(buffer: NativeBuffer, byteLength: number): string {
  return new TextDecoder().decode(buffer.bytes.subarray(0, byteLength));
}

/** Where a bound socket is. */
export function addressOf(socket: SocketHandle): NetAddress {
  return socket.localAddress as NetAddress;
}

/** Closes the socket so that the other end sees a reset. */
export function reset(socket: SocketHandle): void {
  socket.setOptions({ linger: 0 });
  socket.close();
}

/** A port of this computer where nobody listens. */
export function deadAddress(): NetAddress {
  using socket = SocketHandle.tcp();
  socket.bind(HERE);
  return addressOf(socket);
}

/** Bytes that differ from place to place. */
export function fillPattern(buffer: NativeBuffer, seed: number = 0): void {
  const { bytes } = buffer;
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7 + (i >>> 9) + seed;
}
