/**
 * The lock, explored: every order in which two or three threads can make their
 * accesses to memory, with the real code of `lock.ts`.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { acquire, type LockMemory, release } from "../../../src/system/linux/lock.ts";
import { walkAccesses } from "./stepping.ts";

const LOCK = 0;
const INSIDE = 1;

type Acquire = typeof acquire;
type Release = typeof release;

/** Several times: take the lock, be alone inside, give it back. */
function program(
  memory: LockMemory,
  owner: number,
  rounds: number,
  take: Acquire,
  give: Release,
): void {
  for (let round = 0; round < rounds; round++) {
    take(memory, LOCK, owner, 1);
    // Any other thread between these two accesses would be inside as well.
    assertEquals(memory.exchange(INSIDE, owner), 0, "two threads inside");
    memory.exchange(INSIDE, 0);
    give(memory, LOCK);
  }
}

function explore(count: number, rounds: number, take = acquire, give = release): number {
  return walkAccesses({
    words: 2,
    programs: Array.from(
      { length: count },
      (_, index) => (memory) => program(memory, index + 1, rounds, take, give),
    ),
  });
}

function fails(take: Acquire, give: Release): string {
  try {
    explore(3, 1, take, give);
  } catch (error) {
    return String(error);
  }
  return "no failure";
}

describe("a lock whose owner has ended", () => {
  const [ENDED, ME] = [1, 2];

  /**
   * Takes it. With `isInUse` the place of the ended thread is another one's, which has the lock by now, as
   * soon as it was looked at; that one gives it back when it is waited for.
   */
  function inherit(isInUse: boolean): { wasInherited: boolean; waits: number } {
    const memory = [ENDED];
    let isGone = true;
    let waits = 0;
    const exchange = (at: number, value: number): number => {
      const before = memory[at];
      memory[at] = value;
      return before;
    };
    const real: LockMemory = {
      pause() {},
      compareExchange: (at, expected, value) =>
        memory[at] === expected ? exchange(at, value) : memory[at],
      exchange,
      load: (at) => memory[at],
      wait: () => {
        waits++;
        release(real, LOCK);
      },
      isGone: () => {
        const answer = isGone;
        if (isInUse) isGone = false;
        return answer;
      },
      wake() {},
    };
    const wasInherited = acquire(real, LOCK, ME, 1);
    assertEquals(memory[LOCK] & 0x7fffffff, ME);
    return { wasInherited, waits };
  }

  it("is inherited", () => {
    assertEquals(inherit(false), { wasInherited: true, waits: 0 });
  });

  it("is not taken from the thread that lives in its place by now", () => {
    assertEquals(inherit(true), { wasInherited: false, waits: 1 });
  });
});

describe("the lock, explored", () => {
  it("two threads, two rounds each: one inside at a time, none sleeps for ever", () => {
    assertGreater(explore(2, 2), 100);
  });

  it("three threads: one inside at a time, none sleeps for ever", () => {
    assertGreater(explore(3, 1), 1000);
  });

  it("broken on purpose: a lock that is not looked at while it is taken", () => {
    const blind: Acquire = (memory, at, owner) => {
      if (memory.load(at) !== 0) return acquire(memory, at, owner, 0);
      memory.exchange(at, owner);
      return false;
    };
    assert(fails(blind, release).includes("two threads inside"));
  });

  it("broken on purpose: giving back without waking", () => {
    const mute: Release = (memory, at) => {
      memory.exchange(at, 0);
    };
    assert(fails(acquire, mute).includes("sleeps for ever"));
  });

  it("broken on purpose: who has slept does not take the mark along", () => {
    const forgetful: Acquire = (memory, at, owner) => {
      while (memory.compareExchange(at, 0, owner) !== 0) {
        const seen = memory.load(at);
        const marked = seen | -0x80000000;
        if (seen !== 0 && (seen < 0 || memory.compareExchange(at, seen, marked) === seen)) {
          memory.wait(at, marked);
        }
      }
      return false;
    };
    assert(fails(forgetful, release).includes("sleeps for ever"));
  });
});
