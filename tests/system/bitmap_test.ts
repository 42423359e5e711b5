import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Bitmap } from "../../src/system/bitmap.ts";
import { system } from "../../src/system/system.ts";
import { startWorker } from "../conformance/fixture.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";

const BASE = 3;

function bench(places: number): { words: Int32Array<ArrayBuffer>; bitmap: Bitmap } {
  const words = new Int32Array(BASE + places / 32 + 2);
  return { words, bitmap: new Bitmap(words, BASE, places) };
}

describe("the bitmap of places", () => {
  it("gives each place once, then -1", () => {
    const { bitmap } = bench(96);
    const places = Array.from({ length: 96 }, () => bitmap.acquire());
    assertEquals(places.toSorted((a, b) => a - b), Array.from({ length: 96 }, (_, i) => i));
    assertEquals([bitmap.acquire(), bitmap.acquire(), bitmap.count()], [-1, -1, 96]);
  });

  it("gives a place again after it was released, and only then", () => {
    const { bitmap } = bench(64);
    for (let i = 0; i < 64; i++) bitmap.acquire();
    for (const place of [0, 31, 32, 63]) {
      assertEquals(bitmap.release(place), true);
      assertEquals([bitmap.has(place), bitmap.count()], [false, 63]);
      assertEquals([bitmap.acquire(), bitmap.acquire()], [place, -1]);
      assertEquals(bitmap.has(place), true);
    }
  });

  it("gives only places below a limit that it is asked with, wherever it looked last", () => {
    for (const limit of [1, 2, 31, 32, 33, 64, 70, 96, 200]) {
      const { words, bitmap } = bench(96);
      for (let i = 0; i < 96; i++) bitmap.acquire();
      for (let i = 0; i < 96; i++) bitmap.release(i);
      const count = Math.min(limit, 96);
      const places = Array.from({ length: count }, () => bitmap.acquire(limit));
      assertEquals(places.toSorted((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
      assertEquals([bitmap.acquire(limit), bitmap.count()], [-1, count]);
      assertEquals([words[2], words[BASE + 3]], [0, 0]);
      bitmap.release(count - 1);
      assertEquals([bitmap.acquire(limit), bitmap.acquire(limit)], [count - 1, -1]);
    }
  });

  it("says so when what is released was not taken", () => {
    const { bitmap } = bench(32);
    assertEquals([bitmap.release(5), bitmap.acquire(), bitmap.count()], [false, 0, 1]);
  });

  it("touches only its own words", () => {
    const { words, bitmap } = bench(64);
    for (let i = 0; i < 70; i++) bitmap.acquire();
    assertEquals([...words], [0, 0, 0, -1, -1, 0, 0]);
    for (let i = 0; i < 64; i++) bitmap.release(i);
    assert(words.every((word) => word === 0));
  });

  it("finds what another view of it has released", () => {
    const { words, bitmap } = bench(64);
    const other = new Bitmap(words, BASE, 64);
    for (let i = 0; i < 64; i++) bitmap.acquire();
    other.release(40);
    assertEquals([bitmap.acquire(), other.count()], [40, 64]);
  });

  it("agrees with a set, whatever happens", () => {
    const seed = chooseSeed("the bitmap against a set");
    const random = randomFrom(seed);
    const { bitmap } = bench(128);
    const taken = new Set<number>();
    for (let event = 0; event < 20_000; event++) {
      if (random(2) === 0) {
        const place = bitmap.acquire();
        assertEquals(place === -1, taken.size === 128);
        assert(!taken.has(place));
        if (place >= 0) taken.add(place);
      } else {
        const place = random(128);
        assertEquals(bitmap.release(place), taken.delete(place));
      }
      if (event % 1000 !== 0) continue;
      assertEquals(bitmap.count(), taken.size);
      const found: number[] = [];
      for (let at = bitmap.nextTaken(0); at >= 0; at = bitmap.nextTaken(at + 1)) found.push(at);
      assertEquals(found, [...taken].toSorted((one, other) => one - other));
      assertEquals([...bitmap.taken()], found);
    }
  });

  it("promise 2: of several threads each has its places for itself", async () => {
    const places = 64;
    const { code, value: address } = system.virtualAlloc(4096);
    assertEquals(code, 0);
    const threads = 4;
    // More wanted than there are, so that threads meet at the last ones.
    const owners = new Int32Array(new SharedArrayBuffer(places * 4));
    const wanted = 30;
    const workers = Array.from(
      { length: threads },
      (_, index) =>
        startWorker<number>("bitmap", { address, places, wanted, owners, own: index + 1 }),
    );
    assertEquals(await Promise.all(workers), [0, 0, 0, 0]);
    assert(owners.every((owner) => owner === 0));
    assertEquals(system.virtualFree(address, 4096), 0);
  });
});
