/**
 * Promise 8: a thread that ends on its way to the system, with an operation that is counted and has
 * its memory, and of which no packet will ever come.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { system } from "../../src/system/system.ts";
import { Folder, itUnless, startWorker, until } from "../conformance/fixture.ts";

const unlessTold: string | false = !system.tellsStarts &&
  "nothing tells whether the system has heard of an operation";

describe("an operation of which the system has not heard", () => {
  itUnless(unlessTold, "is given back with its buffer when its thread is buried", async () => {
    using folder = new Folder();
    using port = new CompletionPort();
    const file = FileHandle.open(folder.file("data.bin", "abc"));
    const { operations, buffers } = ledger();
    const before = [operations.count(), buffers.count()];
    const buffer = NativeBuffer.allocate(4096);
    port.associate(file, 1);
    const data = { file: file.token, buffer: buffer.token };
    assertEquals(await startWorker<string>("unheard", data), "the thread ends here");
    await until(() => {
      // Whoever comes to use ports buries those that have ended.
      new CompletionPort().close();
      return port.counters.inFlight === 0;
    }, "nothing is in flight");
    file.close();
    buffer.free();
    assertEquals([operations.count(), buffers.count()], before);
    assertEquals(port.get(0), null);
  });
});
