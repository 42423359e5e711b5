import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { MUST_POST, MUST_RELEASE, POSTED } from "../../../src/system/linux/fifo.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { MUST_SLEEP } from "../../../src/system/linux/queue.ts";
import { TAIL_MASK } from "../../../src/system/linux/tail.ts";
import { Bench, LIFE, PORT, range } from "./queue-bench.ts";

describe("posting without the lock", () => {
  it("case 43: goes to the end, whoever has posted how", () => {
    const bench = new Bench({ capacity: 8 });
    assertEquals(bench.postAlone(0), MUST_POST);
    bench.post(0);
    assertEquals([1, 2].map((key) => bench.postAlone(key)), [POSTED, POSTED]);
    bench.post(3);
    assertEquals(bench.postAlone(4), POSTED);
    assertEquals(bench.take(0, 9), range(0, 5));
  });

  it("asks for the lock where the queue is full, and lets it grow", () => {
    const bench = new Bench({ capacity: 2 });
    let asked = 0;
    for (const key of range(0, 100)) {
      const answer = bench.postAlone(key);
      if (answer === MUST_POST) bench.post(key);
      asked += answer === MUST_POST ? 1 : 0;
    }
    // Once for the first one, and whenever it doubles: from 2 to 128.
    assertEquals([bench.capacity, asked], [128, 7]);
    assertEquals([...bench.take(0, 64), ...bench.take(0, 64)], range(0, 100));
  });

  it("goes on past the end of the counter", () => {
    const bench = new Bench({ capacity: 2, head: TAIL_MASK - 2 });
    for (const key of range(0, 9)) assert(bench.postSomehow(key));
    assertEquals(bench.take(0, 9), range(0, 9));
  });

  it("counts what was posted, past 32 bits", () => {
    const bench = new Bench({ capacity: 2 });
    bench.post(0);
    bench.words[PORT + layout.P_POSTED] = -1;
    assertEquals(bench.postAlone(1), POSTED);
    assertEquals([...bench.words.slice(PORT + layout.P_POSTED).subarray(0, 2)], [0, 1]);
  });

  it("tells who has posted that a thread waits, as long as nothing is queued", () => {
    const bench = new Bench({ capacity: 8, concurrency: 1 });
    bench.post(0);
    assertEquals(bench.step(0, { max: 1 }), [0]);
    assertEquals(bench.step(1), MUST_SLEEP);
    bench.queue.release();
    assertEquals(bench.postAlone(1), MUST_RELEASE);
    // Thread 0 runs, thread 1 waits for it to be done: the next packet changes nothing.
    assertEquals(bench.postAlone(2), POSTED);
    assertEquals(bench.take(0, 2), [1, 2]);
    assertEquals(bench.postAlone(3), MUST_RELEASE);
    bench.queue.leave(layout.threadAt(0));
    bench.queue.release();
    assertEquals(bench.step(1), [3]);
    assertEquals(bench.postAlone(4), POSTED);
  });

  it("case 57: a closed handle's number posts nothing", () => {
    const bench = new Bench({ capacity: 8 });
    bench.post(0);
    bench.words[LIFE] = 1;
    assertEquals(bench.postAlone(1), MUST_POST);
    assertEquals(bench.take(0, 9), [0]);
  });

  it("promise 10: no packet more than there is room for, however many operations are in flight", () => {
    for (const inFlight of [1, 2, 3, 8, 9]) {
      const bench = new Bench({ capacity: 2 });
      assert(bench.postSomehow(0));
      bench.words[PORT + layout.P_IN_FLIGHT] = layout.MAX_QUEUE - 10;
      let started = 0;
      while (started < inFlight && bench.queue.hasRoom()) {
        bench.words[PORT + layout.P_IN_FLIGHT]++;
        started++;
      }
      let posted = 1;
      while (bench.postSomehow(posted)) posted++;
      assertEquals(posted, 10 - started);
      assert(!bench.queue.hasRoom());
      assertEquals(bench.take(0, 1), [0]);
      assert(bench.queue.hasRoom());
      assert(bench.postSomehow(posted++));
      assert(!bench.postSomehow(posted));
      assertEquals(bench.take(0, 64), range(1, posted));
    }
  });

  it("promise 2: a packet that comes back is not overwritten", () => {
    const bench = new Bench({ capacity: 2 });
    for (const key of [0, 1]) assert(bench.postSomehow(key));
    bench.take(0, 1);
    const packet = bench.into.slice(0, layout.PACKET_WORDS);
    bench.queue.putBack(packet);
    for (const key of [2, 3, 4]) assert(bench.postSomehow(key));
    assertEquals(bench.take(0, 9), range(0, 5));
  });
});
