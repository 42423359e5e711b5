/**
 * What the tests of serial lines share: a line, the other end of its cable, and a port.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  CompletionPort,
  NativeBuffer,
  type Operation,
  type Packet,
  SerialHandle,
  type SerialOptions,
} from "../../mod.ts";
import { isWindows } from "./fixture.ts";
import { Pty } from "./pty.ts";

/** Why a test that needs a serial line is skipped. */
export const unlessPty: string | false = isWindows &&
  "needs a pseudo-terminal; Windows has none";

/** A serial line, its other end, and a port. */
export class SerialBench {
  readonly pty: Pty = new Pty();
  readonly port: CompletionPort = new CompletionPort();
  readonly line: SerialHandle;
  readonly buffer: NativeBuffer = NativeBuffer.allocate(65536);

  constructor(options?: SerialOptions) {
    this.line = SerialHandle.open(this.pty.path, options);
    this.port.associate(this.line, 3);
  }

  /** The next packet, which is of `operation`. */
  packetOf(operation: Operation): Packet {
    const packet = this.port.get(20_000);
    assert(packet?.operation === operation, `${packet?.operation?.kind}`);
    assertEquals(packet.key, 3);
    return packet;
  }

  /** What a read has come to, as text. */
  textOf(operation: Operation): string {
    const { error, bytesTransferred } = this.packetOf(operation);
    assertEquals(error, null);
    return new TextDecoder().decode(operation.buffer!.bytes.subarray(0, bytesTransferred));
  }

  /** Starts a write of `text`. */
  write(text: string): Operation {
    const part = this.buffer.subarray(60_000, 60_000 + text.length);
    part.bytes.set(new TextEncoder().encode(text));
    return this.line.write(part);
  }

  /** What a wait has come to. */
  eventsOf(operation: Operation): number {
    const packet = this.packetOf(operation);
    assertEquals([packet.error, packet.bytesTransferred], [null, 4]);
    return SerialHandle.events(packet);
  }

  /** A write and a wait, whose packets come in any order. */
  assertBoth(write: Operation, wait: Operation, events: number): void {
    const packets = [this.port.get(20_000)!, this.port.get(20_000)!];
    assertEquals(new Set(packets.map(({ operation }) => operation)), new Set([write, wait]));
    const packet = packets.find(({ operation }) => operation === wait)!;
    assertEquals([packet.error, SerialHandle.events(packet)], [null, events]);
  }

  nothingComes(): void {
    assertEquals(this.port.get(30), null);
  }

  [Symbol.dispose](): void {
    this.line.close();
    this.pty.close();
    this.port.close();
    this.buffer.free();
  }
}
