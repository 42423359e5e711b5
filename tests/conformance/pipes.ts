/**
 * What the tests of named pipes share: names that nobody else uses, and a port with pipes on it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import process from "node:process";
import {
  CompletionPort,
  NativeBuffer,
  type Packet,
  PipeHandle,
  type PipeOpenOptions,
  type PipeServeOptions,
} from "../../mod.ts";

let names = 0;

/** The name of a pipe that there is not. */
export function freshName(): string {
  return String.raw`\\.\pipe\iocp-test-${process.pid}-${names++}-${Date.now().toString(36)}`;
}

/** Keys of the ends. */
export const SERVER = 1;
export const CLIENT = 2;

/** A port, the name of a pipe, and what is made of both; all of it goes when the block is left. */
export class Pipes {
  readonly port: CompletionPort = new CompletionPort();
  readonly name: string;
  readonly #handles: PipeHandle[] = [];
  readonly #buffers: NativeBuffer[] = [];

  constructor(name: string = freshName()) {
    this.name = name;
  }

  /** An instance on the port. */
  serve(options: PipeServeOptions = {}): PipeHandle {
    const server = PipeHandle.serve(this.name, options);
    this.#handles.push(server);
    this.port.associate(server, SERVER);
    return server;
  }

  /** A client's end on the port. */
  open(options: PipeOpenOptions = {}): PipeHandle {
    const client = PipeHandle.open(this.name, options);
    this.#handles.push(client);
    this.port.associate(client, CLIENT);
    return client;
  }

  /** Both ends of a pipe, connected. */
  pair(options: PipeServeOptions = {}): [server: PipeHandle, client: PipeHandle] {
    const server = this.serve(options);
    server.connect();
    const { type = "byte", read, write } = options;
    const client = this.open({ type, read: write ?? true, write: read ?? true });
    assertEquals(this.take().error, null);
    return [server, client];
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
    const { error, bytesTransferred } = this.take();
    return [error?.code ?? 0, bytesTransferred];
  }

  /** Memory with this text, or of this size. */
  buffer(content: string | number): NativeBuffer {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : null;
    const buffer = NativeBuffer.allocate(bytes?.length ?? content as number);
    if (bytes !== null) buffer.bytes.set(bytes);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Starts a write of this text and takes its packet. */
  write(end: PipeHandle, text: string): void {
    end.write(text === "" ? this.buffer(1).subarray(0, 0) : this.buffer(text));
    assertEquals(this.outcome(), [0, new TextEncoder().encode(text).length]);
  }

  /** Reads up to so many bytes: their text, and the code if it is not 0. */
  read(end: PipeHandle, byteLength: number): string | [text: string, code: number] {
    const into = this.buffer(Math.max(byteLength, 1)).subarray(0, byteLength);
    end.read(into);
    const { error, bytesTransferred } = this.take();
    const text = new TextDecoder().decode(into.bytes.subarray(0, bytesTransferred));
    return error === null ? text : [text, error.code];
  }

  [Symbol.dispose](): void {
    for (const handle of this.#handles) handle.close();
    while (this.port.counters.inFlight > 0) this.take();
    this.port.close();
    for (const buffer of this.#buffers) buffer.free();
  }
}

/** The code of the error that `work` throws; 0 if it throws none. */
export function codeOf(work: () => unknown): number {
  try {
    work();
    return 0;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "number") return code;
    throw error;
  }
}
