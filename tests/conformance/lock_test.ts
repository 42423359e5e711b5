import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { readdirSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { isLinux, isWindows, isWine, itUnless, startWorker, unlessLocks } from "./fixture.ts";
import { Bench, codeOf, NOW, SHARED, TEN } from "./lock-bench.ts";

const unlessLinuxOrder: string | false = isWindows &&
  "Windows lets a shared lock overtake one that waits for others to go";

const unlessMandatory: string | false = isLinux && "locks of Linux are between those who ask" ||
  isWine && "Wine lets it be read, and queues no packet for LockFileEx";

const unlessNotLocked: string | false = isWine && "Wine says ERROR_LOCK_VIOLATION (33)";

describe("locks", () => {
  itUnless(unlessLocks, "promise 1: a lock brings one packet, with its operation", () => {
    using bench = new Bench();
    const operation = bench.files[0].lock({ offset: 2 ** 40, length: 2 ** 52 }, -5);
    const packet = bench.port.get()!;
    assert(packet.operation === operation);
    assertEquals([packet.key, packet.error, packet.bytesTransferred], [1, null, 0]);
    assertEquals([operation.kind, operation.offset, operation.tag], ["lock", 2 ** 40, -5]);
    assertEquals(operation.buffer, null);
    assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
  });

  itUnless(unlessLocks, "an exclusive lock keeps others waiting, in the order they came", () => {
    using bench = new Bench(3);
    const [a, b, c] = bench.files;
    a.lock(TEN, 1);
    b.lock({ offset: 9, length: 1 }, 2);
    c.lock(SHARED, 3);
    b.lock({ offset: 10, length: 5 }, 4);
    assertEquals([bench.next(), bench.next(), bench.taken()], [[1, 0], [4, 0], []]);
    a.unlock(TEN);
    assertEquals([bench.next(), bench.taken()], [[2, 0], []]);
    b.unlock({ offset: 9, length: 1 });
    assertEquals([bench.next(), bench.taken()], [[3, 0], []]);
  });

  itUnless(unlessLocks, "shared locks share, and keep an exclusive one waiting", () => {
    using bench = new Bench(3);
    const [a, b, c] = bench.files;
    a.lock(SHARED, 1);
    b.lock(SHARED, 2);
    c.lock(TEN, 3);
    assertEquals([bench.next(), bench.next(), bench.taken()], [[1, 0], [2, 0], []]);
    a.unlock(TEN);
    assertEquals(bench.taken(), []);
    b.unlock(TEN);
    assertEquals(bench.next(), [3, 0]);
  });

  itUnless(unlessLocks, "a handle's own locks conflict like those of two handles", () => {
    using bench = new Bench(1);
    const [file] = bench.files;
    file.lock(TEN, 1);
    file.lock(TEN, 2);
    file.lock({ ...NOW, shared: true }, 3);
    assertEquals([bench.next(), bench.next(), bench.taken()], [[1, 0], [3, 33], []]);
    file.unlock(TEN);
    assertEquals(bench.next(), [2, 0]);
    file.unlock(TEN);
    assertEquals(codeOf(() => file.unlock(TEN)), 158);
  });

  itUnless(unlessLocks, "fail immediately: ERROR_LOCK_VIOLATION (33) in the packet", () => {
    using bench = new Bench();
    const [a, b] = bench.files;
    a.lock(NOW, 1);
    assertEquals(bench.next(), [1, 0]);
    b.lock(NOW, 2);
    const { error, operation } = bench.port.get()!;
    assertEquals([error?.code, error?.name, error?.call, error?.subject], [
      33,
      "ERROR_LOCK_VIOLATION",
      "LockFileEx",
      bench.path,
    ]);
    assertEquals(operation?.tag, 2);
    a.unlock(TEN);
    b.lock(NOW, 3);
    assertEquals(bench.next(), [3, 0]);
  });

  itUnless(unlessNotLocked, "a range that was not locked cannot be unlocked: 158", () => {
    using bench = new Bench();
    assertEquals(codeOf(() => bench.files[0].unlock(TEN)), 158);
  });

  itUnless(unlessLocks, "only exactly what was locked is unlocked, as often as it was", () => {
    using bench = new Bench();
    const [a, b] = bench.files;
    a.lock(SHARED);
    a.lock(SHARED);
    bench.port.getMany(1);
    bench.port.getMany(1);
    for (const range of [{ offset: 0, length: 9 }, { offset: 1, length: 9 }]) {
      assertEquals(codeOf(() => a.unlock(range)), 158);
    }
    assertEquals(codeOf(() => b.unlock(TEN)), 158);
    a.unlock(TEN);
    b.lock(NOW, 4);
    assertEquals(bench.next(), [4, 33]);
    a.unlock(TEN);
    assertEquals(codeOf(() => a.unlock(TEN)), 158);
    b.lock(NOW, 5);
    assertEquals(bench.next(), [5, 0]);
  });

  itUnless(unlessLocks, "a lock of no bytes conflicts with those around it", () => {
    using bench = new Bench();
    const [a, b] = bench.files;
    a.lock({ offset: 100, length: 0, failImmediately: true }, 1);
    b.lock({ offset: 98, length: 4, failImmediately: true }, 2);
    b.lock({ offset: 90, length: 10, failImmediately: true }, 3);
    b.lock({ offset: 100, length: 10, failImmediately: true }, 4);
    const codes = new Map([bench.next(), bench.next(), bench.next(), bench.next()]);
    assertEquals([...codes].toSorted(), [[1, 0], [2, 33], [3, 0], [4, 0]]);
    a.unlock({ offset: 100, length: 0 });
    a.lock({ offset: 105, length: 0, failImmediately: true }, 5);
    assertEquals(bench.next(), [5, 33]);
  });

  itUnless(
    unlessLocks,
    "cases 60 and 62: a waiting lock is cancelled, those behind it go on",
    () => {
      using bench = new Bench(3);
      const [a, b, c] = bench.files;
      a.lock(SHARED, 1);
      const waiting = b.lock(TEN, 2);
      c.lock(TEN, 3);
      assertEquals([bench.next(), bench.taken()], [[1, 0], []]);
      assertEquals(waiting.cancel(), true);
      assertEquals([bench.next(), bench.taken()], [[2, 995], []]);
      assertEquals(waiting.cancel(), false);
      a.unlock(TEN);
      assertEquals(bench.next(), [3, 0]);
      b.lock(TEN, 4);
      b.lock(TEN, 5);
      assertEquals(b.cancel(), true);
      assertEquals(bench.taken().toSorted(), [[4, 995], [5, 995]]);
    },
  );

  itUnless(
    unlessLinuxOrder,
    "a shared lock waits behind an exclusive one that waits for others to go",
    () => {
      using bench = new Bench(3);
      const [a, b, c] = bench.files;
      a.lock(SHARED, 1);
      b.lock(SHARED, 1);
      const exclusive = b.lock(TEN, 2);
      c.lock(SHARED, 3);
      assertEquals([bench.next(), bench.next(), bench.taken()], [[1, 0], [1, 0], []]);
      b.unlock(SHARED);
      assertEquals(bench.taken(), []);
      exclusive.cancel();
      assertEquals([bench.next(), bench.next()].toSorted(), [[2, 995], [3, 0]]);
    },
  );

  itUnless(
    unlessLocks,
    "case 59: closing a file ends its waiting locks and gives back its own",
    () => {
      using bench = new Bench(3);
      const [a, b, c] = bench.files;
      a.lock(TEN, 1);
      a.lock({ offset: 50, length: 10 }, 2);
      b.lock({ offset: 50, length: 10 }, 3);
      a.lock({ offset: 50, length: 10 }, 4);
      c.lock(TEN, 5);
      assertEquals([bench.next(), bench.next(), bench.taken()], [[1, 0], [2, 0], []]);
      a.close();
      const packets = [bench.next(), bench.next(), bench.next()];
      assertEquals(packets.toSorted(), [[3, 0], [4, 995], [5, 0]]);
      assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
    },
  );

  itUnless(unlessLocks, "promise 5: a lock that waits for a closed port ends with its file", () => {
    using bench = new Bench(1);
    const other = new CompletionPort();
    using file = FileHandle.open(bench.path, { read: true, write: true });
    other.associate(file, 9);
    bench.files[0].lock(TEN, 1);
    file.lock(TEN, 2);
    assertEquals([bench.next(), bench.port.counters.kept], [[1, 0], 0]);
    other.close();
    assertEquals(bench.port.counters.kept, 1);
    file.close();
    using another = new CompletionPort(); // making one gives back what closed ones have kept
    assertEquals(another.counters.kept, 0);
  });

  itUnless(unlessLocks, "a waiting lock comes to its own port, whoever lets go where", () => {
    using bench = new Bench(1);
    using other = new CompletionPort();
    using file = FileHandle.open(bench.path, { read: true, write: true });
    other.associate(file, 9);
    bench.files[0].lock(TEN, 1);
    file.lock(TEN, 2);
    assertEquals([bench.next(), other.get(0)], [[1, 0], null]);
    bench.files[0].unlock(TEN);
    const packet = other.get();
    assertEquals([packet?.key, packet?.error, packet?.operation?.tag], [9, null, 2]);
    bench.files[0].lock(TEN, 3);
    assertEquals(bench.taken(), []);
    file.close();
    assertEquals(bench.next(), [3, 0]);
  });

  itUnless(
    unlessLocks,
    "promise 8: locks of a thread that has ended wait, come and are held",
    async () => {
      using bench = new Bench();
      const [a, b] = bench.files;
      b.lock({ offset: 20, length: 1 }, 8);
      assertEquals(bench.next(), [8, 0]);
      const ranges = [TEN, { offset: 20, length: 1 }];
      await startWorker("lock", { file: a.token, ranges });
      b.lock(NOW, 9);
      assertEquals([bench.next(), bench.next(), bench.taken()], [[0, 0], [9, 33], []]);
      b.unlock({ offset: 20, length: 1 });
      assertEquals(bench.next(), [1, 0]);
      a.unlock(TEN);
      b.lock(NOW, 10);
      assertEquals(bench.next(), [10, 0]);
    },
  );

  itUnless(unlessMandatory, "case 76: what others have locked cannot be read: 33", () => {
    using bench = new Bench();
    using buffer = NativeBuffer.allocate(4);
    const [a, b] = bench.files;
    a.lock({ offset: 2, length: 1 }, 1);
    assertEquals(bench.next(), [1, 0]);
    b.read(buffer, 0, 2);
    assertEquals(bench.next(), [2, 33]);
    b.read(buffer.subarray(0, 2), 0, 3);
    assertEquals(bench.next(), [3, 0]);
    a.read(buffer, 0, 4);
    assertEquals(bench.next(), [4, 0]);
  });

  itUnless(unlessLocks, "keep threads apart, whatever the order of events", async () => {
    using bench = new Bench(0);
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const work = { path: bench.path, counts, rounds: 400 };
    await Promise.all([1, 2, 3, 4].map(() => startWorker("exclude", work)));
    assertEquals(counts[0], 1600);
  });

  itUnless(unlessLocks, "a thousand locks wait on one port, for no thread of their own", () => {
    using bench = new Bench();
    const [a, b] = bench.files;
    a.lock(TEN, -1);
    assertEquals(bench.next(), [-1, 0]);
    const threads = () => isWindows ? 0 : readdirSync("/proc/self/task").length;
    const before = threads();
    bench.port.batch(() => {
      for (let tag = 0; tag < 1000; tag++) b.lock({ offset: tag % 10, length: 1 }, tag);
    });
    assertEquals([bench.taken(), bench.port.counters.inFlight], [[], 1000]);
    assert(threads() - before < 10);
    a.unlock(TEN);
    for (let tag = 0; tag < 1000; tag += 10) {
      const tags = Array.from({ length: 10 }, () => bench.next()).toSorted(([a], [b]) => a - b);
      assertEquals(tags, Array.from({ length: 10 }, (_, i) => [tag + i, 0]));
      for (let i = 0; i < 10; i++) b.unlock({ offset: i, length: 1 });
    }
    assertEquals([bench.taken(), bench.port.counters.inFlight], [[], 0]);
  });
});
