/**
 * Tasks of a pool: arguments and results, errors, signals, native buffers; and that
 * every promise is settled.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { NativeBuffer, PoolClosedError, Win32Error } from "../../mod.ts";
import { AWAIT, BEGUN, SLEEP, TestPool } from "./pool.ts";

/** What a promise comes to: its value, or what it was rejected with. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return error;
  }
}

const cyclic: Record<string, unknown> = { name: "cyclic" };
cyclic.self = cyclic;

/** Values that are the same after a round trip. */
const VALUES: [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["true", true],
  ["false", false],
  ["a number", -0.5],
  ["minus zero", -0],
  ["not a number", NaN],
  ["infinity", -Infinity],
  ["a short string", "hello"],
  ["an empty string", ""],
  ["a string of Latin letters", "é".repeat(192)],
  ["a string of others", "日本語 \u{1f600} \ud800"],
  ["a long string", "0123456789".repeat(20_000)],
  ["a long string of others", "語".repeat(100_000)],
  ["a long string with a byte order mark", "\ufeff" + "é\u{1f600}".repeat(200)],
  ["a long string with half a pair of surrogates", "語".repeat(200) + "\udc00"],
  ["a long key", { ["k".repeat(300)]: ["é".repeat(127), "é".repeat(128)] }],
  ["an array of numbers", [1, 2.5, -3]],
  ["an empty array", []],
  ["24 numbers", Array.from({ length: 24 }, (_, i) => i)],
  ["25 numbers", Array.from({ length: 25 }, (_, i) => i)],
  ["an array with holes", [1, , 3]],
  ["plain objects", { a: { b: [1, "two", null, undefined, { c: true }] }, "": 0 }],
  ["an object with a key __proto__", JSON.parse('{"__proto__": 1}')],
  ["an object used twice", [cyclic.name, cyclic.name, [[1], [1]]]],
  ["a bigint", 2n ** 70n],
  ["a date", new Date(86_400_000)],
  ["a map", new Map<unknown, unknown>([["a", new Set([1, 2])]])],
  ["a regular expression", /a+/gi],
  ["bytes", new Uint8Array([1, 2, 3])],
  ["many bytes", new Uint8Array(100_000).fill(9)],
  ["100 objects", Array.from({ length: 100 }, (_, i) => ({ i }))],
];

describe("tasks of a pool", () => {
  it("4: arguments and results are structured clones", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    for (const [name, value] of VALUES) {
      assertEquals(await pool.run("echo", value), value, name);
      assertEquals(await pool.run("echoLater", { value }), { value }, name);
    }
    assert(Object.is(await pool.run("echo", -0), -0));
  });

  it("4: an object that refers to itself does so in the clone", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const clone = await pool.run<typeof cyclic>("echo", cyclic);
    assertStrictEquals(clone.self, clone);
    const twice = { a: 1 };
    const [first, second] = await pool.run<object[]>("echo", [twice, twice]);
    assertStrictEquals(first, second);
  });

  it("4: each of 50,000 tasks gets its own result, whoever runs it", async () => {
    await using pool = await TestPool.open({ threads: 4 });
    const numbers = Array.from({ length: 50_000 }, (_, i) => i);
    const sums = await Promise.all(numbers.map((i) => pool.run<number>("add", [i, 0.5])));
    assertEquals(sums, numbers.map((i) => i + 0.5));
    assertEquals(pool.counters.handled, 50_000);
  });

  it("4: what cannot be cloned is refused, as argument and as result", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    for (const value of [() => 1, Symbol("s"), { deep: [() => 1] }]) {
      const error = await outcome(pool.run("echo", value));
      assertInstanceOf(error, DOMException);
      assertEquals(error.name, "DataCloneError");
    }
    const error = await outcome(pool.run("uncloneable"));
    assertInstanceOf(error, DOMException);
    assertEquals([error.name, await pool.run("echo", 1)], ["DataCloneError", 1]);
  });

  it("4: what a handler throws is what the promise is rejected with", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const range = await outcome(pool.run("fail", "range"));
    assertInstanceOf(range, RangeError);
    assertEquals(range.message, "out of it");
    assertInstanceOf(range.cause, TypeError);
    assert(/workers[\\/]pool\.ts/.test(range.stack ?? ""), range.stack);
    const win32 = await outcome(pool.run("fail", "win32"));
    assertInstanceOf(win32, Win32Error);
    assertEquals([win32.call, [2, 3].includes(win32.code)], ["CreateFile", true]);
    const dom = await outcome(pool.run("fail", "dom"));
    assertInstanceOf(dom, DOMException);
    assertEquals(dom.name, "NotFoundError");
    for (const thrown of ["text", 7, null, { code: 3 }]) {
      assertEquals(await outcome(pool.run("throw", thrown)), thrown);
    }
    assertEquals(pool.counters.failed, 7);
    assertEquals(pool.errors, []);
  });

  it("4: a name that the module has not is an error that says so", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    await assertRejects(() => pool.run("no such task"), TypeError, '"no such task"');
    await assertRejects(() => pool.run("toString"), TypeError, '"toString"');
    await assertRejects(() => pool.run("n".repeat(200)), RangeError, "longer than 124 bytes");
  });

  it("4: tasks run before the pool is ready", async () => {
    await using pool = new TestPool({ threads: 2 });
    assertEquals(await pool.run("add", [1, 2]), 3);
  });

  it("4: a pool that is closed runs nothing", async () => {
    const pool = await TestPool.open({ threads: 1 });
    await pool.close();
    await assertRejects(() => pool.run("add", [1, 2]), PoolClosedError);
    await assertRejects(() => pool.ping(), PoolClosedError);
  });
});

describe("signals of tasks", () => {
  it("4: a signal that has fired: the task is not queued", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const reason = new Error("too late");
    const run = pool.run("echo", 1, { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await outcome(run), reason);
    assertEquals(pool.counters.handled, 0);
  });

  it("4: a task that has not begun is taken out, and those behind it run", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const first = pool.run("act", SLEEP);
    await pool.begun(1);
    const controller = new AbortController();
    const { signal } = controller;
    const runs = [1, 2, 3].map((i) => pool.run("act", i, i === 2 ? { signal } : {}));
    const reason = new Error("not wanted");
    controller.abort(reason);
    assertStrictEquals(await outcome(runs[1]), reason);
    pool.go();
    await Promise.all([first, runs[0], runs[2]]);
    assertEquals(pool.count(BEGUN), 3);
  });

  it("4: a task that runs is told, without a word to it, and settles as it likes", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const controller = new AbortController();
    const run = pool.run("pollAborted", null, controller);
    await pool.begun(1);
    controller.abort();
    assertEquals(await run, "told");
  });

  it("4: a task that awaits is told by its signal; its caller gets the reason itself", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    const reasons = [new Error("enough"), "text", Symbol("cannot be cloned"), () => 1];
    for (const [index, reason] of reasons.entries()) {
      const controller = new AbortController();
      const run = pool.run("awaitAborted", null, controller);
      await pool.begun(index + 1);
      controller.abort(reason);
      assertStrictEquals(await outcome(run), reason);
    }
    assertEquals(await pool.run("add", [1, 2]), 3);
  });

  it("4: a signal that fires when the task is done changes nothing", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const controller = new AbortController();
    assertEquals(await pool.run("echo", 1, controller), 1);
    controller.abort();
    assertEquals(await pool.run("echo", 2), 2);
  });
});

describe("native buffers of tasks", () => {
  it("4: a buffer in the argument is the same memory", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using buffer = NativeBuffer.allocate(4096);
    const length = await pool.run("fill", { buffer: buffer.subarray(8, 16), value: 5 });
    assertEquals(length, 8);
    assertEquals([...buffer.bytes.subarray(6, 18)], [0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 0, 0]);
  });

  it("4: a buffer in the result is the caller's", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const { buffer } = await pool.run<{ buffer: NativeBuffer }>("make", 8);
    assertEquals([...buffer.bytes], [7, 7, 7, 7, 7, 7, 7, 7]);
    buffer.free();
  });

  it("4: a buffer may go through a task", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using buffer = NativeBuffer.allocate(8);
    using same = await pool.run<NativeBuffer>("give", [buffer]);
    same.bytes[3] = 9;
    assertEquals(buffer.bytes[3], 9);
  });

  it("4: a buffer that has been freed is refused; one freed meanwhile stays the task's", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const buffer = NativeBuffer.allocate(8);
    const hold = pool.run("act", AWAIT);
    await pool.begun(1);
    const run = pool.run("fill", { buffer, value: 1 });
    buffer.free();
    await assertRejects(() => pool.run("fill", { buffer, value: 1 }), TypeError, "freed");
    pool.go();
    assertEquals([await run, await hold], [8, undefined]);
  });
});
