/**
 * Packets through the threads of a pool: who takes them, how many run, what happens
 * when one blocks, and what else the port says to threads.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Pool, Win32Error } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import {
  BAD_NUMBERS,
  Folder,
  isWine,
  itUnless,
  unlessConcurrency,
  unlessWaitingIsTold,
  until,
} from "./fixture.ts";
import {
  AWAIT,
  BLOCKING,
  BY_THREAD,
  DONE,
  LAST,
  MODULE,
  MOST,
  SLEEP,
  SPIN,
  STARTED,
  STOPPED,
  TestPool,
} from "./pool.ts";

const unlessCounted = isWine ? unlessConcurrency : unlessWaitingIsTold;

describe("packets of a pool", () => {
  it("1: each of 20,000 packets is handled once, by some thread", async () => {
    await using pool = await TestPool.open({ threads: 4 });
    for (let i = 0; i < 20_000; i++) pool.post({ key: i % 7 });
    // A handler counts before it returns, and the pool only then.
    await until(() => pool.counters.handled === 20_000, "20,000 packets are handled");
    const { failed, threads } = pool.counters;
    assertEquals([pool.count(DONE), failed, threads], [20_000, 0, 4]);
    assertEquals(pool.byThread(4).reduce((sum, one) => sum + one), 20_000);
  });

  it("1: packets posted before the threads have started are handled", async () => {
    using port = new CompletionPort();
    port.post({ key: 1 });
    await using pool = new TestPool({ threads: 1, port });
    pool.post({ key: 2 });
    await pool.done(2);
  });

  it("2: all keys are the user's, and every number that can be posted", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    const numbers = [0, 1, 2, 63, 64, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52, 2 ** 53 - 1];
    for (const key of numbers) {
      for (const overlapped of [0, 1, 64, 65, 66, 2 ** 47, 2 ** 53 - 1]) {
        pool.post({ key, overlapped, bytesTransferred: 0xffff_ffff });
      }
    }
    await pool.done(numbers.length * 7);
    assertEquals(pool.counters.threads, 2);
  });

  it("2: nobody can post a control packet", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const { address, byteLength } = ledger();
    for (const offset of [0, 64, 65, 66, 4095, byteLength - 1]) {
      const post = () => pool.port.post({ overlapped: address + offset });
      assertThrows(post, RangeError, "Cannot post the address");
    }
    assertEquals(await pool.run("add", [1, 2]), 3);
  });

  it("2: nobody but the pool takes from its port", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    assertThrows(() => pool.port.get(0), TypeError, "the port of a pool");
    assertThrows(() => pool.port.getMany(8, 0), TypeError, "the port of a pool");
    await assertRejects(() => pool.run("take"), TypeError, "the port of a pool");
  });

  itUnless(
    unlessWaitingIsTold,
    "case 45: the thread that began to wait last takes the next packet",
    async () => {
      await using pool = await TestPool.open({ threads: 4, concurrency: 4 });
      await pool.waiting(4);
      pool.post({});
      await pool.done(1);
      const warm = pool.count(LAST);
      for (let i = 2; i <= 50; i++) {
        await pool.waiting(4);
        pool.post({});
        await pool.done(i);
      }
      assertEquals(pool.count(BY_THREAD + warm), 50);
    },
  );

  itUnless(
    unlessConcurrency,
    "promise 4: no more run than the concurrency value says",
    async () => {
      await using pool = await TestPool.open({ threads: 6, concurrency: 2 });
      for (let i = 0; i < 3; i++) pool.post({ key: SPIN });
      await pool.begun(2);
      for (let i = 0; i < 500; i++) pool.post({ key: i });
      pool.go();
      await pool.done(503);
      assertLessOrEqual(pool.count(MOST), 2);
    },
  );

  const BLOCKS: [number, string][] = [
    [SLEEP, "sleeps, without a word"],
    [BLOCKING, "says that it blocks"],
    [AWAIT, "awaits a promise"],
  ];
  for (const [key, what] of BLOCKS) {
    itUnless(unlessCounted, `case 51: a thread ${what}: another is released`, async () => {
      await using pool = await TestPool.open({ threads: 2, concurrency: 1 });
      await pool.waiting(2);
      pool.post({ key });
      await pool.begun(1);
      pool.post({});
      await pool.done(1);
      pool.go();
      await pool.done(2);
    });
  }

  for (const [key, what] of BLOCKS) {
    it(`1: packets behind one whose handler ${what} are taken by others`, async () => {
      await using pool = await TestPool.open({ threads: 2 });
      // Quick packets first, so that batches are large.
      for (let i = 0; i < 5000; i++) pool.post({});
      await pool.done(5000);
      for (let i = 0; i < 100; i++) pool.post({ key: i === 0 ? key : 1 });
      await pool.done(5099);
      pool.go();
      await pool.done(5100);
    });
  }

  it("1: a handler that awaits has the event loop, and the others go on", async () => {
    await using pool = await TestPool.open({ threads: 2, concurrency: 2 });
    for (let i = 0; i < 2; i++) pool.post({ key: AWAIT });
    await pool.begun(2);
    await until(() => pool.counters.blocked === 2, "both threads are blocked");
    pool.post({});
    pool.go();
    await pool.done(3);
  });

  it("1: a handler that posts is handled too", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    for (let i = 0; i < 100; i++) await pool.run("post", i);
    await pool.done(100);
  });
});

describe("threads of a pool", () => {
  it("1: there are twice as many as processors, and the port lets so many run", async () => {
    await using pool = await TestPool.open();
    assertEquals(pool.counters.threads, 2 * navigator.hardwareConcurrency);
    assertEquals(pool.port.concurrency, navigator.hardwareConcurrency);
  });

  it("1: each is handed its data, its number and the pool's name", async () => {
    await using pool = await TestPool.open({ threads: 3, name: "three" });
    assertEquals(pool.count(STARTED), 3);
    const [index, name, isClosing] = await pool.run<unknown[]>("thread");
    assert([0, 1, 2].includes(index as number));
    assertEquals([name, isClosing], ["three", false]);
  });

  it("2: one is added, one is retired, and what is queued goes on", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    pool.addThread();
    await until(() => pool.count(STARTED) === 2, "two threads have started");
    for (let i = 0; i < 1000; i++) pool.post({});
    pool.retireThread();
    for (let i = 0; i < 1000; i++) pool.post({});
    await pool.done(2000);
    await until(() => pool.counters.threads === 1, "one thread is left");
    assertThrows(() => pool.retireThread(), RangeError, "last thread");
    assertEquals([pool.count(STOPPED), pool.counters.replaced], [1, 0]);
    assertEquals(await pool.run("add", [1, 2]), 3);
  });

  it("2: a stop packet is taken by exactly one thread", async () => {
    await using pool = await TestPool.open({ threads: 8 });
    for (let i = 0; i < 5000; i++) pool.post({});
    for (let i = 0; i < 5; i++) pool.retireThread();
    for (let i = 0; i < 5000; i++) pool.post({});
    await until(() => pool.counters.threads === 3, "three threads are left");
    await pool.done(10_000);
    assertEquals(pool.count(STOPPED), 5);
    pool.retireThread();
    pool.retireThread();
    assertThrows(() => pool.retireThread(), RangeError, "last thread");
  });

  it("2: a ping is answered by a thread, behind what was queued before", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    for (let i = 0; i < 1000; i++) pool.post({});
    assertEquals(await pool.ping(), 0);
    assertEquals(pool.count(DONE), 1000);
  });

  it("8: counters add up", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    for (let i = 0; i < 1000; i++) pool.post({});
    await Promise.all(Array.from({ length: 1000 }, (_, i) => pool.run("add", [i, i])));
    await pool.done(1000);
    // Behind every packet that called for a task: some come when another thread has run it.
    await pool.ping();
    let counters = pool.counters;
    await until(() => (counters = pool.counters).waiting === 2, "both threads wait again");
    assertEquals([counters.handled, counters.failed, counters.replaced], [2000, 0, 0]);
    assertEquals([counters.queuedPackets, counters.queuedTasks, counters.inFlight], [0, 0, 0]);
    assertEquals([counters.active, counters.blocked, counters.starting], [0, 0, 0]);
    assertEquals(counters.waitTime.count, 62);
    // Of every packet, and of each task whose wait was measured.
    assertEquals(counters.runTime.count, 1000 + 62);
    assert(counters.runTime.medianMs <= counters.runTime.p99Ms);
    assert(counters.runTime.p99Ms <= counters.runTime.maxMs);
  });
});

describe("handles of a pool", () => {
  it("3: packets of a bound handle go to its callback, whatever the key", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    using folder = new Folder();
    using buffer = NativeBuffer.allocate(64);
    const path = folder.file("data.bin", "abc");
    using first = FileHandle.open(path);
    using second = FileHandle.open(path);
    using neither = FileHandle.open(path);
    pool.bind(first, "first");
    pool.bind(second, "second", 2 ** 53 - 1);
    pool.port.associate(neither, 0);
    for (let i = 0; i < 10; i++) first.read(buffer, 0);
    for (let i = 0; i < 20; i++) second.read(buffer, 1);
    for (let i = 0; i < 5; i++) neither.read(buffer, 0);
    pool.post({ key: 0, bytesTransferred: 1 });
    await pool.done(36);
    assertEquals([pool.count(BY_THREAD + 100), pool.count(BY_THREAD + 101)], [30, 40]);
  });

  it("3: a callback that the module has not is an error with the packet", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using folder = new Folder();
    using buffer = NativeBuffer.allocate(64);
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    pool.bind(file, "third", 5);
    file.read(buffer, 1, 77);
    await pool.failed(1);
    const [{ error, packet, hasEnded }] = pool.errors;
    assert(error.message.includes('no callback "third"'), error.message);
    assertEquals([packet?.key, packet?.bytesTransferred, hasEnded], [5, 2, false]);
    assertEquals(packet?.operation, { kind: "read", offset: 1, tag: 77 });
    assertEquals(pool.counters.inFlight, 0);
  });

  it("3: a handle has one port and one callback; a closed one has none", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    pool.bind(file, "first");
    assertThrows(() => pool.bind(file, "second"), Win32Error, "(87)");
    using buffer = NativeBuffer.allocate(64);
    file.read(buffer, 0);
    await pool.done(1);
    assertEquals([pool.count(BY_THREAD + 100), pool.count(BY_THREAD + 101)], [3, 0]);
    file.close();
    assertThrows(() => pool.bind(file, "first"), Win32Error, "(6)");
  });

  it("3: the place of a closed handle does not pass its callback on", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using folder = new Folder();
    using buffer = NativeBuffer.allocate(64);
    const path = folder.file("data.bin", "abc");
    FileHandle.open(path).close();
    const bound = FileHandle.open(path);
    pool.bind(bound, "first");
    const { place } = bound.token;
    bound.close();
    using next = FileHandle.open(path);
    assertEquals(next.token.place, place);
    pool.port.associate(next, 0);
    next.read(buffer, 0);
    await pool.done(1);
    assertEquals(pool.count(BY_THREAD + 100), 0);
  });
});

describe("making a pool", () => {
  it("1: numbers that are none are refused before anything is started", () => {
    const ports = ledger().ports.count();
    for (const value of [...BAD_NUMBERS, 0, 513]) {
      assertThrows(() => new Pool(MODULE, { threads: value }), RangeError, "threads");
    }
    for (const value of [...BAD_NUMBERS, 0]) {
      assertThrows(() => new Pool(MODULE, { maxQueued: value }), RangeError, "maxQueued");
      assertThrows(() => new Pool(MODULE, { maxInFlight: value }), RangeError, "maxInFlight");
    }
    for (const value of [-1, NaN]) {
      assertThrows(() => new Pool(MODULE, { startTimeoutMs: value }), RangeError, "startTimeout");
      assertThrows(() => new Pool(MODULE, { closeTimeoutMs: value }), RangeError, "closeTimeout");
    }
    assertThrows(() => new Pool(MODULE, { data: () => 1 }), DOMException);
    assertEquals(ledger().ports.count(), ports);
  });

  it("1: a port is one pool's, and is given back", async () => {
    using port = new CompletionPort({ concurrency: 3 });
    assertThrows(() => new Pool(MODULE, { port, concurrency: 1 }), TypeError, "concurrency");
    const pool = await TestPool.open({ threads: 1, port });
    assertEquals(pool.port, port);
    assertThrows(() => new Pool(MODULE, { port }), TypeError, "another pool has it");
    await pool.close();
    assertEquals([port.isClosed, port.get(0)], [false, null]);
    port.post({ key: 4 });
    assertEquals(port.get(0)?.key, 4);
    await using again = await TestPool.open({ threads: 1, port });
    assertEquals(await again.run("add", [1, 2]), 3);
  });

  it("1: a closed port is refused", () => {
    const port = new CompletionPort();
    port.close();
    assertThrows(() => new Pool(MODULE, { port }), Win32Error, "(6)");
  });
});
