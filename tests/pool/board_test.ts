import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  batchOfRest,
  Board,
  countOfRest,
  nextOfRest,
  OWNER_WAITS,
  packRest,
  QUEUE_HEAD,
  QUEUE_TAIL,
  T_LIFE,
} from "../../src/pool/board.ts";
import { addDuration, Histogram } from "../../src/pool/histogram.ts";

describe("the board of a pool", () => {
  it("tasks leave the queue in the order in which they came, over every wrap", () => {
    for (const slots of [1, 2, 3, 4]) {
      const board = Board.allocate(slots);
      board.words[QUEUE_HEAD] = board.words[QUEUE_TAIL] = 0x7fff_fffe; // Counts wrap too.
      for (let i = 0; i < 50; i++) {
        for (let slot = 0; slot < slots; slot++) board.push(slot);
        assertEquals(board.queued(), slots);
        for (let slot = 0; slot < slots; slot++) assertEquals(board.pop(), slot);
        assertEquals([board.pop(), board.queued()], [-1, 0]);
      }
      board.buffer.free();
    }
  });

  it("a thread's number is there whole or not at all", () => {
    const board = Board.allocate(1);
    const life = 3 * 2 ** 32 + 2 ** 31 + 5;
    board.writeLife(7, life);
    assertEquals([board.life(7), board.life(6)], [life, 0]);
    // As another thread sees it between the writer's two stores, the second of which is the lower word's.
    board.words[board.thread(7) + T_LIFE] = 0;
    assertEquals(board.life(7), 0);
    board.buffer.free();
  });

  it("results come in their order, and the owner is to be woken once", () => {
    const board = Board.allocate(4);
    for (let i = 0; i < 10; i++) {
      assertEquals(board.finish(1), false);
      board.words[OWNER_WAITS] = 1;
      assertEquals([board.finish(3), board.finish(0)], [true, false]);
      assertEquals([1, 2, 3, 4].map(() => board.nextDone()), [1, 3, 0, -1]);
    }
    board.buffer.free();
  });

  it("a rest is one word", () => {
    for (const [batch, next, count] of [[0, 0, 0], [1, 0, 64], [65535, 63, 64], [7, 64, 64]]) {
      const rest = packRest(batch, next, count) | 0;
      assertEquals([batchOfRest(rest), nextOfRest(rest), countOfRest(rest)], [batch, next, count]);
      if (next < count) assertEquals(nextOfRest(rest + 0x100 | 0), next + 1);
    }
  });

  it("names are read as they were written", () => {
    const board = Board.allocate(1);
    const names = ["a", "", "ü".repeat(62)];
    names.forEach((name, i) => board.writeName(i, new TextEncoder().encode(name)));
    assertEquals(names.map((_, i) => board.readName(i)), names);
    board.buffer.free();
  });
});

describe("histograms", () => {
  it("tell the median, the 99th of 100 and the longest, to within a half", () => {
    const words = new Int32Array(64);
    for (let ms = 1; ms <= 1000; ms++) addDuration(words, 0, ms, 1);
    const histogram = new Histogram();
    histogram.add(words, 0);
    const { count, medianMs, p99Ms, maxMs } = histogram.durations();
    assertEquals(count, 1000);
    for (const [value, exact] of [[medianMs, 500], [p99Ms, 990], [maxMs, 1000]]) {
      assertEquals([value >= exact, value <= exact * 1.5], [true, true], `${value} for ${exact}`);
    }
  });

  it("take what is shorter than a microsecond and longer than an hour", () => {
    const words = new Int32Array(64);
    addDuration(words, 0, 0, 3);
    addDuration(words, 0, 1e9, 2);
    assertEquals([words[0], words[63]], [3, 2]);
    assertEquals(new Histogram().durations(), { count: 0, medianMs: 0, p99Ms: 0, maxMs: 0 });
  });
});
