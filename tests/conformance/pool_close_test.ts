/**
 * The end of a pool, from each state: it comes back, and says what came of everything.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { writeFileSync } from "node:fs";
import {
  CompletionPort,
  FileHandle,
  NativeBuffer,
  PoolClosedError,
  type PoolReport,
  Win32Error,
} from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { Folder, isWine, itUnless, unlessPending } from "./fixture.ts";
import { chooseSeed, randomFrom } from "./random.ts";
import {
  AWAIT,
  BEGUN,
  BLOCKING,
  EXIT,
  RUNNING,
  SLEEP,
  STARTED,
  STOPPED,
  TestPool,
  THROW,
} from "./pool.ts";

/** A report of a pool in which nothing was out of the ordinary. */
function plain(taken: number): PoolReport {
  return { taken, failed: 0, cancelled: 0, dropped: 0, notRecalled: 0, threadsLeft: 0 };
}

/** Closes a pool that gets so many milliseconds; then all is called back, and comes, however slow the machine is. */
function inTime(pool: TestPool, timeoutMs: number): Promise<PoolReport> {
  return pool.close({ timeoutMs, recallTimeoutMs: Infinity });
}

describe("closing a pool", () => {
  it("6: an idle one", async () => {
    const pool = await TestPool.open({ threads: 3 });
    assertEquals(await pool.end(), plain(0));
    assertEquals([pool.count(STARTED), pool.count(STOPPED)], [3, 3]);
    assert(pool.port.isClosed);
  });

  it("6: one whose threads have not started", async () => {
    const pool = new TestPool({ threads: 2 });
    assertEquals(await pool.end(), plain(0));
    assertEquals(pool.count(STOPPED), 2);
    await pool.ready.catch(() => {}); // Its threads may have come so far.
  });

  it("6: a busy one: what is queued is done first", async () => {
    const pool = await TestPool.open({ threads: 2 });
    for (let i = 0; i < 5000; i++) pool.post({ key: i % 100 });
    const runs = Array.from({ length: 1000 }, (_, i) => pool.run<number>("add", [i, 1]));
    const report = await pool.end();
    assertEquals(report, plain(6000));
    assertEquals(await Promise.all(runs), runs.map((_, i) => i + 1));
    assertEquals(pool.count(RUNNING), 0);
  });

  it("6: what handlers post and start meanwhile is done too", async () => {
    const pool = await TestPool.open({ threads: 2 });
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    pool.bind(file, "first");
    const runs = [
      ...Array.from({ length: 50 }, (_, i) => pool.run("post", i)),
      ...Array.from({ length: 50 }, () => pool.run("read", file.token)),
    ];
    const report = await pool.end();
    await Promise.all(runs);
    assertEquals(report, plain(200));
    assertEquals(pool.count(BEGUN), 100);
  });

  for (const [key, how] of [[SLEEP, "sleeps"], [BLOCKING, "blocks"], [AWAIT, "awaits"]] as const) {
    it(`6: one with a thread that ${how}: it is waited for`, async () => {
      const pool = await TestPool.open({ threads: 2 });
      pool.post({ key });
      await pool.begun(1);
      const closing = pool.end();
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      assertEquals(pool.count(STOPPED), 0);
      pool.go();
      assertEquals(await closing, plain(1));
    });
  }

  it("6: one whose threads die meanwhile: others do what is left", async () => {
    const pool = await TestPool.open({ threads: 2 });
    for (let i = 0; i < 500; i++) pool.post({ key: i % 250 === 100 ? EXIT : 1 });
    const report = await pool.end();
    assertEquals([report.taken, report.dropped, report.threadsLeft], [498, 0, 0]);
    assertEquals([pool.count(BEGUN), pool.errors.length], [500, 2]);
  });

  it("6: one whose threads die with tasks: the others run", async () => {
    const pool = await TestPool.open({ threads: 2 });
    const runs = Array.from({ length: 40 }, (_, i) => pool.run("act", i % 20 === 10 ? EXIT : 1));
    const ends = Promise.allSettled(runs);
    const report = await pool.end();
    assertEquals([report.taken, report.dropped, report.threadsLeft], [38, 0, 0]);
    assertEquals((await ends).filter(({ status }) => status === "rejected").length, 2);
  });

  itUnless(
    unlessPending,
    "6: one with a read that somebody answers: it is waited for",
    async () => {
      using folder = new Folder();
      const path = folder.fifo("pipe");
      const pool = await TestPool.open({ threads: 2 });
      using file = FileHandle.open(path, { read: true, write: true });
      using buffer = NativeBuffer.allocate(8);
      pool.bind(file, "first");
      file.read(buffer, 0);
      const closing = pool.end();
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      assertEquals([pool.count(STOPPED), pool.counters.inFlight], [0, 1]);
      writeFileSync(path, "abc");
      assertEquals(await closing, plain(1));
    },
  );

  it("6: what failed is counted", async () => {
    const pool = await TestPool.open({ threads: 2 });
    for (let i = 0; i < 10; i++) pool.post({ key: THROW });
    assertEquals(await pool.end(), { ...plain(10), failed: 10 });
  });

  it("6: no new work is taken; closing again gives the same report", async () => {
    const pool = await TestPool.open({ threads: 1 });
    const closing = pool.close();
    assertThrows(() => pool.post({}), PoolClosedError);
    assertThrows(() => pool.addThread(), PoolClosedError);
    assertThrows(() => pool.retireThread(), PoolClosedError);
    await assertRejects(() => pool.run("add", [1, 2]), PoolClosedError);
    assertEquals(await pool.close({ timeoutMs: 0 }), await closing);
    // Who waits for room learns the rest from what comes next.
    await pool.room;
    assertThrows(() => pool.post({}), PoolClosedError);
    assertEquals(pool.counters.threads, 0);
  });

  it("6: a time that is none is refused", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    for (const timeoutMs of [-1, NaN]) {
      assertThrows(() => pool.close({ timeoutMs }), RangeError, "timeoutMs");
      assertThrows(() => pool.close({ recallTimeoutMs: timeoutMs }), RangeError, "recallTimeoutMs");
    }
    assertEquals(await pool.run("add", [1, 2]), 3);
  });

  it("6: the user's handles and port stay the user's", async () => {
    using port = new CompletionPort();
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    const pool = await TestPool.open({ threads: 1, port });
    pool.bind(file, "first", 6);
    await pool.end();
    file.read(buffer, 0);
    const packet = port.get();
    assertEquals([packet?.key, packet?.bytesTransferred], [6, 3]);
  });
});

describe("closing a pool in time", () => {
  it("6: tasks that have not begun are taken out, one that runs is told", async () => {
    const pool = await TestPool.open({ threads: 1, concurrency: 1 });
    const running = pool.run("pollAborted");
    await pool.begun(1);
    const queued = Promise.allSettled([1, 2, 3].map((key) => pool.run("act", key)));
    const report = await inTime(pool, 0);
    assertEquals(await running, "told");
    for (const end of await queued) {
      assert(end.status === "rejected" && end.reason instanceof PoolClosedError);
    }
    assertEquals(report, { ...plain(1), cancelled: 3 });
  });

  itUnless(
    unlessPending,
    "6: a read that would never end is cancelled, and its packet comes",
    async () => {
      using folder = new Folder();
      const pool = await TestPool.open({ threads: 2 });
      using file = FileHandle.open(folder.fifo("pipe"), { read: true, write: true });
      using buffer = NativeBuffer.allocate(8);
      pool.bind(file, "first", 0);
      for (let i = 0; i < 3; i++) file.read(buffer, 0, i);
      const report = await inTime(pool, 10);
      assertEquals(report, { ...plain(3), cancelled: 3 });
      assertEquals(ledger().operations.count(), 0);
    },
  );

  itUnless(unlessPending, "6: nothing is started any more once the time is over", async () => {
    using folder = new Folder();
    using pipe = FileHandle.open(folder.fifo("pipe"), { read: true, write: true });
    const pool = await TestPool.open({ threads: 1 });
    using buffer = NativeBuffer.allocate(8);
    pool.bind(pipe, "first", AWAIT);
    pipe.read(buffer, 0);
    const closing = inTime(pool, 0);
    await pool.begun(1);
    assertThrows(() => pipe.read(buffer, 0), Win32Error, "the pool of the port is closing");
    pool.go();
    assertEquals(await closing, { ...plain(1), cancelled: 1 });
  });
});

describe("closing a pool that does not come to its end", () => {
  it("6: a thread that does not come back in the time it is given is told of, and left", async () => {
    const pool = await TestPool.open({ threads: 2, concurrency: 2 });
    pool.post({ key: SLEEP });
    await pool.begun(1);
    const report = await pool.close({ timeoutMs: 0, recallTimeoutMs: 1 });
    assert(report.threadsLeft > 0);
    assert(pool.count(STOPPED) + report.threadsLeft >= 2);
    pool.go();
  });
});

describe("closing a pool at random", () => {
  it("6: closing and dying at random: every task is settled, every packet told of", async () => {
    const random = randomFrom(chooseSeed("pool_close"));
    for (let round = 0; round < (isWine ? 4 : 15); round++) {
      const pool = new TestPool({ threads: 1 + random(4), concurrency: 1 + random(3) });
      if (random(2) === 0) await pool.ready;
      pool.go();
      const keys = [0, 1, SLEEP, BLOCKING, AWAIT, THROW, EXIT];
      const runs: Promise<unknown>[] = [];
      let posted = 0;
      for (let i = random(400); i > 0; i--) {
        const key = random(100) === 0 ? keys[random(keys.length)] : random(10);
        if (random(3) === 0) {
          const run = pool.run("act", key);
          run.catch(() => {}); // Looked at below.
          runs.push(run);
        } else {
          pool.post({ key });
          posted++;
        }
        if (random(50) === 0) await new Promise((resolve) => setTimeout(resolve, random(3)));
      }
      const settled = Promise.allSettled(runs);
      const isHasty = random(2) === 0;
      const report = isHasty ? await inTime(pool, random(20)) : await pool.end();
      const tasks = await settled;
      assertEquals([report.dropped, report.threadsLeft, report.notRecalled], [0, 0, 0]);
      const died = pool.errors.filter(({ hasEnded }) => hasEnded).length;
      assertEquals(report.taken + report.cancelled + died, posted + tasks.length);
    }
  });
});
