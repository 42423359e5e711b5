/**
 * What the handlers of one batch start, which is handed to the kernel together.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { FileHandle, NativeBuffer, Pool } from "../../mod.ts";
import { Folder, until } from "./fixture.ts";

/** What stands where in the words of `workers/batches.ts`. */
const [CLOCK, MAY_GO, BATCHES, TOO_LATE] = [0, 1, 2, 3];

describe("batches of a pool's thread", () => {
  it("11: an operation is carried out though its handler then blocks without a word", async () => {
    using folder = new Folder();
    using file = FileHandle.open(folder.file("file", "x"));
    using buffer = NativeBuffer.allocate(1);
    const words = new Int32Array(new SharedArrayBuffer(8));
    const pool = new Pool(new URL("./workers/gather.ts", import.meta.url), {
      threads: 1,
      data: { words, file: file.token, buffer: buffer.token },
    });
    await pool.ready;
    pool.port.associate(file, 9);
    // While the thread spins a queue grows; it takes the more of it at a time the quicker it is.
    pool.post({ key: 2 });
    for (let i = 0; i < 1000; i++) pool.post({ key: 0 });
    pool.post({ key: 1 });
    for (let i = 0; i < 100; i++) pool.post({ key: 0 });
    Atomics.store(words, 1, 1);
    await until(() => buffer.bytes[0] === 120, "the read is carried out");
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    const report = await pool.close();
    assertEquals(report.notRecalled, 0);
    assertEquals(pool.counters.handled, 1103);
  });

  it("the number of a batch is new with each, and all of its packets had come before it began", async () => {
    const words = new Int32Array(new SharedArrayBuffer(16));
    const pool = new Pool(new URL("./workers/batches.ts", import.meta.url), {
      threads: 1,
      data: words,
    });
    await pool.ready;
    const post = () => pool.post({ key: Atomics.add(words, CLOCK, 1) });
    post();
    // While the thread has the first one in hand a queue grows, and while it works that off.
    for (let i = 0; i < 500; i++) post();
    Atomics.store(words, MAY_GO, 1);
    for (let i = 0; i < 500; i++) post();
    await pool.close();
    assertEquals(pool.counters.handled, 1001);
    assertEquals(words[TOO_LATE], 0);
    assert(words[BATCHES] > 1 && words[BATCHES] < 1001, `${words[BATCHES]} batches`);
  });
});
