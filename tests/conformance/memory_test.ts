import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { writeFileSync } from "node:fs";
import { CompletionPort, FileHandle, type HandleToken, NativeBuffer } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { system } from "../../src/system/system.ts";
import {
  Folder,
  isWindows,
  itUnless,
  startWorker,
  unlessLinux,
  unlessPending,
  until,
} from "./fixture.ts";
import { mappings } from "./handles.ts";
import { isPending, Raw } from "./raw.ts";

/** What the core keeps, by kind. */
function kept(): number[] {
  const { operations, handles, buffers, ports } = ledger();
  return [operations, handles, buffers, ports].map((table) => table.count());
}

/** Whether memory is mapped at `address`; Linux. */
function isMapped(address: number): boolean {
  return mappings().some((line) => {
    const [begin, end] = line.split(" ")[0].split("-").map((hex) => parseInt(hex, 16));
    return begin <= address && address < end;
  });
}

/** Lets the core look after what closed ports have kept, until that is nothing. */
async function untilRecovered(): Promise<void> {
  await until(() => {
    using port = new CompletionPort();
    return port.counters.kept === 0;
  }, "what closed ports kept is given back");
}

describe("promise 5: the kernel is an owner", () => {
  it("a buffer freed while its operation is in flight: the packet comes, the memory goes then", () => {
    using folder = new Folder();
    const before = kept();
    {
      using port = new CompletionPort();
      using file = FileHandle.open(folder.file("data.bin", "abc"));
      port.associate(file, 1);
      const buffer = NativeBuffer.allocate(4096);
      const { bytes } = buffer;
      file.read(buffer, 0, 3);
      buffer.free();
      assertEquals([bytes.length, buffer.isFreed], [0, true]);
      assertEquals(kept()[2], before[2] + 1);
      const packet = port.get();
      assertEquals([packet?.bytesTransferred, packet?.operation?.tag], [3, 3]);
      assertEquals(kept()[2], before[2]);
    }
    assertEquals(kept(), before);
  });

  itUnless(
    unlessPending,
    "a freed buffer stays mapped while a read is pending, and no longer",
    () => {
      using folder = new Folder();
      using port = new CompletionPort();
      const path = folder.fifo("fifo");
      using fifo = FileHandle.open(path, { read: true, write: true });
      port.associate(fifo, 1);
      const buffer = NativeBuffer.allocate(1 << 20);
      const { address } = buffer;
      fifo.read(buffer, 0);
      buffer.free();
      assert(isMapped(address));
      writeFileSync(path, "abc");
      assertEquals(port.get()?.bytesTransferred, 3);
      assert(!isMapped(address));
    },
  );

  itUnless(
    unlessPending,
    "the token of a buffer freed in its thread still serves while in use",
    () => {
      using folder = new Folder();
      using port = new CompletionPort();
      using fifo = FileHandle.open(folder.fifo("fifo"), { read: true, write: true });
      port.associate(fifo, 1);
      const buffer = NativeBuffer.allocate(64);
      const { token } = buffer;
      const operation = fifo.read(buffer, 0);
      buffer.free();
      using attached = NativeBuffer.attach(token);
      attached.bytes.fill(7);
      operation.cancel();
      assertEquals(port.get()?.error?.code, 995);
      assertEquals(attached.bytes[63], 7);
    },
  );

  it("a port closed with packets not taken: what they used is given back", async () => {
    using folder = new Folder();
    const before = kept();
    {
      using port = new CompletionPort();
      using file = FileHandle.open(folder.file("data.bin", "abc"));
      using buffer = NativeBuffer.allocate(4096);
      port.associate(file, 1);
      for (let tag = 0; tag < 20; tag++) file.read(buffer, 0, tag);
      assertEquals(port.counters.inFlight, 20);
    }
    await untilRecovered();
    assertEquals(kept(), before);
  });

  it("a port closed with packets in its queue: what they used is given back", async () => {
    using folder = new Folder();
    const before = kept();
    {
      using port = new CompletionPort();
      using file = FileHandle.open(folder.file("data.bin", "abc"));
      using buffer = NativeBuffer.allocate(4096);
      port.associate(file, 1);
      for (let tag = 0; tag < 20; tag++) file.read(buffer, 0, tag);
      await until(() => port.counters.queued === 20, "all packets are queued");
      assertEquals(port.get()?.error, null);
    }
    await untilRecovered();
    assertEquals(kept(), before);
  });

  itUnless(
    unlessPending,
    "a port closed with a read pending: kept, counted, recovered",
    async () => {
      using folder = new Folder();
      const before = kept();
      const path = folder.fifo("fifo");
      using other = new CompletionPort();
      const port = new CompletionPort();
      const fifo = FileHandle.open(path, { read: true, write: true });
      const buffer = NativeBuffer.allocate(1 << 20);
      const { address } = buffer;
      port.associate(fifo, 1);
      fifo.read(buffer, 0);
      port.close();
      buffer.free();
      assertEquals(other.counters.kept, 1);
      assert(isMapped(address));
      // Other ports and buffers come and go meanwhile: none of them gets its memory.
      for (let i = 0; i < 20; i++) {
        using another = new CompletionPort();
        using more = NativeBuffer.allocate(1 << 20);
        assert(more.address !== address && another.counters.kept === 1);
      }
      writeFileSync(path, "abc");
      await untilRecovered();
      assert(!isMapped(address));
      fifo.close();
      other.close();
      assertEquals(kept(), before);
    },
  );

  itUnless(unlessPending, "a port and then its file closed with a read pending", async () => {
    using folder = new Folder();
    const before = kept();
    const port = new CompletionPort();
    const fifo = FileHandle.open(folder.fifo("fifo"), { read: true, write: true });
    const buffer = NativeBuffer.allocate(4096);
    port.associate(fifo, 1);
    fifo.read(buffer, 0);
    port.close();
    fifo.close();
    buffer.free();
    await untilRecovered();
    assertEquals(kept(), before);
  });

  it("a file closed by one thread while another starts on it: each start counts or throws", async () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    const rounds = isWindows ? 40 : 200;
    const before = kept();
    {
      using port = new CompletionPort();
      using turns = new CompletionPort();
      using buffer = NativeBuffer.allocate(64);
      const files = Array.from({ length: rounds }, () => FileHandle.open(path));
      files.forEach((file) => port.associate(file, 1));
      const tokens: HandleToken[] = files.map(({ token }) => token);
      const counts = new Int32Array(new SharedArrayBuffer(16));
      const [started, done, taken, failed] = [0, 1, 2, 3];
      const takeWhile = async (isWorking: () => boolean) => {
        while (isWorking()) {
          Atomics.add(counts, taken, port.getMany(64, 1).length);
          if (Atomics.load(counts, failed) > 0) await worker;
        }
      };
      const data = { port: turns.token, files: tokens, buffer: buffer.token, counts };
      const worker = startWorker<number>("use", data);
      // The first file is closed before its turn: when that is noticed, the Worker runs.
      files[0].close();
      turns.post({ key: 1 });
      await until(() => Atomics.load(counts, done) === 1, "the Worker runs");
      for (let index = 1; index < rounds; index++) {
        const seen = Atomics.load(counts, started);
        turns.post({ key: index + 1 });
        // Closed somewhere after its 50th read or before.
        await takeWhile(() => Atomics.load(counts, started) - seen <= index % 50);
        files[index].close();
        // What is opened now may get the closed file's place and number.
        using another = FileHandle.open(path);
        assertEquals(another.size(), 3);
        await takeWhile(() => Atomics.load(counts, done) <= index);
      }
      turns.post({ key: 0 });
      assertEquals(await worker, rounds);
      await until(() => {
        Atomics.add(counts, taken, port.getMany(64, 1).length);
        return port.counters.inFlight === 0;
      }, "nothing is in flight");
      assertEquals(counts[taken], counts[started]);
    }
    // What the Worker has over is given back once it is seen to have ended: by whoever makes a port.
    await until(() => {
      new CompletionPort().close();
      return `${kept()}` === `${before}`;
    }, () => `${kept()} are kept, as before: ${before}`);
  });
});

describe("promise 6: the status block follows the packet", () => {
  itUnless(
    unlessLinux,
    "case 31: an operation reads as pending until its packet is taken",
    async () => {
      using folder = new Folder();
      using raw = new Raw();
      const [port, entries] = [raw.port(), raw.entries(1)];
      const file = raw.associated(folder.file("data.bin", "abc"), port, 1);
      const into = raw.memory(16);
      const all = Array.from({ length: 5 }, () => raw.overlapped());
      for (const { address } of all) {
        assertEquals(system.readFile(file, into.address, 16, address), 997);
      }
      const state = { queued: 0, active: null, waiting: null, posted: null, taken: null };
      await until(() => {
        system.queryIoCompletion(port, state);
        return state.queued === all.length;
      }, "all packets are queued");
      for (let taken = 1; taken <= all.length; taken++) {
        assertEquals(all.filter(isPending).length, all.length - taken + 1);
        assertEquals(system.getQueuedCompletionStatus(port, entries, 0), 0);
        const own = all.find(({ address }) => address === entries.overlapped(0))!;
        assertEquals([own.words[0], own.words[2]], [0, 3]);
      }
      assertEquals(all.filter(isPending), []);
    },
  );
});
