import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { existsSync } from "node:fs";
import { itUnless, startWorker, unlessLocks, until } from "./fixture.ts";
import { Bench, NOW, SHARED, TEN } from "./lock-bench.ts";
import { OtherProcess } from "./other-process.ts";

describe("locks of other processes", () => {
  itUnless(unlessLocks, "keep ours waiting until they are given back", async () => {
    using bench = new Bench();
    const [a, b] = bench.files;
    await using other = new OtherProcess("locker", bench.path);
    assertEquals(await other.ask({ verb: "lock", range: TEN }), 0);
    a.lock(NOW, 1);
    assertEquals(bench.next(), [1, 33]);
    a.lock(TEN, 2);
    b.lock({ offset: 5, length: 1 }, 3);
    assertEquals([bench.port.get(20), bench.port.counters.inFlight], [null, 2]);
    assertEquals(await other.ask({ verb: "unlock", range: TEN }), 0);
    assertEquals(bench.next(), [2, 0]);
    a.unlock(TEN);
    assertEquals(bench.next(), [3, 0]);
  });

  itUnless(unlessLocks, "that has ended are given back", async () => {
    using bench = new Bench();
    const [a, b] = bench.files;
    {
      await using other = new OtherProcess("locker", bench.path);
      for (const offset of [0, 10]) {
        assertEquals(await other.ask({ verb: "lock", range: { offset, length: 10 } }), 0);
      }
      a.lock(TEN, 1);
      b.lock({ offset: 10, length: 10 }, 2);
      assertEquals(bench.port.get(0), null);
    }
    assertEquals([bench.next(), bench.next()].toSorted(), [[1, 0], [2, 0]]);
  });

  itUnless(
    unlessLocks,
    "can be waited for and cancelled, and the file closed meanwhile",
    async () => {
      using bench = new Bench(3);
      const [a, b, c] = bench.files;
      await using other = new OtherProcess("locker", bench.path);
      assertEquals(await other.ask({ verb: "lock", range: TEN }), 0);
      const first = a.lock(TEN, 1);
      b.lock(SHARED, 2);
      c.lock(SHARED, 3);
      assertEquals(bench.port.get(5), null);
      assertEquals(first.cancel(), true);
      assertEquals(bench.next(), [1, 995]);
      b.close();
      assertEquals(bench.next(), [2, 995]);
      assertEquals(await other.ask({ verb: "unlock", range: TEN }), 0);
      assertEquals(bench.next(), [3, 0]);
      assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
    },
  );

  itUnless(unlessLocks, "are waited for also by what an ended thread has started", async () => {
    using bench = new Bench(1);
    const [file] = bench.files;
    await using other = new OtherProcess("locker", bench.path);
    assertEquals(await other.ask({ verb: "lock", range: TEN }), 0);
    const thread = await startWorker<number>("lock", { file: file.token, ranges: [TEN] });
    await until(() => !existsSync(`/proc/self/task/${thread}`), "the thread has ended");
    assertEquals([bench.port.get(5), bench.port.counters.inFlight], [null, 1]);
    assertEquals(await other.ask({ verb: "unlock", range: TEN }), 0);
    assertEquals(bench.next(), [0, 0]);
  });

  itUnless(unlessLocks, "see ours, to the byte, whatever of them is given back", async () => {
    using bench = new Bench(1);
    const [file] = bench.files;
    await using other = new OtherProcess("locker", bench.path);
    const isFree = async (offset: number) => {
      const range = { offset, length: 1 };
      const code = await other.ask({ verb: "lock", range: { ...range, failImmediately: true } });
      if (code === 0) await other.ask({ verb: "unlock", range });
      return code === 0;
    };
    const free = async () => {
      let text = "";
      for (let offset = 0; offset < 12; offset++) text += await isFree(offset) ? "." : "x";
      return text;
    };
    const lock = (offset: number, length: number) => {
      file.lock({ offset, length, shared: true });
      assertEquals(bench.next(), [0, 0]);
    };
    lock(1, 10);
    lock(3, 2);
    lock(7, 2);
    assertEquals(await free(), ".xxxxxxxxxx.");
    file.unlock({ offset: 1, length: 10 });
    assertEquals(await free(), "...xx..xx...");
    file.unlock({ offset: 3, length: 2 });
    assertEquals(await free(), ".......xx...");
    file.close();
    assertEquals(await free(), "............");
  });
});
