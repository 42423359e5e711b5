import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { INVALID_HANDLE_VALUE, system } from "../../src/system/system.ts";
import { Folder, itUnless, startWorker, turn, unlessWaitingIsTold, until } from "./fixture.ts";
import { isPending, Raw, statusOf } from "./raw.ts";
import type { Visited } from "./workers/visit.ts";
import type { Waited } from "./workers/wait.ts";

/** Threads that wait on a port in all the ways there are. */
const WAYS = [{}, { max: 8 }, { timeoutMs: 600_000 }, { max: 8, timeoutMs: 600_000 }];

describe("closing a port", () => {
  itUnless(
    unlessWaitingIsTold,
    "case 53, promise 7: every waiting thread wakes with 735",
    async () => {
      using port = new CompletionPort();
      const waiters = WAYS.map((way) => startWorker<Waited>("wait", { ...way, port: port.token }));
      await until(() => port.counters.waiting === WAYS.length, "all threads wait");
      port.close();
      for (const [index, waited] of (await Promise.all(waiters)).entries()) {
        const suffix = WAYS[index].max === undefined ? "" : "Ex";
        const call = `GetQueuedCompletionStatus${suffix}`;
        assertEquals(waited, { keys: [], code: 735, call });
      }
    },
  );

  it("cases 53, 33: of threads coming to a closing port none hangs: 735, or 6 if too late", async () => {
    using port = new CompletionPort();
    const arrived = new Int32Array(new SharedArrayBuffer(4));
    const data = { port: port.token, arrived };
    const waiters = WAYS.map((way) => startWorker<Waited>("arrive", { ...way, ...data }));
    await until(() => Atomics.load(arrived, 0) === WAYS.length, "all threads are about to wait");
    port.close();
    for (const { keys, code } of await Promise.all(waiters)) {
      assertEquals(keys, []);
      assert(code === 735 || code === 6, `code ${code}`);
    }
  });

  itUnless(
    unlessWaitingIsTold,
    "case 55: files that are still associated do not keep waiters waiting",
    async () => {
      using folder = new Folder();
      using port = new CompletionPort();
      using file = FileHandle.open(folder.file("data.bin", "abc"));
      port.associate(file, 1);
      const waiter = startWorker<Waited>("wait", { port: port.token });
      await until(() => port.counters.waiting === 1, "a thread waits");
      port.close();
      assertEquals((await waiter).code, 735);
      assertEquals(file.size(), 3);
    },
  );

  it("case 56: an operation begun after the port was closed runs and updates its OVERLAPPED", async () => {
    using folder = new Folder();
    using raw = new Raw();
    const port = raw.port();
    const file = raw.associated(folder.file("data.bin", "abc"), port, 1);
    const [into, overlapped] = [raw.memory(16), raw.overlapped()];
    raw.close(port);
    assertEquals(system.readFile(file, into.address, 16, overlapped.address), 997);
    await until(() => {
      // On Linux nobody waits in the port's ring any more: it is looked after by calls on others.
      system.closeHandle(system.createIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, 0).value);
      return !isPending(overlapped);
    }, "the read is over");
    assertEquals([statusOf(overlapped), overlapped.words[2]], [0, 3]);
    assertEquals([...into.bytes.subarray(0, 3)], [97, 98, 99]);
  });

  it("case 57: queued packets are dropped, and the handle is no handle: 6 for every call", () => {
    using folder = new Folder();
    using raw = new Raw();
    const entries = raw.entries(4);
    const file = raw.file(folder.file("data.bin"));
    const port = raw.closed(() => {
      const port = raw.port();
      for (let key = 1; key <= 3; key++) system.postQueuedCompletionStatus(port, 0, key, 0);
      return port;
    });
    const state = { queued: 0, active: null, waiting: null, posted: null, taken: null };
    const codes = {
      get: system.getQueuedCompletionStatus(port, entries, 0),
      getMany: system.getQueuedCompletionStatusEx(port, entries, 4, 0),
      post: system.postQueuedCompletionStatus(port, 0, 1, 0),
      query: system.queryIoCompletion(port, state),
      associate: system.createIoCompletionPort(file, port, 1, 0).code,
      cancel: system.cancelIoEx(port, 0),
      close: system.closeHandle(port),
    };
    for (const [call, code] of Object.entries(codes)) assertEquals(code, 6, call);
  });

  it("case 57: a new port has none of the packets of a closed one", () => {
    for (let round = 0; round < 50; round++) {
      using port = new CompletionPort();
      assertEquals([port.counters.queued, port.get(0)], [0, null]);
      for (let key = 1; key <= 200; key++) port.post({ key });
    }
  });

  it("case 57: closing again does nothing, also not to a port made since", () => {
    const first = new CompletionPort();
    first.close();
    using second = new CompletionPort();
    first.close();
    assertEquals([first.isClosed, second.isClosed], [true, false]);
    second.post({ key: 5 });
    for (const call of [() => first.post({ key: 1 }), () => first.get(0), () => first.getMany(1)]) {
      assertEquals(assertThrows(call, Win32Error).code, 6);
    }
    assertEquals(second.get(0)?.key, 5);
  });

  it("case 57: a thread that waits on a port as it is closed takes nothing of one made since", async () => {
    const shown = new Int32Array(new SharedArrayBuffer(16));
    const visitors = Array.from({ length: 2 }, () => startWorker<Visited>("visit", { shown }));
    const rounds = 300;
    for (let round = 1; round <= rounds; round++) {
      using port = new CompletionPort();
      const { place, generation } = port.token;
      Atomics.store(shown, 0, 0); // Who reads between here and there attaches what never was.
      Atomics.store(shown, 1, place);
      Atomics.store(shown, 2, generation);
      Atomics.store(shown, 0, round);
      Atomics.notify(shown, 0);
      for (let i = 0; i < 2; i++) port.post({ key: round });
      // Closed at any moment: when nobody has come yet, or in the middle of somebody's take.
      if (round % 3 > 0) await turn();
    }
    Atomics.store(shown, 0, -1);
    Atomics.notify(shown, 0);
    for (const { foreign, codes } of await Promise.all(visitors)) {
      assertEquals(foreign, []);
      assertEquals(codes.filter((code) => code !== 6 && code !== 735), []);
    }
  });

  it("case 57: the counters of a closed port are those of no other", () => {
    const first = new CompletionPort();
    first.post({ key: 1 });
    first.close();
    using second = new CompletionPort();
    for (let key = 1; key <= 3; key++) second.post({ key });
    assertEquals([first.counters.queued, first.counters.inFlight], [0, 0]);
    assertEquals(second.counters.queued, 3);
  });

  it("case 58: a packet that is queued survives the closing of its file", async () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(16);
    const file = FileHandle.open(folder.file("data.bin", "abc"));
    port.associate(file, 58);
    file.read(buffer, 0, 7);
    await until(() => port.counters.queued === 1, "the packet is queued");
    file.close();
    const packet = port.get();
    assertEquals([packet?.key, packet?.bytesTransferred, packet?.error], [58, 3, null]);
    assertEquals(packet?.operation?.tag, 7);
  });

  it("promise 1: a file whose port is closed starts nothing: 6, with the path", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using file = FileHandle.open(path);
    using buffer = NativeBuffer.allocate(16);
    {
      using port = new CompletionPort();
      port.associate(file, 1);
    }
    using other = new CompletionPort();
    const error = assertThrows(() => file.read(buffer, 0), Win32Error);
    assertEquals([error.code, error.call], [6, "ReadFile"]);
    assertStringIncludes(error.message, path);
    assertEquals([other.counters.queued, other.counters.kept, other.get(0)], [0, 0, null]);
  });

  it("promise 7: leaving the block of an attached port leaves the port open", () => {
    using port = new CompletionPort();
    {
      using _attached = CompletionPort.attach(port.token);
    }
    port.post({ key: 1 });
    assertEquals(port.get(0)?.key, 1);
  });

  it("promise 7: what one thread closes is closed for all", () => {
    using port = new CompletionPort();
    const attached = CompletionPort.attach(port.token);
    attached.close();
    assertEquals([port.isClosed, attached.isClosed], [true, true]);
    assertEquals(assertThrows(() => port.post({ key: 1 }), Win32Error).code, 6);
    assertThrows(() => CompletionPort.attach(port.token), TypeError);
  });
});
