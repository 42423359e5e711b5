/**
 * What goes wrong in the threads of a pool: it is told, and nothing of the others is lost.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CompletionPort,
  FileHandle,
  NativeBuffer,
  Pool,
  PoolClosedError,
  SocketHandle,
  ThreadEndedError,
} from "../../mod.ts";
import { hasLifeEnded } from "../../src/core/threads.ts";
import { Board } from "../../src/pool/board.ts";
import type { Begin } from "../../src/pool/control.ts";
import { Folder, until } from "./fixture.ts";
import {
  AWAIT,
  BY_THREAD,
  DONE,
  EXIT,
  EXIT_LATER,
  LATER_ERROR,
  REJECT,
  SLEEP,
  STARTED,
  STOPPED,
  TestPool,
  THROW,
} from "./pool.ts";
import { deadAddress } from "./sockets.ts";

/** A module made of `source`. */
function moduleOf(source: string): string {
  return URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

/**
 * Makes a pool whose owner is busy from when it has let its first thread begin until the system says that
 * this thread has ended: what the thread has said is not heard before that.
 */
async function whileBusy(make: () => TestPool): Promise<TestPool> {
  const { postMessage } = Worker.prototype;
  const begun = new Promise<void>((resolve) => {
    Worker.prototype.postMessage = function (message: Begin): void {
      Worker.prototype.postMessage = postMessage;
      postMessage.call(this, message);
      const board = Board.attach(message.board);
      const word = new Int32Array(new SharedArrayBuffer(4));
      const hasEnded = () =>
        board.life(message.index) !== 0 && hasLifeEnded(board.life(message.index));
      while (!hasEnded()) Atomics.wait(word, 0, 0, 1);
      board.buffer.free();
      // The runtime tells of its end before anything that it has said.
      this.dispatchEvent(new Event("close"));
      resolve();
    };
  });
  const pool = make();
  await begun;
  return pool;
}

describe("handlers that fail", () => {
  it("5: what one throws is told with its packet, and the thread goes on", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    pool.post({ key: THROW, bytesTransferred: 3, overlapped: 9 });
    await pool.failed(1);
    const [{ error, packet, thread, hasEnded }] = pool.errors;
    assert(error instanceof RangeError);
    assertEquals([error.message, thread, hasEnded], ["as it was told: 3", 0, false]);
    assertEquals(packet, {
      key: THROW,
      bytesTransferred: 3,
      overlapped: 9,
      operation: null,
      error: null,
    });
    pool.post({});
    await pool.done(2);
    assertEquals([pool.counters.failed, pool.counters.replaced], [1, 0]);
  });

  it("5: a promise that is rejected is told as well", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    pool.post({ key: REJECT });
    await pool.begun(1);
    pool.go();
    await pool.failed(1);
    assertEquals(pool.errors[0].error.message, "as it was told, later");
    assertEquals(pool.counters.failed, 1);
  });

  it("5: the error of an operation is told with the operation", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(16);
    pool.port.associate(file, THROW);
    file.read(buffer, 100, 5);
    await pool.failed(1);
    const { packet } = pool.errors[0];
    assertEquals(packet?.operation, { kind: "read", offset: 100, tag: 5 });
    assertEquals([packet?.error?.code, packet?.error?.name], [38, "ERROR_HANDLE_EOF"]);
  });

  it("5: of 3,000 at once all are counted, and all are told or counted as not told", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    for (let i = 0; i < 3000; i++) pool.post({ key: THROW });
    // A handler counts before it throws, and the pool when that is told or counted as not told.
    await until(() => pool.counters.handled === 3000, "3,000 packets are handled");
    await until(() => pool.errors.length + pool.counters.unreported === 3000, "all are told");
    assertEquals([pool.counters.failed, pool.count(DONE)], [3000, 3000]);
  });
});

describe("threads that die", () => {
  const DEATHS: [number, string][] = [
    [EXIT, "in a handler"],
    [EXIT_LATER, "in a handler that awaits"],
    [LATER_ERROR, "of an error that nobody catches, while a handler awaits"],
  ];
  for (const [key, where] of DEATHS) {
    it(`5: one dies ${where}: it is told with its packet, and replaced`, async () => {
      await using pool = await TestPool.open({ threads: 2 });
      pool.post({ key, bytesTransferred: 4 });
      await pool.failed(1);
      const [{ error, packet, hasEnded }] = pool.errors;
      assert(error instanceof ThreadEndedError, String(error));
      assertEquals([packet?.key, packet?.bytesTransferred, hasEnded], [key, 4, true]);
      await until(() => pool.count(STARTED) === 3, "another thread has started");
      for (let i = 0; i < 100; i++) pool.post({});
      await pool.begun(101);
      assertEquals([pool.counters.threads, pool.counters.replaced], [2, 1]);
    });
  }

  it("5: the packets behind the one it dies with are taken by others", async () => {
    await using pool = await TestPool.open({ threads: 2, concurrency: 1 });
    // Quick packets first, so that batches are large.
    for (let i = 0; i < 5000; i++) pool.post({});
    await pool.done(5000);
    for (let i = 0; i < 300; i++) pool.post({ key: i % 100 === 50 ? EXIT : 1 });
    await pool.failed(3);
    await pool.begun(5300);
    assertEquals(pool.errors.map(({ packet }) => packet?.key), [EXIT, EXIT, EXIT]);
  });

  it("5: operations behind it too, those that failed with their error", async () => {
    await using pool = await TestPool.open({ threads: 2, concurrency: 1 });
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(16);
    pool.bind(file, "first", 1);
    // Quick packets first, so that batches are large.
    for (let i = 0; i < 5000; i++) pool.post({});
    await pool.done(5000);
    const hold = pool.run("act", SLEEP);
    const other = pool.run("act", SLEEP);
    await pool.begun(5002);
    pool.post({ key: 1 });
    for (let i = 0; i < 40; i++) {
      if (i === 10) pool.post({ key: EXIT });
      file.read(buffer, i % 2 === 0 ? 0 : 100);
    }
    pool.go();
    await Promise.all([hold, other]);
    await pool.failed(1);
    await pool.begun(5044);
    // 20 reads of 3 bytes, and 20 at the end of the file.
    assertEquals([pool.count(BY_THREAD + 100), pool.count(BY_THREAD + 102)], [60, 20]);
    await until(() => pool.counters.inFlight === 0, "nothing is in flight");
  });

  it("5: the failed operation in its hands is told by the function that failed", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using socket = SocketHandle.tcp();
    pool.port.associate(socket, EXIT);
    socket.connect(deadAddress(), 7);
    await pool.failed(1);
    const [{ packet, hasEnded }] = pool.errors;
    assertEquals([packet?.operation?.kind, packet?.operation?.tag, hasEnded], ["connect", 7, true]);
    // ConnectNamedPipe is a "connect" as well.
    assertEquals([packet?.error?.call, packet?.error?.code], ["ConnectEx", 1225]);
  });

  it("4, 5: its task is rejected, those behind it run", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    const runs = [1, EXIT, 2, 3].map((key) => pool.run("act", key));
    const ends = await Promise.allSettled(runs);
    assertEquals(ends.map(({ status }) => status), [
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    await assertRejects(() => runs[1], ThreadEndedError);
    assertEquals(pool.errors.length, 1);
  });

  it("5: one whose task awaits when it dies", async () => {
    await using pool = await TestPool.open({ threads: 2 });
    await assertRejects(() => pool.run("act", EXIT_LATER), ThreadEndedError);
    await assertRejects(() => pool.run("act", LATER_ERROR), ThreadEndedError);
    assertEquals(await pool.run("add", [1, 2]), 3);
  });

  it("5: one that dies in its stop is told, and the pool closes", async () => {
    for (const fail of ["stop", "exit at stop"]) {
      const pool = await TestPool.open({ threads: 2, fail });
      const report = await pool.close();
      assertEquals([report.threadsLeft, pool.count(STOPPED)], [0, 2], fail);
      await until(() => pool.errors.length === 2, "both are told");
    }
  });
});

describe("modules that cannot start", () => {
  const MODULES: [string, string, RegExp][] = [
    ["that throws", "throw new RangeError('as it is');", /as it is/],
    ["that awaits and throws", "await 1; throw new RangeError('as it is');", /as it is/],
    ["that is no program", "this is no program", /./],
    ["that imports what is not there", "import 'file:///no/such/module.js';", /./],
  ];
  for (const [name, source, text] of MODULES) {
    it(`5: a module ${name}: ready is rejected, and nothing is tried again`, async () => {
      const pool = new Pool(moduleOf(source), { threads: 2 });
      const run = pool.run("add", [1, 2]);
      const error = await assertRejects(() => pool.ready, Error);
      assert(text.test(error.message), error.message);
      // Who only waits for a task learns why there are no threads as well.
      await assertRejects(() => run, PoolClosedError, `has no threads: ${error.message}`);
      await assertRejects(() => pool.run("add", [1, 2]), PoolClosedError, error.message);
      const report = await pool.close();
      assertEquals([report.threadsLeft, pool.counters.replaced], [0, 0]);
    });
  }

  it("5: an address where there is nothing", async () => {
    await using pool = new Pool("file:///no/such/module.js", { threads: 1 });
    await assertRejects(() => pool.ready, Error);
  });

  for (const fail of ["start", "exit at start"]) {
    it(`5: all threads fail: ${fail}`, async () => {
      await using pool = new TestPool({ threads: 2, fail });
      await assertRejects(() => pool.ready, Error, fail === "start" ? "it cannot start" : "");
      assertEquals(pool.counters.replaced, 0);
    });
  }

  it("5: a thread that has failed to start tells why, though its end is seen first", async () => {
    await using pool = await whileBusy(() => new TestPool({ threads: 1, fail: "start" }));
    await assertRejects(() => pool.ready, Error, "it cannot start");
  });

  it("5: a thread that has served and died is replaced, though its end is seen first", async () => {
    await using pool = await whileBusy(() => {
      const pool = new TestPool({ threads: 1 });
      pool.post({ key: EXIT });
      return pool;
    });
    await pool.ready;
    pool.post({});
    await pool.begun(2);
    assertEquals([pool.counters.threads, pool.counters.replaced], [1, 1]);
  });

  it("5: a thread that hangs at its start", async () => {
    await using pool = new TestPool({ threads: 1, fail: "hang at start", startTimeoutMs: 500 });
    await assertRejects(() => pool.ready, Error, "startTimeoutMs");
  });

  it("5: a module that never calls serve", async () => {
    await using pool = new Pool(moduleOf("globalThis.a = 1;"), { startTimeoutMs: 500, threads: 1 });
    await assertRejects(() => pool.ready, Error, "call serve()");
  });

  it("5: a module that calls serve twice", async () => {
    const thread = new URL("../../src/pool/thread.ts", import.meta.url);
    const source = `import { serve } from "${thread}"; serve({}); serve({});`;
    await using pool = new Pool(moduleOf(source), { threads: 1 });
    await assertRejects(() => pool.ready, Error, "serves already");
  });

  it("5: a module without a handler for packets: an error with the packet", async () => {
    const thread = new URL("../../src/pool/thread.ts", import.meta.url);
    const source = `import { serve } from "${thread}"; serve({});`;
    await using pool = new Pool(moduleOf(source), { threads: 1 });
    const told = new Promise<string>((resolve) => {
      pool.addEventListener("error", ({ error }) => resolve(error.message));
    });
    pool.post({ key: 1 });
    assertEquals(await told, "The pool's module has no packet handler");
  });
});

describe("the port of a pool", () => {
  it("5: it is closed: the pool ends, and every promise is settled", async () => {
    const port = new CompletionPort();
    const pool = await TestPool.open({ threads: 2, port });
    const run = pool.run("act", AWAIT);
    await pool.begun(1);
    const behind = pool.run("awaitAborted");
    port.close();
    pool.go();
    const ends = await Promise.allSettled([run, behind]);
    assert(ends.every(({ status }) => status === "fulfilled" || status === "rejected"));
    await assertRejects(() => pool.run("add", [1, 2]), PoolClosedError);
    const report = await pool.close();
    assertEquals(report.threadsLeft, 0);
  });
});
