import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import { BAD_NUMBERS, Folder, GARBAGE_HANDLES, isWindows, itUnless } from "./fixture.ts";
import { Bench, codeOf, SHARED, TEN } from "./lock-bench.ts";
import { Raw } from "./raw.ts";

describe("locks: what is not one", () => {
  for (const number of BAD_NUMBERS) {
    it(`an offset or length of ${number} is a RangeError`, () => {
      using bench = new Bench(1);
      const [file] = bench.files;
      for (const range of [{ offset: number, length: 1 }, { offset: 0, length: number }]) {
        assertThrows(() => file.lock(range), RangeError);
        assertThrows(() => file.unlock(range), RangeError);
      }
      assertEquals(bench.port.counters.inFlight, 0);
    });
  }

  it("a file that is closed, or on no port, is refused", () => {
    using bench = new Bench(1);
    using file = FileHandle.open(bench.path, { write: true });
    assertThrows(() => file.lock(TEN), TypeError);
    file.close();
    assertEquals(codeOf(() => file.lock(TEN)), 6);
    assertEquals(codeOf(() => file.unlock(TEN)), 6);
  });

  itUnless(
    isWindows && "Windows wants any right, and gives any lock",
    "a lock that the handle has no right to: ERROR_ACCESS_DENIED (5) in the packet",
    () => {
      using bench = new Bench(0);
      bench.open(1, { read: true, write: false }).lock(TEN, 1);
      bench.open(2, { read: false, write: true }).lock(SHARED, 2);
      assertEquals([bench.next(), bench.next()], [[1, 5], [2, 5]]);
    },
  );

  itUnless(
    isWindows && "needs a FIFO",
    "a stream has no ranges: ERROR_INVALID_FUNCTION (1)",
    () => {
      using folder = new Folder();
      using port = new CompletionPort();
      using fifo = FileHandle.open(folder.fifo("fifo"), { read: true, write: true });
      port.associate(fifo, 1);
      fifo.lock(TEN);
      assertEquals(port.get()?.error?.code, 1);
    },
  );

  it("contract: garbage instead of a handle gives 6", () => {
    using raw = new Raw();
    for (const handle of [...GARBAGE_HANDLES, 12345, raw.port()]) {
      assertEquals(system.lockFileEx(handle, 0, 1, raw.overlapped().address), 6);
      assertEquals(system.unlockFileEx(handle, 0, 1), 6);
    }
  });
});
