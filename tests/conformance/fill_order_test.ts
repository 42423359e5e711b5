/**
 * Which of several operations pending on one stream is carried out first (44).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { writeFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer, type Packet } from "../../mod.ts";
import { Folder, itUnless, startWorker, unlessPending, until } from "./fixture.ts";

/** Bytes that a FIFO holds before a write to it has to wait; pipe(7). */
const CAPACITY = 65536;

/** A port and a FIFO on it. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly path: string = this.folder.fifo("fifo");
  readonly port: CompletionPort = new CompletionPort();
  readonly fifo: FileHandle = FileHandle.open(this.path, { read: true, write: true });
  readonly buffer: NativeBuffer = NativeBuffer.allocate(2 * CAPACITY);

  constructor() {
    this.port.associate(this.fifo, 44);
  }

  /** Starts a read of three bytes into a part of the buffer of its own. */
  read(tag: number): ReturnType<FileHandle["read"]> {
    return this.fifo.read(this.part(tag), 0, tag);
  }

  part(tag: number): NativeBuffer {
    return this.buffer.subarray(tag * 3, tag * 3 + 3);
  }

  /** The next packet: its tag and what was read, or its error's code. */
  take(): string {
    const packet = this.port.get()!;
    return `${packet.operation?.tag}:${packet.error?.code ?? this.text(packet)}`;
  }

  text({ bytesTransferred, operation }: Packet): string {
    return new TextDecoder().decode(operation!.buffer!.bytes.subarray(0, bytesTransferred));
  }

  [Symbol.dispose](): void {
    this.fifo.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

describe("operations pending on one stream", () => {
  itUnless(unlessPending, "case 44: reads are filled in the order they were started", () => {
    using bench = new Bench();
    const letters = "abcdefghijklmnopqrstuvwx";
    for (let count = 2; count <= 8; count++) {
      for (let tag = 0; tag < count; tag++) bench.read(tag);
      writeFileSync(bench.path, letters.slice(0, count * 3));
      const taken = Array.from({ length: count }, () => bench.take());
      const expected = taken.map((_, tag) => `${tag}:${letters.slice(tag * 3, tag * 3 + 3)}`);
      assertEquals(taken, expected);
    }
  });

  itUnless(unlessPending, "case 44: started together, they are filled in that order too", () => {
    using bench = new Bench();
    bench.port.batch(() => {
      for (let tag = 0; tag < 4; tag++) bench.read(tag);
    });
    for (const text of ["abc", "defghi", "jkl"]) writeFileSync(bench.path, text);
    const taken = Array.from({ length: 4 }, () => bench.take());
    assertEquals(taken, ["0:abc", "1:def", "2:ghi", "3:jkl"]);
  });

  const CANCELLED: [which: string, tag: number, rest: string[]][] = [
    ["first", 0, ["1:abc", "2:def"]],
    ["second", 1, ["0:abc", "2:def"]],
    ["last", 2, ["0:abc", "1:def"]],
  ];
  for (const [which, tag, rest] of CANCELLED) {
    itUnless(unlessPending, `case 44, 60: of three reads the ${which} is cancelled`, () => {
      using bench = new Bench();
      const reads = [0, 1, 2].map((tag) => bench.read(tag));
      assertEquals(reads[tag].cancel(), true);
      assertEquals(bench.take(), `${tag}:995`);
      assertEquals([reads[tag].cancel(), bench.port.get(0)], [false, null]);
      writeFileSync(bench.path, "abcdef");
      assertEquals([bench.take(), bench.take()], rest);
      assertEquals(bench.port.counters.inFlight, 0);
    });
  }

  itUnless(unlessPending, "case 59: the file closed with reads pending: a packet for each", () => {
    using bench = new Bench();
    for (let tag = 0; tag < 5; tag++) bench.read(tag);
    bench.fifo.close();
    const taken = Array.from({ length: 5 }, () => bench.take()).sort();
    assertEquals(taken, ["0:995", "1:995", "2:995", "3:995", "4:995"]);
    assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
  });

  itUnless(
    unlessPending,
    "case 44: writes to a full pipe go on in the order of their starts",
    () => {
      using bench = new Bench();
      const from = bench.buffer.subarray(CAPACITY);
      from.bytes.forEach((_, index, bytes) => bytes[index] = 97 + (index >>> 12));
      bench.fifo.write(from, 0, 9);
      assertEquals(bench.port.get()?.bytesTransferred, CAPACITY);
      for (let tag = 0; tag < 4; tag++) {
        bench.fifo.write(from.subarray(tag << 12, tag + 1 << 12), 0, tag);
      }
      assertEquals(bench.port.get(0), null);
      const into = bench.buffer.subarray(0, 4096);
      const tags: number[] = [];
      let seen = "";
      for (let block = 0; block < 20; block++) {
        bench.fifo.read(into, 0, 10);
        for (
          let packet = bench.port.get();
          packet?.operation?.tag !== 10;
          packet = bench.port.get()
        ) {
          tags.push(packet!.operation!.tag);
        }
        assert(into.bytes.every((byte) => byte === into.bytes[0]), "a block of one write");
        seen += String.fromCharCode(into.bytes[0]);
      }
      assertEquals([tags, seen], [[0, 1, 2, 3], "abcdefghijklmnopabcd"]);
    },
  );

  itUnless(unlessPending, "a pending read does not hold up a write to the same stream", () => {
    using bench = new Bench();
    bench.read(0);
    const from = bench.part(5);
    from.bytes.set([120, 121, 122]);
    bench.fifo.write(from, 0, 7);
    assertEquals([bench.take(), bench.take()].sort(), ["0:xyz", "7:xyz"]);
  });

  itUnless(unlessPending, "a FIFO has no end before its first writer has come and gone", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(16);
    const path = folder.fifo("fifo");
    using reader = FileHandle.open(path);
    port.associate(reader, 1);
    reader.read(buffer, 0, 1);
    assertEquals(port.get(50), null);
    const writer = FileHandle.open(path, { write: true });
    port.associate(writer, 2);
    const from = buffer.subarray(8, 11);
    from.bytes.set([97, 98, 99]);
    writer.write(from, 0, 2);
    const tags = [port.get(), port.get()].map((packet) => packet?.operation?.tag);
    assertEquals(tags.sort(), [1, 2]);
    assertEquals(new TextDecoder().decode(buffer.bytes.subarray(0, 3)), "abc");
    reader.read(buffer, 0, 3);
    assertEquals(port.get(0), null);
    writer.close();
    assertEquals(port.get()?.error?.code, 109);
    reader.read(buffer, 0, 4);
    assertEquals(port.get()?.error?.code, 109);
  });

  itUnless(
    unlessPending,
    "case 44, 65: reads whose thread has ended are filled in the order of their starts",
    async () => {
      using bench = new Bench();
      const { token } = bench.buffer;
      const data = { file: bench.fifo.token, buffer: token, tags: [0, 1, 2, 3, 4] };
      await startWorker<number>("start", data);
      writeFileSync(bench.path, "abcde");
      const tags: (number | undefined)[] = [];
      await until(() => {
        const packet = bench.port.get(0);
        if (packet !== null) tags.push(packet.error?.code ?? packet.operation?.tag);
        return tags.length === 5;
      }, "all five packets come");
      assertEquals(tags, [0, 1, 2, 3, 4]);
      assertEquals(new TextDecoder().decode(bench.buffer.bytes.subarray(0, 5)), "abcde");
    },
  );
});
