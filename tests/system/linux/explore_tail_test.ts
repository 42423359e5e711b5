/**
 * The tail of the queue, explored: every order in which threads that append and one
 * that waits can make their accesses to memory, with the real code of `tail.ts`.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { threadAt } from "../../../src/system/linux/layout.ts";
import {
  beginAppend,
  clearAwaited,
  endAppend,
  IS_GONE,
  setAwaited,
  type TailMemory,
} from "../../../src/system/linux/tail.ts";
import { type Program, walkAccesses } from "./stepping.ts";

const TAIL = 0;
const INSIDE = 1;

interface Appended {
  tail: number;
  isAwaited: boolean;
}

/** What is appended by one thread: each must be alone inside. */
type Append = (memory: TailMemory, place: number) => Appended;

const append: Append = (memory, place) => {
  const tail = beginAppend(memory, TAIL, place, 1, false);
  assertEquals(memory.exchange(INSIDE, 1), 0, "two threads inside");
  memory.exchange(INSIDE, 0);
  const isAwaited = endAppend(memory, TAIL, memory.peek(TAIL), tail + 1);
  return { tail, isAwaited };
};

/** Somebody has the port's lock, waits, and perhaps does not any more. Answers the count it saw. */
const wait = (isForGood: boolean): Program => (memory) => {
  const seen = setAwaited(memory, TAIL);
  if (!isForGood) clearAwaited(memory, TAIL);
  return seen;
};

const times = (rounds: number, place: number, how: Append): Program => (memory) =>
  Array.from({ length: rounds }, () => how(memory, place));

/** Threads that append so often each, beside one that waits. */
function explore(rounds: number[], isForGood: boolean, how = append): number {
  return walkAccesses({
    words: 2,
    programs: [wait(isForGood), ...rounds.map((each, place) => times(each, place, how))],
    check: (memory, [seen, ...results]) => {
      const all = (results as Appended[][]).flat();
      const tails = all.map(({ tail }) => tail).sort((a, b) => a - b);
      assertEquals(tails, tails.map((_, index) => index), "a place was given twice, or left out");
      const told = all.filter(({ isAwaited }) => isAwaited).map(({ tail }) => tail);
      if (isForGood) {
        const after = tails.filter((tail) => tail >= (seen as number));
        assertEquals(told.sort((a, b) => a - b), after, "not told that it is awaited");
      }
      assertEquals(memory[TAIL] & 0x7ffff, all.length);
      assertEquals(memory[TAIL] >>> 19, isForGood ? 0x800 : 0, "a bit is left");
    },
  });
}

function failureOf(how: Append): string {
  try {
    explore([1, 1], true, how);
  } catch (error) {
    return String(error);
  }
  return "no failure";
}

/** The memory, with one of its accesses done otherwise. */
function changed(change: (memory: TailMemory) => Partial<TailMemory>): Append {
  return (memory, place) => append({ ...memory, ...change(memory) }, place);
}

describe("the tail, explored", () => {
  it("two threads append, a third waits: each place once, and who comes after is told", () => {
    assertGreater(explore([1, 1], true), 500);
  });

  it("one thread appends twice, another waits and goes: nothing is left of it", () => {
    assertGreater(explore([2], false), 100);
    assertGreater(explore([1, 1], false), 500);
  });

  it("a thread ends in the middle: only who has the port's lock goes on", () => {
    const [DEAD, HEIR] = [0, 1];
    const states = walkAccesses({
      words: 2,
      programs: [
        (memory) => beginAppend(memory, TAIL, DEAD, 1, true),
        (memory) => {
          const tail = beginAppend(memory, TAIL, HEIR, 1, true);
          endAppend(memory, TAIL, memory.peek(TAIL), tail + 1);
          return tail;
        },
        (memory) => {
          const tail = beginAppend(memory, TAIL, HEIR + 1, 1, false);
          if (tail !== IS_GONE) endAppend(memory, TAIL, memory.peek(TAIL), tail + 1);
          return tail;
        },
      ],
      isGone: (owner) => owner === threadAt(DEAD),
      check: (memory, [, heir, other]) => {
        assert(heir !== IS_GONE);
        assertEquals(memory[TAIL] & 0x7ffff, other === IS_GONE ? 1 : 2);
      },
    });
    assertGreater(states, 50);
  });

  it("broken on purpose: the word is given back as if it were a plain lock", () => {
    const plain = changed((memory) => ({
      compareExchange: (at, expected, value) =>
        (value & 0x7ff << 19) === 0
          ? (memory.exchange(at, value), expected)
          : memory.compareExchange(at, expected, value),
    }));
    assert(/not told|sleeps for ever/.test(failureOf(plain)), failureOf(plain));
  });

  it("broken on purpose: giving back without waking", () => {
    const mute = changed(() => ({ wake: () => {} }));
    assert(failureOf(mute).includes("sleeps for ever"), failureOf(mute));
  });
});
