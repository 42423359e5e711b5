import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { existsSync, writeFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer, type Packet, Win32Error } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import { Folder, itUnless, startWorker, unlessPending, until } from "./fixture.ts";
import { isPending, Raw, statusOf } from "./raw.ts";

/** A port and a FIFO on it, which nobody writes to unless told: reads stay pending. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly path: string = this.folder.fifo("fifo");
  readonly port: CompletionPort = new CompletionPort();
  readonly fifo: FileHandle = FileHandle.open(this.path, { read: true, write: true });
  readonly buffer: NativeBuffer = NativeBuffer.allocate(4096);

  constructor() {
    this.port.associate(this.fifo, 60);
  }

  /** So many packets, by their tags. */
  take(count: number): Map<number, Packet> {
    const packets = new Map<number, Packet>();
    for (let taken = 0; taken < count; taken++) {
      const packet = this.port.get()!;
      packets.set(packet.operation!.tag, packet);
    }
    assertEquals([packets.size, this.port.counters.inFlight, this.port.get(0)], [count, 0, null]);
    return packets;
  }

  [Symbol.dispose](): void {
    this.fifo.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

function assertCancelled(packet: Packet | undefined): void {
  const { code, name, call, errno } = packet!.error!;
  assertEquals([code, name, call], [995, "ERROR_OPERATION_ABORTED", "ReadFile"]);
  assertEquals([errno, packet!.bytesTransferred], [125, 0]); // ECANCELED
}

describe("cancelling", () => {
  itUnless(unlessPending, "case 60: a pending operation: true, and a packet with 995", () => {
    using bench = new Bench();
    const operation = bench.fifo.read(bench.buffer, 0, 1);
    assertEquals(bench.port.get(0), null);
    assertEquals(operation.cancel(), true);
    const packet = bench.take(1).get(1);
    assertCancelled(packet);
    assert(packet?.operation === operation);
    assertEquals(operation.cancel(), false);
  });

  itUnless(unlessPending, "case 60: contract: 0, and the packet's status is 0xC0000120", () => {
    using folder = new Folder();
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(4)];
    const fifo = raw.associated(folder.fifo("fifo"), port, 60);
    const [into, first, second] = [raw.memory(16), raw.overlapped(), raw.overlapped()];
    assertEquals(system.readFile(fifo, into.address, 16, first.address), 997);
    assertEquals(system.readFile(fifo, into.address, 16, second.address), 997);
    assertEquals(system.cancelIoEx(fifo, second.address), 0);
    assertEquals(system.getQueuedCompletionStatus(port, entries, Infinity), 0);
    assertEquals([entries.key(0), entries.overlapped(0)], [60, second.address]);
    assertEquals([entries.status(0), statusOf(second)], [0xC0000120, 0xC0000120]);
    assert(isPending(first));
    assertEquals(system.cancelIoEx(fifo, 0), 0);
    assertEquals(system.getQueuedCompletionStatus(port, entries, Infinity), 0);
    assertEquals(entries.overlapped(0), first.address);
  });

  it("case 61: nothing to cancel: 1168 and false", () => {
    using folder = new Folder();
    using raw = new Raw();
    const path = folder.file("data.bin", "abc");
    const port = raw.port();
    const [plain, file] = [raw.file(path), raw.associated(path, port, 1)];
    for (const handle of [plain, file]) {
      assertEquals(system.cancelIoEx(handle, 0), 1168);
      assertEquals(system.cancelIoEx(handle, raw.overlapped().address), 1168);
      assertEquals(system.cancelIoEx(handle, 12345), 1168);
    }
    using handle = FileHandle.open(path);
    assertEquals(handle.cancel(), false);
  });

  it("case 61: an operation whose packet was taken: false, also when its place serves another", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    port.associate(file, 1);
    const first = file.read(buffer, 0, 1);
    port.get();
    assertEquals(first.cancel(), false);
    file.read(buffer, 0, 2);
    assertEquals(first.cancel(), false);
    const packet = port.get();
    assertEquals([packet?.operation?.tag, packet?.error], [2, null]);
  });

  it("case 61: a closed handle: 6", () => {
    using folder = new Folder();
    const file = FileHandle.open(folder.file("data.bin"));
    file.close();
    assertEquals(assertThrows(() => file.cancel(), Win32Error).code, 6);
  });

  itUnless(unlessPending, "case 62: of a handle: a packet for each of its operations", () => {
    using bench = new Bench();
    for (let tag = 1; tag <= 20; tag++) {
      bench.fifo.read(bench.buffer.subarray(tag, tag + 1), 0, tag);
    }
    assertEquals(bench.fifo.cancel(), true);
    for (const packet of bench.take(20).values()) assertCancelled(packet);
    assertEquals(bench.fifo.cancel(), false);
  });

  itUnless(unlessPending, "case 62: another handle's operations go on", () => {
    using bench = new Bench();
    using other = FileHandle.open(bench.path, { read: true, write: true });
    bench.port.associate(other, 61);
    bench.fifo.read(bench.buffer.subarray(0, 1), 0, 1);
    other.read(bench.buffer.subarray(1, 2), 0, 2);
    assertEquals(bench.fifo.cancel(), true);
    assertCancelled(bench.port.get()!);
    writeFileSync(bench.path, "x");
    const packet = bench.take(1).get(2);
    assertEquals([packet?.key, packet?.error, packet?.bytesTransferred], [61, null, 1]);
  });

  itUnless(unlessPending, "case 63: also what another thread has started", async () => {
    using bench = new Bench();
    const tags = [1, 2];
    await startWorker("start", { file: bench.fifo.token, buffer: bench.buffer.token, tags });
    bench.fifo.read(bench.buffer.subarray(3, 4), 0, 3);
    assertEquals(bench.fifo.cancel(), true);
    for (const packet of bench.take(3).values()) assertCancelled(packet);
  });

  it("case 64: asked of a file's operations: exactly one packet each, whatever it says", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "x".repeat(65536)));
    using buffer = NativeBuffer.allocate(65536);
    port.associate(file, 1);
    for (let round = 0; round < 200; round++) {
      const part = buffer.subarray(0, 1 + round * 300);
      const operations = [0, 1, 2, 3].map((tag) => file.read(part, 0, tag));
      operations[round % 4].cancel();
      operations[round % 4].cancel();
      if (round % 3 === 0) file.cancel();
      const tags: number[] = [];
      while (tags.length < 4) {
        const { operation, error, bytesTransferred } = port.get()!;
        tags.push(operation!.tag);
        if (error === null) assertEquals(bytesTransferred, part.byteLength);
        else assertEquals(error.code, 995);
      }
      assertEquals(tags.sort(), [0, 1, 2, 3]);
    }
    assertEquals([port.counters.inFlight, port.get(0)], [0, null]);
  });

  itUnless(
    unlessPending,
    "case 64: cancelling while the data come: one packet, and no byte lost",
    () => {
      using bench = new Bench();
      let read = 0;
      const rounds = 300;
      for (let round = 0; round < rounds; round++) {
        const operation = bench.fifo.read(bench.buffer.subarray(0, 1), 0, round);
        writeFileSync(bench.path, "x");
        operation.cancel();
        const packet = bench.take(1).get(round)!;
        if (packet.error !== null) assertEquals(packet.error.code, 995);
        read += packet.bytesTransferred;
      }
      if (read < rounds) {
        bench.fifo.read(bench.buffer, 0);
        read += bench.take(1).get(0)!.bytesTransferred;
      }
      assertEquals(read, rounds);
    },
  );

  itUnless(unlessPending, "case 59: closing a file completes what is pending on it", () => {
    using bench = new Bench();
    bench.fifo.read(bench.buffer.subarray(0, 1), 0, 1);
    bench.fifo.read(bench.buffer.subarray(1, 2), 0, 2);
    bench.fifo.close();
    const packets = bench.take(2);
    for (const packet of packets.values()) {
      assertEquals([packet.key, packet.error?.subject], [60, bench.path]);
      assertCancelled(packet);
    }
  });
});

describe("operations of a thread that has ended", () => {
  itUnless(unlessPending, "case 65: they go on, and their packets come with the data", async () => {
    using bench = new Bench();
    const tags = [1, 2, 3];
    const thread = await startWorker<number>("start", {
      file: bench.fifo.token,
      buffer: bench.buffer.token,
      tags,
    });
    await until(() => !existsSync(`/proc/self/task/${thread}`), "the thread has ended");
    assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [3, null]);
    writeFileSync(bench.path, "abc");
    for (const [tag, packet] of bench.take(3)) {
      assertEquals([packet.error, packet.bytesTransferred, packet.key], [null, 1, 60]);
      assert("abc".includes(String.fromCharCode(bench.buffer.bytes[tag])));
    }
    assertEquals([...bench.buffer.bytes.subarray(1, 4)].sort(), [97, 98, 99]);
  });

  itUnless(unlessPending, "case 65: they can be cancelled afterwards", async () => {
    using bench = new Bench();
    const tags = [1, 2];
    await startWorker("start", { file: bench.fifo.token, buffer: bench.buffer.token, tags });
    assertEquals(bench.fifo.cancel(), true);
    for (const packet of bench.take(2).values()) assertCancelled(packet);
  });
});
