import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { conflict, overlap, type Range, Wanted } from "../../../src/system/linux/ranges.ts";
import { chooseSeed, randomFrom } from "../../conformance/random.ts";

function range(offset: number, length: number, isExclusive = true): Range {
  return { offset, length, isExclusive };
}

describe("ranges", () => {
  it("overlap if they have a byte in common, or one of no bytes lies inside the other", () => {
    assertEquals(overlap(range(0, 10), range(9, 1)), true);
    assertEquals(overlap(range(0, 10), range(10, 1)), false);
    assertEquals(overlap(range(0, 10), range(5, 0)), true);
    assertEquals(overlap(range(0, 10), range(0, 0)), false);
    assertEquals(overlap(range(0, 10), range(10, 0)), false);
    assertEquals(overlap(range(5, 0), range(5, 0)), false);
    assertEquals(overlap(range(2 ** 53 - 1, 2 ** 53 - 1), range(2 ** 53, 1)), true);
  });

  it("conflict if they overlap and are not both shared", () => {
    assertEquals(conflict(range(0, 2, false), range(1, 2, false)), false);
    assertEquals(conflict(range(0, 2, true), range(1, 2, false)), true);
    assertEquals(conflict(range(0, 2, false), range(1, 2, true)), true);
  });

  it("that are wanted conflict with another as each one by itself would", () => {
    const below = randomFrom(chooseSeed("ranges"));
    for (let round = 0; round < 300; round++) {
      const wanted = new Wanted();
      const each: Range[] = [];
      for (let i = 0; i < 40; i++) {
        const next = range(below(60), below(6), below(2) === 0);
        const expected = each.some((one) => conflict(one, next));
        assertEquals(wanted.conflictsWith(next), expected, `round ${round}, range ${i}`);
        wanted.add(next);
        each.push(next);
      }
    }
  });
});
