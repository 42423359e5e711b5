/**
 * Sockets by the contract alone: numbers, addresses in bytes, one port for all of a test.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  ACCEPT_ADDRESS_BYTES,
  AF_INET,
  AF_INET6,
  type CompletionEntries,
  ERROR_IO_PENDING,
  errorOfStatus,
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  SOCK_STREAM,
  SOCKADDR_BYTES,
  SOCKADDR_IN6_BYTES,
  SOCKADDR_IN_BYTES,
  SOL_SOCKET,
  system,
  WSABUF_BYTES,
} from "../../src/system/system.ts";
import { type Memory, Raw } from "./raw.ts";

/** What a packet says. */
export interface RawPacket {
  readonly key: number;
  readonly overlapped: number;
  readonly bytes: number;
  /** 0 of a success. */
  readonly code: number;
}

/** Zeroed bytes that do not move. */
export function bytesOf(byteLength: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(byteLength));
}

/** The SOCKADDR of a port of this computer's own address; 0: any port. */
export function loopback(port: number, family: number = AF_INET): Uint8Array<ArrayBuffer> {
  const isIPv4 = family === AF_INET;
  const address = bytesOf(isIPv4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  const fields = new DataView(address.buffer);
  fields.setUint16(0, family, true);
  fields.setUint16(2, port);
  if (isIPv4) fields.setUint32(4, 0x7F000001);
  else fields.setUint8(23, 1);
  return address;
}

/** The port in a SOCKADDR. */
export function portIn(address: Uint8Array<ArrayBuffer>): number {
  return address[2] << 8 | address[3];
}

/** An int or DWORD as bytes. */
export function dword(value: number): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Writes an address into native memory, as two words. */
export function setAddress(words: Uint32Array, index: number, address: number): void {
  words[index] = address % 2 ** 32;
  words[index + 1] = Math.floor(address / 2 ** 32);
}

/** A port and sockets on it; all of it goes when the block is left. */
export class RawSockets extends Raw {
  readonly onPort: number = this.port();
  readonly #entries: CompletionEntries = this.entries(1);

  /** A socket on the port. */
  socket(type: number = SOCK_STREAM, family: number = AF_INET, key: number = 0): number {
    const socket = this.loose(type, family);
    this.associate(socket, key);
    return socket;
  }

  /** A socket on no port. */
  loose(type: number = SOCK_STREAM, family: number = AF_INET): number {
    const { code, value } = system.wsaSocket(family, type, 0);
    assertEquals(code, 0);
    return this.own(value);
  }

  /** Ties a socket to the port. */
  associate(socket: number, key: number): void {
    assertEquals(system.createIoCompletionPort(socket, this.onPort, key, 0).code, 0);
  }

  /** A socket on the port with an address of its own. */
  bound(
    type: number,
    family: number = AF_INET,
  ): [socket: number, address: Uint8Array<ArrayBuffer>] {
    const socket = this.socket(type, family);
    assertEquals(system.bind(socket, loopback(0, family)), 0);
    return [socket, this.nameOf(socket)];
  }

  /** A listener. */
  listener(family: number = AF_INET): [socket: number, address: Uint8Array<ArrayBuffer>] {
    const [listener, address] = this.bound(SOCK_STREAM, family);
    assertEquals(system.listen(listener, 16), 0);
    return [listener, address];
  }

  /** The socket's own address. */
  nameOf(socket: number): Uint8Array<ArrayBuffer> {
    const address = bytesOf(SOCKADDR_BYTES);
    const { code, value } = system.getSockName(socket, address);
    assertEquals(code, 0);
    return address.slice(0, value);
  }

  /** The address of the other end. */
  peerOf(socket: number): Uint8Array<ArrayBuffer> {
    const address = bytesOf(SOCKADDR_BYTES);
    const { code, value } = system.getPeerName(socket, address);
    assertEquals(code, 0);
    return address.slice(0, value);
  }

  /** Memory with these bytes. */
  bytes(content: Uint8Array | string): Memory {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const memory = this.memory(Math.max(bytes.length, 4));
    memory.bytes.set(bytes);
    return memory;
  }

  /** The WSABUFs of these, each with its length or as long as it is. */
  vector(...buffers: (Memory | readonly [memory: Memory, byteLength: number])[]): number {
    const vector = this.memory(Math.max(buffers.length, 1) * WSABUF_BYTES);
    buffers.forEach((buffer, index) => {
      const [memory, byteLength] = "address" in buffer ? [buffer, buffer.bytes.length] : buffer;
      vector.words[index * 4] = byteLength;
      setAddress(vector.words, index * 4 + 2, memory.address);
    });
    return vector.address;
  }

  /** Starts by `start` what must be pending, and returns its OVERLAPPED. */
  begin(start: (overlapped: number) => number): Memory {
    const overlapped = this.overlapped();
    assertEquals(start(overlapped.address), ERROR_IO_PENDING);
    return overlapped;
  }

  /** The next packet. */
  take(): RawPacket {
    const entries = this.#entries;
    assertEquals(system.getQueuedCompletionStatus(this.onPort, entries, 30_000), 0);
    const status = entries.status(0);
    return {
      key: entries.key(0),
      overlapped: entries.overlapped(0),
      bytes: entries.bytes(0),
      code: status < 0x80000000 ? 0 : errorOfStatus(status) ?? status,
    };
  }

  /** Whether there is no packet. */
  get isEmpty(): boolean {
    return system.getQueuedCompletionStatus(this.onPort, this.#entries, 0) === 258;
  }

  /** The code and the count of the next packet, which is that of `overlapped`. */
  outcome(overlapped: Memory): [code: number, bytes: number] {
    const packet = this.take();
    assertEquals(packet.overlapped, overlapped.address);
    return [packet.code, packet.bytes];
  }

  /** The outcomes of two operations, whose packets come in whichever order. */
  both(a: Memory, b: Memory): [[code: number, bytes: number], [code: number, bytes: number]] {
    const packets = [this.take(), this.take()];
    const of = ({ address }: Memory): [number, number] => {
      const packet = packets.find(({ overlapped }) => overlapped === address);
      assert(packet !== undefined);
      return [packet.code, packet.bytes];
    };
    return [of(a), of(b)];
  }

  /** Starts and takes the packet. */
  run(start: (overlapped: number) => number): [code: number, bytes: number] {
    return this.outcome(this.begin(start));
  }

  /** Starts an accept into `accepted`. */
  accept(listener: number, accepted: number, first: number = 0): [Memory, room: Memory] {
    const room = this.memory(first + 2 * ACCEPT_ADDRESS_BYTES);
    const [address, each] = [room.address, ACCEPT_ADDRESS_BYTES];
    const begun = this.begin((overlapped) =>
      system.acceptEx(listener, accepted, address, first, each, each, overlapped)
    );
    return [begun, room];
  }

  /** Starts connecting, and sending `first`. */
  connect(socket: number, to: Uint8Array, first: Memory | null = null): Memory {
    const address = this.bytes(to);
    const [from, count] = first === null ? [0, 0] : [first.address, first.bytes.length];
    return this.begin((overlapped) =>
      system.connectEx(socket, address.address, to.length, from, count, overlapped)
    );
  }

  /** Two ends of a connection. Both are told so. */
  pair(family: number = AF_INET): [server: number, client: number] {
    const [listener, address] = this.listener(family);
    const [server, client] = [this.socket(SOCK_STREAM, family), this.socket(SOCK_STREAM, family)];
    const [accepting] = this.accept(listener, server);
    const connecting = this.connect(client, address);
    assertEquals(this.both(accepting, connecting), [[0, 0], [0, 0]]);
    this.update(server, client, listener);
    return [server, client];
  }

  /** Tells the two ends of a connection that they are. */
  update(server: number, client: number, listener: number): void {
    const parent = bytesOf(8);
    new DataView(parent.buffer).setBigUint64(0, BigInt(listener), true);
    assertEquals(system.setSockOpt(server, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, parent), 0);
    const none = bytesOf(0);
    assertEquals(system.setSockOpt(client, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, none), 0);
  }

  /** Starts a receive into `into`. */
  receive(socket: number, into: Memory, flags: number = 0): Memory {
    const [vector, word] = [this.vector(into), this.memory(4)];
    word.words[0] = flags;
    return this.begin((overlapped) => system.wsaRecv(socket, vector, 1, word.address, overlapped));
  }

  /** Starts a send. */
  send(socket: number, content: string | Uint8Array): Memory {
    const vector = this.vector([this.bytes(content), content.length]);
    return this.begin((overlapped) => system.wsaSend(socket, vector, 1, 0, overlapped));
  }
}

/** The first bytes of memory, as text. */
export function textIn({ bytes }: Memory, byteLength: number): string {
  return new TextDecoder().decode(bytes.subarray(0, byteLength));
}

export { AF_INET, AF_INET6 };
