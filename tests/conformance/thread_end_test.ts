/**
 * What a thread held in the moment it ended, and could not give back itself.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { writeFileSync } from "node:fs";
import {
  CompletionPort,
  DeviceHandle,
  FileHandle,
  NativeBuffer,
  type Packet,
  type PortToken,
} from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import {
  Folder,
  isBun,
  itUnless,
  startWorker,
  unlessLinux,
  unlessPending,
  until,
} from "./fixture.ts";

const SHOWN = 0;
const GO = 1;

function newCounts(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(8));
}

function go(counts: Int32Array): void {
  Atomics.store(counts, GO, 1);
  Atomics.notify(counts, GO);
}

/** Buffers and holds there are, once an allocation has made the core look after ended threads. */
function kept(): number[] {
  NativeBuffer.allocate(1).free();
  return [ledger().buffers.count(), ledger().holds.count()];
}

describe("promise 5: the memory of an operation's buffer that another thread shows", () => {
  for (const end of ["return", "throw"] as const) {
    for (const isFreedBefore of [true, false]) {
      const when = isFreedBefore ? "before it was shown" : "since";
      it(`freed here ${when}: it stays until that thread has ended by ${end}, and goes then`, async () => {
        using folder = new Folder();
        using port = new CompletionPort();
        using file = FileHandle.open(folder.file("data.bin", "abc"));
        port.associate(file, 1);
        const before = kept();
        const counts = newCounts();
        const buffer = NativeBuffer.allocate(4096);
        file.read(buffer, 0);
        if (isFreedBefore) buffer.free();
        const worker = startWorker<number[]>("show", { port: port.token, counts, end });
        await until(() => Atomics.load(counts, SHOWN) === 1, "the thread shows the buffer");
        buffer.free();
        assertEquals(kept(), [before[0] + 1, before[1] + 1]);
        go(counts);
        if (end === "throw") await assertRejects(() => worker, Error, "as it was told");
        else assertEquals(await worker, [4096, 97]);
        await until(() => `${kept()}` === `${before}`, "what the ended thread held is given back");
      });
    }
  }

  it("24 threads, one after the other: nothing is left of any", async () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    port.associate(file, 1);
    const before = kept();
    const threads = ledger().threads.count();
    for (let round = 0; round < 24; round++) {
      const counts = newCounts();
      const buffer = NativeBuffer.allocate(4096);
      file.read(buffer, 0);
      buffer.free();
      go(counts);
      const data = { port: port.token, counts, end: "return" };
      assertEquals(await startWorker<number[]>("show", data), [4096, 97]);
    }
    await until(() => `${kept()}` === `${before}`, "what the ended threads held is given back");
    await until(() => {
      kept();
      new CompletionPort().close();
      return ledger().threads.count() <= threads + 1;
    }, "the ended threads have no place");
  });
});

describe("promise 5: operations of a closed port, whose packets a thread may be taking", () => {
  /** A closed port with a read that is done with; `hold` is what another thread does before. */
  async function close(hold: (port: PortToken) => Promise<void>): Promise<void> {
    using folder = new Folder();
    const path = folder.fifo("fifo");
    const port = new CompletionPort();
    using fifo = FileHandle.open(path, { read: true, write: true });
    using buffer = NativeBuffer.allocate(64);
    port.associate(fifo, 1);
    fifo.read(buffer, 0);
    await hold(port.token);
    port.close();
    writeFileSync(path, "abc");
  }

  /** Operations of closed ports, once a port more has made the core look after them. */
  function abandoned(): number {
    using port = new CompletionPort();
    return port.counters.kept;
  }

  itUnless(
    unlessPending,
    "are kept while that thread lives, and given back when it has ended",
    async () => {
      const counts = newCounts();
      const ended: Promise<unknown>[] = [];
      await close(async (port) => {
        ended.push(startWorker("abandon", { port, counts }));
        await until(() => Atomics.load(counts, SHOWN) === 1, "the thread takes");
      });
      for (let again = 0; again < 20; again++) assertEquals(abandoned(), 1);
      go(counts);
      await Promise.all(ended);
      await until(() => abandoned() === 0, "what the closed port kept is given back");
    },
  );

  itUnless(
    !isBun && "Deno does not stop a thread that waits" || unlessPending,
    "are given back when that thread was terminated in its wait",
    async () => {
      await close(async (token) => {
        const url = new URL("./workers/wait.ts", import.meta.url).href;
        const worker = new Worker(url, { type: "module" });
        const closed = new Promise((resolve) => worker.addEventListener("close", resolve));
        worker.onmessage = () => worker.postMessage({ port: token });
        const port = CompletionPort.attach(token);
        await until(() => port.counters.waiting === 1, "the thread waits");
        worker.terminate();
        port.close();
        await closed;
      });
      await until(() => abandoned() === 0, "what the closed port kept is given back");
      assert(ledger().operations.count() === 0);
    },
  );
});

describe("promise 8: an ioctl that a thread was making when it was terminated", () => {
  for (const isClosed of [false, true]) {
    const when = isClosed ? ", its handle closed meanwhile" : "";
    const unless = unlessLinux || !isBun && "Deno does not end the thread that is in the call";
    itUnless(unless, `has its packet, which says that it was cut short${when}`, async () => {
      using port = new CompletionPort();
      using device = DeviceHandle.open("/dev/null");
      port.associate(device, 3);
      const counts = newCounts();
      const worker = new Worker(new URL("./workers/call.ts", import.meta.url).href, {
        type: "module",
      });
      worker.onmessage = () => worker.postMessage({ device: device.token, counts });
      await until(() => Atomics.load(counts, SHOWN) === 1, "the thread is in the call");
      assertEquals(port.get(0), null);
      if (isClosed) device.close();
      worker.terminate();
      let packet: Packet | null = null;
      await until(() => (packet = port.get(1)) !== null, "the packet comes");
      const { key, error, operation } = packet!;
      assertEquals([key, operation?.tag, error?.code], [3, 7, 995]);
      assertEquals(port.get(0), null);
      assertEquals(port.counters.inFlight, 0);
    });
  }
});
