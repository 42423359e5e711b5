import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import {
  Folder,
  GARBAGE_HANDLES,
  isLinux,
  itUnless,
  NO_NUMBERS,
  startWorker,
  until,
} from "./fixture.ts";
import { Raw } from "./raw.ts";
import type { Waited } from "./workers/wait.ts";

const take = system.getQueuedCompletionStatus;

describe("taking one packet, contract", () => {
  it("case 24: a packet: 0, one removed, key, overlapped and bytes written", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    system.postQueuedCompletionStatus(port, 5, 7, 9);
    assertEquals(take(port, entries, Infinity), 0);
    assertEquals(entries.removed, 1);
    assertEquals([entries.key(0), entries.overlapped(0), entries.bytes(0)], [7, 9, 5]);
  });

  it("case 25: nothing taken: the reason is the code, and nothing is written", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    const closed = raw.closed(() => raw.port());
    entries.words.fill(0x3CCCCCCC);
    assertEquals(take(port, entries, 0), 258);
    assertEquals(take(port, entries, 5), 258);
    assertEquals(take(closed, entries, 0), 6);
    assert(entries.words.every((word) => word === 0x3CCCCCCC));
  });

  it("case 26: the packet of a failed operation is taken, with its key, overlapped and status", () => {
    using folder = new Folder();
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    const file = raw.associated(folder.file("data.bin", "abc"), port, 31);
    const [into, overlapped] = [raw.memory(16), raw.overlapped(100)];
    assertEquals(system.readFile(file, into.address, 16, overlapped.address), 997);
    assertEquals(take(port, entries, Infinity), 0);
    assertEquals([entries.key(0), entries.overlapped(0)], [31, overlapped.address]);
    assertEquals([entries.status(0), entries.bytes(0)], [0xC0000011, 0]);
  });

  itUnless(
    "nothing in the contract queues a failure without an OVERLAPPED",
    "case 27: a failed packet whose overlapped is 0",
    () => {},
  );

  it("case 28: a timeout of 0 on an empty port answers at once, one of 50 ms too, with 258", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    assertEquals(take(port, entries, 0), 258);
    assertEquals(take(port, entries, 50), 258);
  });

  it("case 28: a timeout of a fraction of a millisecond is a timeout", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    assertEquals(take(port, entries, 0.25), 258);
  });

  it("case 33: a port that is none: 6", () => {
    using folder = new Folder();
    using raw = new Raw();
    const closed = raw.closed(() => raw.port());
    const file = raw.file(folder.file("data.bin"));
    const entries = raw.entries(1);
    for (const port of [...GARBAGE_HANDLES, closed, file]) {
      assertEquals(take(port, entries, 0), 6, String(port));
      assertEquals(take(port, entries, Infinity), 6, String(port));
    }
  });
});

describe("taking one packet", () => {
  it("case 24: the oldest packet, with what was posted", () => {
    using port = new CompletionPort();
    port.post({ key: 7, bytesTransferred: 5, overlapped: 9 });
    port.post({ key: 8 });
    const packet = port.get();
    assertEquals([packet?.key, packet?.bytesTransferred, packet?.overlapped], [7, 5, 9]);
    assertEquals(port.get()?.key, 8);
  });

  it("case 26: a failed operation is a packet with an error, not an exception", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using port = new CompletionPort();
    using file = FileHandle.open(path);
    using buffer = NativeBuffer.allocate(16);
    port.associate(file, 31);
    const operation = file.read(buffer, 100, 4);
    const packet = port.get();
    assertEquals([packet?.key, packet?.bytesTransferred], [31, 0]);
    assert(packet?.operation === operation);
    const { code, name, call, subject } = packet.error!;
    assertEquals([code, name, call, subject], [38, "ERROR_HANDLE_EOF", "ReadFile", path]);
  });

  it("case 28: null when nothing comes in time", () => {
    using port = new CompletionPort();
    assertEquals([port.get(0), port.get(5), port.get(0.5)], [null, null, null]);
  });

  // What Windows has as 0xFFFFFFFF is Infinity here; every other value is finite, and none is "now".
  for (const timeoutMs of [Infinity, 0x7FFFFFFF, 60_000]) {
    it(`case 29: a thread that may wait ${timeoutMs} ms waits until a packet comes`, async () => {
      using port = new CompletionPort();
      const waiter = startWorker<Waited>("wait", { port: port.token, timeoutMs });
      // Windows does not tell who waits: there the packet may be first, which it may be.
      if (isLinux) await until(() => port.counters.waiting === 1, "a thread waits");
      port.post({ key: 29 });
      assertEquals((await waiter).keys, [29]);
    });
  }

  for (const [name, value] of NO_NUMBERS) {
    it(`case 29: ${name} is no timeout, and the port goes on`, () => {
      using port = new CompletionPort();
      assertThrows(() => port.get(value), RangeError, "Cannot wait");
      assertThrows(() => port.getMany(1, value), RangeError, "Cannot wait");
      assertEquals(port.get(0), null);
      port.post({ key: 29 });
      assertEquals(port.get(0)?.key, 29);
    });
  }

  for (const timeoutMs of [-1, NaN, -Infinity, 2 ** 31]) {
    it(`case 29: a timeout of ${timeoutMs} ms is a RangeError`, () => {
      using port = new CompletionPort();
      port.post({ key: 1 });
      assertThrows(() => port.get(timeoutMs), RangeError);
      assertThrows(() => port.getMany(1, timeoutMs), RangeError);
      assertEquals(port.counters.taken, 0);
    });
  }

  it("case 33: a closed port: Win32Error 6 of the call's name", () => {
    const port = new CompletionPort();
    port.close();
    for (const timeoutMs of [0, 5, Infinity]) {
      const error = assertThrows(() => port.get(timeoutMs), Win32Error);
      assertEquals([error.code, error.call], [6, "GetQueuedCompletionStatus"]);
      const many = assertThrows(() => port.getMany(4, timeoutMs), Win32Error);
      assertEquals([many.code, many.call], [6, "GetQueuedCompletionStatusEx"]);
    }
  });
});
