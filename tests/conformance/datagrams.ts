/**
 * What the tests of datagrams and messages share: a port with sockets on it.
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
  type SocketAddress,
  SocketHandle,
  type UnixOptions,
} from "../../mod.ts";

/** This computer by IPv4, any free port. */
export const HERE: NetAddress = { hostname: "127.0.0.1", port: 0 };

/** The same by IPv6. */
export const HERE6: NetAddress = { hostname: "::1", port: 0 };

/** A port with sockets on it; all of it goes when the block is left. */
export class Datagrams {
  readonly port: CompletionPort = new CompletionPort();
  readonly #sockets: SocketHandle[] = [];
  readonly #buffers: NativeBuffer[] = [];

  /** A UDP socket on the port, with this address unless it is `null`. */
  udp(options: InternetOptions = {}, address: NetAddress | null = HERE): SocketHandle {
    const socket = SocketHandle.udp(options);
    this.#sockets.push(socket);
    this.port.associate(socket, this.#sockets.length);
    if (address !== null) {
      socket.bind(options.family === "ipv6" && address === HERE ? HERE6 : address);
    }
    return socket;
  }

  /** A Unix-domain socket on the port, with this path unless it is absent. */
  unix(options: UnixOptions, path?: string): SocketHandle {
    const socket = SocketHandle.unix(options);
    this.#sockets.push(socket);
    this.port.associate(socket, this.#sockets.length);
    if (path !== undefined) socket.bind({ path });
    return socket;
  }

  /** Memory with this text, or of this size. */
  buffer(content: string | number): NativeBuffer {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : null;
    const byteLength = bytes?.length ?? content as number;
    const buffer = NativeBuffer.allocate(Math.max(byteLength, 1));
    if (bytes !== null) buffer.bytes.set(bytes);
    this.#buffers.push(buffer);
    return buffer.subarray(0, byteLength);
  }

  /** The next packet. */
  take(): Packet {
    return this.port.get()!;
  }

  /** The next packet, which is no failure. */
  takeDone(): Packet {
    const packet = this.take();
    if (packet.error !== null) throw packet.error;
    return packet;
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
    const { error, bytesTransferred } = this.take();
    return [error?.code ?? 0, bytesTransferred];
  }

  /** Sends a datagram with this text and takes the packet. */
  send(socket: SocketHandle, text: string, address: SocketAddress): void {
    socket.sendTo(this.buffer(text), address);
    assertEquals(this.outcome(), [0, new TextEncoder().encode(text).length]);
  }

  /** Receives a datagram of at most so many bytes: its text and who has sent it. */
  receive(socket: SocketHandle, byteLength: number): [text: string, sender: SocketAddress | null] {
    socket.receiveFrom(this.buffer(byteLength));
    const packet = this.takeDone();
    return [textOf(packet), SocketHandle.sender(packet)];
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
    while (this.port.counters.inFlight > 0) this.take();
    this.port.close();
    for (const buffer of this.#buffers) buffer.free();
  }
}

/** The bytes of a packet's buffer, as text. */
export function textOf({ operation, bytesTransferred }: Packet): string {
  return new TextDecoder().decode(operation!.buffer!.bytes.subarray(0, bytesTransferred));
}
