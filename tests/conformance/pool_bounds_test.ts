/**
 * The bounds of a pool: a clear error at each, and a way to wait for room.
 *
 * @module
 */

import { assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { FileHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { Folder, itUnless, unlessPending } from "./fixture.ts";
import { SLEEP, TestPool } from "./pool.ts";

/** A pool with one thread, which is held back. */
async function held(options: { maxQueued?: number; maxInFlight?: number }): Promise<TestPool> {
  const pool = await TestPool.open({ threads: 1, ...options });
  pool.post({ key: SLEEP });
  await pool.begun(1);
  return pool;
}

describe("bounds of a pool", () => {
  it("7: as many tasks as maxQueued are queued; one more is an error that says so", async () => {
    await using pool = await held({ maxQueued: 3 });
    const runs = [1, 2, 3].map((i) => pool.run("echo", i));
    await assertRejects(() => pool.run("echo", 4), RangeError, "limit of 3 queued tasks");
    pool.go();
    assertEquals(await Promise.all(runs), [1, 2, 3]);
    assertEquals(await pool.run("echo", 5), 5);
  });

  it("7: as many packets of post as maxQueued are queued", async () => {
    await using pool = await held({ maxQueued: 3 });
    for (let i = 0; i < 3; i++) pool.post({});
    assertThrows(() => pool.post({}), RangeError, "limit of 3 queued packets");
    pool.go();
    await pool.done(4);
    pool.post({});
    await pool.done(5);
  });

  it("7: who waits for room can queue without an error, however much it is", async () => {
    await using pool = await TestPool.open({ threads: 2, maxQueued: 4 });
    const runs: Promise<unknown>[] = [];
    for (let i = 0; i < 1000; i++) {
      await pool.room;
      runs.push(pool.run("echo", i));
    }
    for (let i = 0; i < 1000; i++) {
      await pool.room;
      pool.post({ key: i });
    }
    assertEquals(await Promise.all(runs), runs.map((_, i) => i));
    await pool.done(1000);
  });

  it("7: those who wait for room are let go in their order", async () => {
    await using pool = await held({ maxQueued: 1 });
    const first = pool.run("echo", 0);
    const order: number[] = [];
    const waits = [1, 2, 3].map(async (i) => {
      await pool.room;
      order.push(i);
      await pool.run("echo", i);
    });
    pool.go();
    await Promise.all([first, ...waits]);
    assertEquals(order, [1, 2, 3]);
  });

  it("7: there is room at once where nothing is queued; closing lets all go", async () => {
    const pool = await held({ maxQueued: 1 });
    pool.post({});
    const wait = pool.room;
    const closing = pool.close();
    await wait;
    pool.go();
    await closing;
  });

  itUnless(
    unlessPending,
    "7: as many operations as maxInFlight; one more is an error",
    async () => {
      using folder = new Folder();
      await using pool = await TestPool.open({ threads: 1, maxInFlight: 2, closeTimeoutMs: 0 });
      using pipe = FileHandle.open(folder.fifo("pipe"), { read: true, write: true });
      using buffer = NativeBuffer.allocate(8);
      pool.bind(pipe, "first");
      const first = pipe.read(buffer, 0);
      pipe.read(buffer, 0);
      assertThrows(() => pipe.read(buffer, 0), Win32Error, "maxInFlight of 2");
      assertEquals(pool.counters.inFlight, 2);
      const room = pool.room;
      first.cancel();
      await room;
      pipe.read(buffer, 0);
    },
  );

  it("7: maxInFlight holds for files, whose operations end by themselves", async () => {
    using folder = new Folder();
    await using pool = await TestPool.open({ threads: 2, maxInFlight: 4 });
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    pool.bind(file, "first");
    for (let i = 0; i < 200; i++) {
      await pool.room;
      file.read(buffer, 0);
      assertLessOrEqual(pool.counters.inFlight, 4);
    }
    await pool.done(200);
  });
});
