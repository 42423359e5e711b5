import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { GENERATION, ledger, MAX_FREE, O_ASKING } from "../../src/core/ledger.ts";
import { givePlace, readyPlaces, takePlace } from "../../src/core/places.ts";
import { self } from "../../src/core/threads.ts";

const { words } = ledger();

/** Takes so many places; they are given back, ready to be used, by `give`. */
function take(count: number): number[] {
  return Array.from({ length: count }, () => takePlace(words));
}

function give(places: readonly number[]): void {
  for (const place of places) givePlace(words, place);
  readyPlaces(words, self());
}

describe("places for operations that a thread keeps", () => {
  it("each take is a life of its own, and no place is had twice", () => {
    const places = take(3 * MAX_FREE);
    assertEquals(new Set(places).size, places.length);
    const lives = new Map(places.map((place) => [place, words[place + GENERATION]]));
    assert([...lives.values()].every((life) => (life & 1) === 1));
    give(places);
    assert(places.every((place) => (words[place + GENERATION] & 1) === 0));
    const again = take(3 * MAX_FREE);
    for (const place of again) {
      if (lives.has(place)) assert(words[place + GENERATION] !== lives.get(place));
    }
    give(again);
  });

  it("one that was given back is not used again before the thread's next take", () => {
    give(take(1));
    const [place] = take(1);
    givePlace(words, place);
    const others = take(3 * MAX_FREE);
    assert(!others.includes(place));
    readyPlaces(words, self());
    assertEquals(take(1), [place]);
    give([...others, place]);
  });

  it("one that somebody asks to cancel is not used again until that is over", () => {
    const [place] = take(1);
    // As a thread that has begun to ask just before the operation there ended.
    Atomics.add(words, place + O_ASKING, 1);
    give([place]);
    for (let round = 0; round < 3; round++) {
      const others = take(3 * MAX_FREE);
      assert(!others.includes(place));
      give(others);
    }
    Atomics.sub(words, place + O_ASKING, 1);
    const all = take(3 * MAX_FREE);
    assert(all.includes(place));
    give(all);
  });

  it("all are given back: none is in a life, and none is lost", () => {
    const before = ledger().operations.count();
    const places = take(1000);
    assertEquals(ledger().operations.count(), before + 1000);
    give(places);
    assertEquals(ledger().operations.count(), before);
  });
});
