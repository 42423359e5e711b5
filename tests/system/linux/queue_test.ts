import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as layout from "../../../src/system/linux/layout.ts";
import { ABANDONED, MUST_SLEEP, Queue, TIMED_OUT } from "../../../src/system/linux/queue.ts";
import { chooseSeed, randomFrom } from "../../conformance/random.ts";
import { memoryOf } from "./memory.ts";
import { Bench, PLACE, range } from "./queue-bench.ts";

describe("the queue of packets", () => {
  it("case 43: first in, first out, one at a time and many", () => {
    const bench = new Bench({ capacity: 4 });
    for (const key of range(0, 4)) bench.post(key);
    assertEquals([bench.take(0), bench.take(0, 2), bench.take(0, 9)], [[0], [1, 2], [3]]);
    assertEquals(bench.take(0), []);
  });

  for (const capacity of [2, 4]) {
    it(`of ${capacity} packets: wraps around exactly full, at every beginning`, () => {
      const bench = new Bench({ capacity });
      let key = 0;
      for (let round = 0; round < 4 * capacity; round++) {
        const keys = range(key, key + capacity);
        for (const each of keys) bench.post(each);
        assertEquals(bench.take(0, capacity), keys);
        bench.post(key + capacity);
        assertEquals(bench.take(0), [key + capacity]);
        key += capacity + 1;
      }
      assertEquals(bench.capacity, capacity);
    });

    it(`of ${capacity} packets: grows when full, wherever its oldest packet lies`, () => {
      for (let shift = 0; shift < 2 * capacity; shift++) {
        const bench = new Bench({ capacity });
        for (const key of range(0, shift)) {
          bench.post(key);
          bench.take(0);
        }
        for (const key of range(0, 4 * capacity + 1)) bench.post(key);
        assertEquals(bench.capacity, 8 * capacity);
        assertEquals(bench.take(0, 64), range(0, 4 * capacity + 1), `shifted by ${shift}`);
      }
    });
  }

  for (const head of [-3, 2 ** 31 - 3, -(2 ** 31)]) {
    it(`goes on past the end of its counters, from ${head}`, () => {
      const bench = new Bench({ capacity: 2, head });
      for (const key of range(0, 9)) bench.post(key);
      assertEquals(bench.take(0, 4), [0, 1, 2, 3]);
      for (const key of range(9, 20)) bench.post(key);
      assertEquals(bench.queue.queued(), 16);
      assertEquals(bench.take(0, 64), range(4, 20));
    });
  }

  it("a view of the queue made before another thread has let it grow sees all of it", () => {
    const bench = new Bench({ capacity: 2 });
    const other = new Queue(
      bench.words,
      PLACE,
      (capacity) => bench.packets.subarray(0, capacity * layout.PACKET_WORDS),
      memoryOf(bench.words),
    );
    for (const key of range(0, 20)) bench.post(key);
    assertEquals(other.step(layout.threadAt(0), bench.into, 64, true), 20);
    assertEquals(range(0, 20).map((i) => bench.into[i * layout.PACKET_WORDS]), range(0, 20));
  });
});

describe("waiting and running threads", () => {
  it("case 45: the newest waiter goes first, with the oldest packet", () => {
    const bench = new Bench();
    for (const thread of [0, 1, 2]) assertEquals(bench.step(thread), MUST_SLEEP);
    assertEquals(bench.waiting, 3);
    for (const key of [100, 101, 102]) bench.post(key);
    assertEquals(bench.waiting, 0);
    assertEquals([0, 1, 2].map((thread) => bench.step(thread)), [[102], [101], [100]]);
  });

  it("case 35: a released thread takes along what else is queued, and counts once", () => {
    const bench = new Bench({ concurrency: 1 });
    assertEquals(bench.step(0, { max: 8 }), MUST_SLEEP);
    for (const key of [1, 2, 3]) bench.post(key);
    assertEquals(bench.queue.queued(), 2);
    assertEquals(bench.step(0, { max: 8 }), [1, 2, 3]);
    assertEquals([bench.active, bench.queue.queued()], [1, 0]);
  });

  it("case 34: a batch counts once", () => {
    const bench = new Bench({ concurrency: 3 });
    for (const key of range(0, 10)) bench.post(key);
    assertEquals(bench.take(0, 10), range(0, 10));
    assertEquals(bench.active, 1);
  });

  it("case 50: no waiter is let go while as many run as may", () => {
    const bench = new Bench({ concurrency: 1 });
    bench.post(1);
    assertEquals(bench.take(0), [1]);
    assertEquals(bench.step(1), MUST_SLEEP);
    bench.post(2);
    assertEquals([bench.waiting, bench.queue.queued(), bench.active], [1, 1, 1]);
    assertEquals(bench.step(1), MUST_SLEEP);
    bench.queue.leave(layout.threadAt(0));
    bench.queue.release();
    assertEquals(bench.step(1), [2]);
    assertEquals(bench.active, 1);
  });

  it("case 47: a running thread that comes back goes before all waiters", () => {
    const bench = new Bench({ concurrency: 1 });
    bench.post(1);
    bench.take(0);
    bench.step(1);
    bench.post(2);
    assertEquals(bench.step(0), [2]);
    assertEquals([bench.waiting, bench.active], [1, 1]);
  });

  it("case 52: a thread with nothing in time is bound and counts", () => {
    const bench = new Bench({ concurrency: 1 });
    assertEquals(bench.step(0, { isLate: true }), TIMED_OUT);
    assertEquals([bench.active, bench.queue.isBound(layout.threadAt(0))], [1, true]);
    assertEquals(bench.step(0, { isLate: true }), TIMED_OUT);
    assertEquals(bench.active, 1);
    bench.post(1);
    assertEquals(bench.step(1, { isLate: true }), TIMED_OUT); // the count is full
  });

  it("case 49: waiters that give up leave the stack, wherever they are in it", () => {
    for (const quitter of [0, 1, 2]) {
      const bench = new Bench();
      const others = [0, 1, 2].filter((thread) => thread !== quitter);
      for (const thread of [0, 1, 2]) bench.step(thread);
      assertEquals(bench.step(quitter, { isLate: true }), TIMED_OUT);
      assertEquals(bench.waiting, 2);
      bench.post(7);
      bench.post(8);
      bench.post(9);
      assertEquals(others.map((thread) => bench.step(thread)), [[8], [7]]);
      assertEquals(bench.take(quitter), [9]);
    }
  });

  it("a thread that was let go takes its packet, even if it is late by then", () => {
    const bench = new Bench();
    bench.step(0);
    bench.post(1);
    assertEquals(bench.step(0, { isLate: true }), [1]);
  });

  it("case 53: abandoning lets every waiter go with nothing", () => {
    const bench = new Bench();
    for (const thread of [0, 1, 2]) bench.step(thread);
    bench.queue.abandon();
    assertEquals(bench.waiting, 0);
    assertEquals([0, 1, 2].map((thread) => bench.step(thread)), [ABANDONED, ABANDONED, ABANDONED]);
    assertEquals(bench.queue.released.length, 3);
  });

  it("case 51: a thread that leaves stops counting, once", () => {
    const bench = new Bench({ concurrency: 4 });
    for (const key of [1, 2]) bench.post(key);
    bench.take(0);
    bench.take(1);
    assertEquals(bench.active, 2);
    bench.queue.leave(layout.threadAt(0));
    bench.queue.leave(layout.threadAt(0));
    bench.queue.leave(layout.threadAt(5));
    assertEquals(bench.active, 1);
    assert(!bench.queue.isBound(layout.threadAt(0)));
  });

  it("a packet handed to a thread that has ended is the oldest again", () => {
    const bench = new Bench();
    bench.step(0);
    for (const key of [1, 2]) bench.post(key);
    const packet = layout.threadAt(0) + layout.T_PACKET;
    bench.queue.putBack(bench.words.slice(packet, packet + layout.PACKET_WORDS));
    bench.words[layout.threadAt(0) + layout.T_STATE] = layout.STATE_RUNNING;
    bench.queue.leave(layout.threadAt(0));
    assertEquals(bench.take(1, 8), [1, 2]);
    assertEquals(bench.active, 1);
  });
});

describe("the queue against a list", () => {
  it("promise 2: whatever happens, every packet is taken once, in order, under the count", () => {
    const seed = chooseSeed("the queue against a list");
    const random = randomFrom(seed);
    for (let round = 0; round < 200; round++) {
      const concurrency = 1 + random(4);
      const bench = new Bench({ capacity: 2 << random(2), concurrency });
      const asleep = new Set<number>();
      const taken: number[] = [];
      let posted = 0;
      for (let event = 0; event < 300; event++) {
        const thread = random(6);
        if (random(3) === 0 && bench.queue.queued() < 500) {
          if (random(2) === 0) bench.post(posted++);
          else assert(bench.postSomehow(posted++));
        } else {
          const isLate = random(3) === 0;
          const got = bench.step(thread, { max: 1 + random(5), isLate });
          if (got === MUST_SLEEP) asleep.add(thread);
          else asleep.delete(thread);
          if (typeof got !== "number") taken.push(...got);
        }
        bench.queue.release();
        const isIdle = bench.waiting === 0 || bench.queue.queued() === 0;
        assert(isIdle || bench.active >= concurrency, "packets and waiters, and room to run");
        assert(bench.active >= 0 && bench.waiting <= asleep.size);
      }
      for (const thread of asleep) {
        const got = bench.step(thread, { isLate: true });
        if (typeof got !== "number") taken.push(...got);
      }
      for (let thread = 0; thread < 6; thread++) bench.queue.leave(layout.threadAt(thread));
      assertEquals(bench.active, 0);
      while (bench.queue.queued() > 0) taken.push(...bench.take(0, 64));
      assertEquals(taken.toSorted((a, b) => a - b), range(0, posted));
    }
  });
});
