/**
 * What a pool leaves behind: nothing.
 *
 * @module
 */

import { assertEquals, assertLess } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readdirSync } from "node:fs";
import process from "node:process";
import { NativeBuffer } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { isLinux } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { EXIT, SLEEP, STOPPED, TestPool } from "./pool.ts";

/** Pools opened in a row; a thousand take a minute, hence the variable IOCP_POOLS. */
const POOLS = Number(process.env.IOCP_POOLS ?? 40);

/** Threads of a large pool: each takes a tenth of a second of a processor to start. */
const MANY = 24;

/** What this module keeps. */
function kept(): Record<string, number> {
  const { operations, handles, buffers, ports } = ledger();
  return {
    operations: operations.count(),
    handles: handles.count(),
    buffers: buffers.count(),
    ports: ports.count(),
  };
}

/** Threads of this process, as Linux counts them. */
function threadsOfProcess(): number {
  return readdirSync("/proc/self/task").length;
}

describe("nothing is left of a pool", () => {
  it(`6: ${POOLS} pools opened and closed in a row`, async () => {
    const round = async (): Promise<void> => {
      const pool = new TestPool({ threads: 1 });
      pool.post({});
      const { taken, threadsLeft } = await pool.end();
      assertEquals([taken, threadsLeft], [1, 0]);
    };
    for (let i = 0; i < 5; i++) await round();
    const before = kept();
    const handles = openHandles();
    for (let i = 0; i < POOLS; i++) await round();
    assertEquals(kept(), before);
    // Less than one in four pools leaves.
    assertLess(openHandles(), handles + Math.max(10, POOLS / 10));
    if (isLinux) assertLess(threadsOfProcess(), 60);
  });

  it("5, 6: pools whose threads die", async () => {
    const before = kept();
    for (let i = 0; i < 10; i++) {
      const pool = await TestPool.open({ threads: 2 });
      for (let j = 0; j < 20; j++) pool.post({ key: j === 10 ? EXIT : 1 });
      const { threadsLeft, dropped } = await pool.end();
      assertEquals([threadsLeft, dropped], [0, 0]);
    }
    assertEquals(kept(), before);
  });

  it("6: values that lie in memory of their own, of tasks that are done, fail or are lost", async () => {
    const before = kept();
    const pool = await TestPool.open({ threads: 2 });
    using buffer = NativeBuffer.allocate(8);
    const long = "x".repeat(5000);
    const ends = await Promise.allSettled([
      pool.run("echo", long),
      pool.run("throw", long),
      pool.run("no such task", long),
      pool.run("echo", [long, () => 1]),
      pool.run("fill", { buffer, value: 1, long }),
      pool.run("give", [buffer]).then((same) => (same as NativeBuffer).free()),
      pool.run("throw", [buffer, long]).catch((thrown) => thrown[0].free()),
      pool.run("exitWith", { buffer, long }),
    ]);
    assertEquals(ends.filter(({ status }) => status === "rejected").length, 4);
    const hold = pool.run("act", SLEEP);
    await pool.begun(1);
    const runs = Promise.allSettled([pool.run("act", SLEEP), pool.run("echo", [buffer, long])]);
    await pool.begun(2);
    const closing = pool.close({ timeoutMs: 0 });
    pool.go();
    await Promise.all([hold, runs, closing]);
    assertEquals(kept(), { ...before, buffers: before.buffers + 1 });
  });

  it(`6: a pool of ${MANY} threads starts and stops`, async () => {
    const before = kept();
    const pool = await TestPool.open({ threads: MANY });
    for (let i = 0; i < 1000; i++) pool.post({});
    const { taken, threadsLeft } = await pool.end();
    assertEquals([taken, threadsLeft, pool.count(STOPPED)], [1000, 0, MANY]);
    assertEquals(kept(), before);
  });
});
