/**
 * Promise 10: everything has a limit, and reaching it is an error that names it.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { writeFileSync } from "node:fs";
import {
  CompletionPort,
  type CompletionPortOptions,
  FileHandle,
  limits,
  NativeBuffer,
  type ProcessLimits,
  setLimits,
  Win32Error,
} from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { READ, startWith } from "../../src/core/start.ts";
import { system } from "../../src/system/system.ts";
import {
  BAD_NUMBERS,
  Folder,
  itUnless,
  startWorker,
  turn,
  unlessLinux,
  unlessPending,
} from "./fixture.ts";

/** The error of a call that reaches a limit. */
function refusal(call: () => unknown): Win32Error {
  const error = assertThrows(call, Win32Error);
  assertEquals([error.code, error.name], [1450, "ERROR_NO_SYSTEM_RESOURCES"]);
  return error;
}

describe("maxQueued", () => {
  it("a post beyond is refused; each packet that is taken makes room for one", () => {
    using port = new CompletionPort({ maxQueued: 3 });
    for (let key = 0; key < 3; key++) port.post({ key });
    const { message } = refusal(() => port.post({ key: 9 }));
    assertStringIncludes(message, "PostQueuedCompletionStatus failed");
    assertStringIncludes(message, "maxQueued of 3 posted packets is reached");
    assertEquals(port.get(0)?.key, 0);
    port.post({ key: 3 });
    refusal(() => port.post({ key: 9 }));
    assertEquals(port.getMany(10, 0).map(({ key }) => key), [1, 2, 3]);
    assertEquals([port.get(0), port.counters.posted, port.counters.taken], [null, 4, 4]);
    for (let key = 0; key < 3; key++) port.post({ key });
    refusal(() => port.post({ key: 9 }));
  });

  it("the packets of operations are not counted, and always have room", () => {
    using folder = new Folder();
    using port = new CompletionPort({ maxQueued: 1 });
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(64);
    port.associate(file, 7);
    port.post({ key: 1, overlapped: 12 });
    for (let tag = 0; tag < 20; tag++) file.read(buffer, 0, tag);
    file.write(buffer, 0, 20); // Opened for reading: refused, by a packet.
    refusal(() => port.post({ key: 9 }));
    for (let taken = 0; taken < 22;) taken += port.getMany(5).length;
    port.post({ key: 2 });
    refusal(() => port.post({ key: 9 }));
    assertEquals([port.get(0)?.key, port.get(0)], [2, null]);
  });

  it("it holds for all threads of the port together, and none of their packets is lost", async () => {
    using port = new CompletionPort({ maxQueued: 2 });
    const posting = [1, 2, 3].map((poster) =>
      startWorker<number>("press", { port: port.token, first: poster * 1000, count: 300 })
    );
    const keys: number[] = [];
    let most = 0;
    while (keys.length < 900) {
      const packets = port.getMany(64, 0);
      most = Math.max(most, packets.length);
      keys.push(...packets.map(({ key }) => key));
      await turn();
    }
    const refused = (await Promise.all(posting)).reduce((sum, count) => sum + count);
    const expected = [1, 2, 3].flatMap((poster) =>
      Array.from({ length: 300 }, (_, index) => poster * 1000 + index)
    );
    assertEquals(keys.sort((a, b) => a - b), expected);
    assert(most <= 2 && refused > 0, `${most} at once, ${refused} refused`);
  });

  itUnless(unlessLinux, "the port's own bound: the error says how many packets it holds", () => {
    using port = new CompletionPort();
    for (let key = 0; key < limits.MAX_QUEUED; key++) port.post({ key });
    const { message } = refusal(() => port.post({}));
    assertStringIncludes(message, `holds ${limits.MAX_QUEUED} packets`);
    assertEquals(port.counters.queued, limits.MAX_QUEUED);
  });

  itUnless(
    unlessLinux,
    "a port full of posted packets: a start is refused, and nothing kept",
    () => {
      using folder = new Folder();
      using port = new CompletionPort();
      using file = FileHandle.open(folder.file("data.bin", "abc"));
      using buffer = NativeBuffer.allocate(64);
      port.associate(file, 7);
      for (let key = 1; key < limits.MAX_QUEUED; key++) port.post({ key });
      file.read(buffer, 0);
      refusal(() => file.read(buffer, 0));
      refusal(() => port.post({}));
      assertEquals(port.counters.inFlight, 1);
      port.get();
      file.read(buffer, 0);
      assertEquals(port.counters.inFlight, 2);
    },
  );
});

describe("maxInFlight", () => {
  it("a start beyond is refused and nothing started; each packet taken makes room", () => {
    using folder = new Folder();
    using port = new CompletionPort({ maxInFlight: 2 });
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(64);
    port.associate(file, 7);
    for (let round = 0; round < 20; round++) {
      file.read(buffer, 0, 1);
      file.read(buffer, 0, 2);
      const { message, subject } = refusal(() => file.read(buffer, 0, 3));
      assertEquals(subject, file.name);
      assertStringIncludes(message, "ReadFile of ");
      assertStringIncludes(message, "maxInFlight of 2 operations in flight is reached");
      assertEquals(port.counters.inFlight, 2);
      assert(port.get() !== null && port.get() !== null);
      assertEquals([port.get(0), port.counters.inFlight], [null, 0]);
    }
    port.post({ key: 1 });
    assertEquals(port.get()?.key, 1); // Posted packets are not in flight.
  });

  itUnless(unlessPending, "operations that are pending or asked to cancel are in flight", () => {
    using folder = new Folder();
    using port = new CompletionPort({ maxInFlight: 1 });
    const path = folder.fifo("fifo");
    using fifo = FileHandle.open(path, { read: true, write: true });
    using buffer = NativeBuffer.allocate(64);
    port.associate(fifo, 7);
    const operation = fifo.read(buffer, 0);
    refusal(() => fifo.read(buffer, 0));
    operation.cancel();
    refusal(() => fifo.read(buffer, 0));
    assertEquals(port.get()?.error?.code, 995);
    fifo.read(buffer, 0);
    writeFileSync(path, "abc");
    assertEquals(port.get()?.bytesTransferred, 3);
  });

  it("it is the port's own: another port has its own limit, or none", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using narrow = new CompletionPort({ maxInFlight: 1 });
    using wide = new CompletionPort();
    using first = FileHandle.open(path);
    using second = FileHandle.open(path);
    using buffer = NativeBuffer.allocate(64);
    narrow.associate(first, 1);
    wide.associate(second, 2);
    first.read(buffer, 0);
    for (let i = 0; i < 50; i++) second.read(buffer, 0);
    refusal(() => first.read(buffer, 0));
    using attached = CompletionPort.attach(narrow.token);
    assertEquals(attached.get()?.key, 1);
    first.read(buffer, 0);
    assertEquals([narrow.counters.inFlight, wide.counters.inFlight], [1, 50]);
  });
});

describe("options that are none", () => {
  const bad: CompletionPortOptions[] = [
    ...[...BAD_NUMBERS, 0, 2 ** 31].map((maxQueued) => ({ maxQueued })),
    ...[...BAD_NUMBERS, 0, limits.MAX_OPERATIONS + 1].map((maxInFlight) => ({ maxInFlight })),
    ...[...BAD_NUMBERS, 0, 32769].map((submissions) => ({ ring: { submissions } })),
    ...[...BAD_NUMBERS, 0, 65537].map((completions) => ({ ring: { completions } })),
    { ring: { submissions: 8, completions: 4 } },
    { engine: "" as "epoll" },
    { engine: "kqueue" as "epoll" },
    { engine: null as unknown as "epoll" },
  ];
  it("each is a RangeError, and no port is made", () => {
    const { operations: _, ...before } = setLimits();
    setLimits({ ports: 1 });
    try {
      for (const options of bad) {
        const name = Object.keys(options.ring ?? options)[0];
        const error = assertThrows(() => new CompletionPort(options), RangeError);
        assertStringIncludes(error.message, name === "submissions" ? "ring." : name);
      }
      new CompletionPort().close();
    } finally {
      setLimits(before);
    }
  });
});

describe("limits of the process", () => {
  /** So many more than other tests have left in this process. */
  function more(table: "buffers" | "handles" | "ports", count: number): number {
    return ledger()[table].count() + count;
  }

  /** With this limit, until `use` is over. */
  function withLimit(limit: ProcessLimits, use: () => void): void {
    const before = setLimits();
    setLimits(limit);
    try {
      use();
    } finally {
      setLimits(before);
    }
  }

  it("are the constants, unless they are made smaller", () => {
    assertEquals(setLimits(), {
      operations: limits.MAX_OPERATIONS,
      annexes: limits.MAX_ANNEXES,
      handles: limits.MAX_HANDLES,
      buffers: limits.MAX_BUFFERS,
      ports: limits.MAX_PORTS,
      threads: limits.MAX_THREADS,
    });
  });

  it("anything else than 1 to the constant is a RangeError that names it, and changes nothing", () => {
    const before = setLimits();
    for (const name of Object.keys(before) as (keyof ProcessLimits)[]) {
      for (const value of [...BAD_NUMBERS, 0, before[name] + 1]) {
        const error = assertThrows(() => setLimits({ operations: 5, [name]: value }), RangeError);
        assertStringIncludes(error.message, name);
        assertEquals(setLimits(), before);
      }
    }
  });

  it("ports: one more throws; closing one makes room", () => {
    const ports = more("ports", 2);
    withLimit({ ports }, () => {
      using first = new CompletionPort();
      using second = new CompletionPort();
      const reached = `limit of ${ports} open ports is reached`;
      assertThrows(() => new CompletionPort(), RangeError, reached);
      first.close();
      using third = new CompletionPort();
      assert(!second.isClosed && !third.isClosed);
    });
  });

  it("handles: opening one more throws, and leaves nothing open", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    const handles = more("handles", 3);
    withLimit({ handles }, () => {
      using first = FileHandle.open(path);
      using _second = FileHandle.open(path);
      using _third = FileHandle.open(path);
      const open = () => FileHandle.open(path);
      for (let i = 0; i < 50; i++) assertThrows(open, RangeError, `limit of ${handles} open`);
      first.close();
      open().close();
    });
  });

  it("buffers: allocating one more throws; freeing one makes room", () => {
    const buffers = more("buffers", 2);
    withLimit({ buffers }, () => {
      using first = NativeBuffer.allocate(8);
      using _second = NativeBuffer.allocate(8);
      const allocate = () => NativeBuffer.allocate(8);
      assertThrows(allocate, RangeError, `limit of ${buffers} native buffers is reached`);
      first.free();
      allocate().free();
    });
  });

  it("operations: a start beyond throws, on whichever port, and nothing is started", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using port = new CompletionPort();
    using other = new CompletionPort();
    using file = FileHandle.open(path);
    using otherFile = FileHandle.open(path);
    using buffer = NativeBuffer.allocate(64);
    port.associate(file, 1);
    other.associate(otherFile, 2);
    // With a limit this thread keeps no places for its next operations; those that others keep are theirs.
    withLimit({ operations: limits.MAX_OPERATIONS - 1 }, () => {
      file.read(buffer, 0);
      port.get();
    });
    const table = ledger().operations;
    const taken = new Set([...table.taken()].map((at) => table.indexOf(at)));
    let operations = 0;
    for (let free = 0; free < 3; operations++) if (!taken.has(operations)) free++;
    withLimit({ operations }, () => {
      for (let round = 0; round < 20; round++) {
        file.read(buffer, 0);
        otherFile.read(buffer, 0);
        file.read(buffer, 0);
        const reached = `limit of ${operations} operations in flight is reached`;
        assertThrows(() => otherFile.read(buffer, 0), RangeError, reached);
        assertEquals([port.counters.inFlight, other.counters.inFlight], [2, 1]);
        for (let i = 0; i < 2; i++) assertEquals(port.get()?.bytesTransferred, 3);
        assertEquals(other.get()?.bytesTransferred, 3);
      }
    });
  });

  it("annexes: a start with several buffers beyond throws, and nothing is started", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(64);
    using further = NativeBuffer.allocate(64);
    port.associate(file, 1);
    const { address, byteLength } = buffer;
    const start = () =>
      startWith(
        READ,
        file,
        { buffer, further: [further] },
        0,
        (handle, overlapped) => system.readFile(handle, address, byteLength, overlapped),
      );
    withLimit({ annexes: 1 }, () => {
      for (let round = 0; round < 20; round++) {
        start();
        assertThrows(start, RangeError, "limit of 1 operations in flight with several buffers");
        assertEquals(port.counters.inFlight, 1);
        assertEquals([port.get()?.bytesTransferred, port.get(0)], [3, null]);
      }
    });
  });

  it("threads: the first take of one more throws in that thread", async () => {
    using port = new CompletionPort();
    port.get(0);
    const before = setLimits();
    setLimits({ threads: 1 });
    try {
      const error = await startWorker("wait", { port: port.token, timeoutMs: 0 })
        .then(() => "none", String);
      assertStringIncludes(error, "RangeError: The limit of 1 threads that use ports is reached");
    } finally {
      setLimits(before);
    }
  });

  it("what there is when a limit is made smaller stays", () => {
    const limit = more("buffers", 1);
    using buffers = Array.from({ length: 40 }, () => NativeBuffer.allocate(8)).reduce(
      (all, buffer) => (all.use(buffer), all),
      new DisposableStack(),
    );
    withLimit({ buffers: limit }, () => {
      const reached = `limit of ${limit} native buffers`;
      assertThrows(() => NativeBuffer.allocate(8), RangeError, reached);
      buffers.dispose();
      NativeBuffer.allocate(8).free();
    });
  });
});
