/**
 * What the handlers of one batch start, which is handed to the kernel together.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { FileHandle, NativeBuffer, Pool } from "../../mod.ts";
import { Folder, until } from "./fixture.ts";

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
});
