/**
 * The harness of the bench: turns, figures, and what becomes of a contender that is not there.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { median, randoms, ratioOf, spreadOf } from "../../bench/figures.ts";
import { measureCase } from "../../bench/harness.ts";
import { type Case, type Contender, LeftOut } from "../../bench/scenario.ts";
import { caseText } from "../../bench/table.ts";

/** One whose passes come to these figures, and which notes its turns in `log`. */
function contender(name: string, figures: readonly number[], log: string[] = []): Contender {
  return {
    name,
    isOurs: name === "ours",
    open: () => {
      let pass = 0;
      return {
        pass(): number {
          log.push(name);
          return figures[pass++];
        },
        close: () => void log.push(`${name} closed`),
      };
    },
  };
}

function caseOf(contenders: readonly Contender[], goals: Case["goals"] = []): Case {
  return { name: "a case", unit: "/s", contenders, goals };
}

describe("bench harness", () => {
  it("each does a pass that does not count, then rounds in which another one begins", async () => {
    const log: string[] = [];
    const all = ["ours", "a", "b"].map((name) => contender(name, [0, 1, 2, 3], log));
    const result = await measureCase(caseOf(all), 3);
    const rounds = ["ours", "a", "b", "a", "b", "ours", "b", "ours", "a"];
    assertEquals(log, ["ours", "a", "b", ...rounds, "ours closed", "a closed", "b closed"]);
    assertEquals(result.contenders.map(({ samples }) => samples), Array(3).fill([1, 2, 3]));
  });

  it("a ratio is the median of those of the rounds, and above 1 where ours is better", async () => {
    const all = [contender("ours", [0, 10, 20, 90]), contender("a", [0, 5, 40, 30])];
    const { contenders } = await measureCase(caseOf(all), 3);
    assertEquals(contenders.map(({ ratio }) => ratio), [1, 2]);
    assertEquals(ratioOf([10, 20], [5, 10], false), 0.5);
  });

  it("a goal is held against the best of its rivals", async () => {
    const all = [["ours", 30], ["x 1", 10], ["x 2", 20], ["y", 60]] as const;
    const goals = [{ rivals: ["x"], ratio: 2 }, { rivals: ["z"], ratio: 1 }];
    const contenders = all.map(([name, figure]) => contender(name, [0, figure]));
    const result = await measureCase(caseOf(contenders, goals), 1);
    assertEquals(result.goals.map(({ reached }) => reached), [1.5, null]);
  });

  it("what cannot be had is left out with the reason, and what fails has failed", async () => {
    const log: string[] = [];
    const all: Contender[] = [
      contender("ours", [0, 1, 2]),
      {
        name: "absent",
        open: () => {
          throw new LeftOut("it is not installed");
        },
      },
      { name: "broken", open: () => ({ pass: () => Promise.reject(new Error("it broke")) }) },
      {
        name: "late",
        open: () => ({
          pass(): number {
            if (log.push("pass") === 2) throw new Error("it broke in the first round");
            return 1;
          },
          close: () => void log.push("closed"),
        }),
      },
    ];
    const result = await measureCase(caseOf(all), 2);
    assertEquals(result.contenders.map(({ name }) => name), ["ours"]);
    assertEquals(result.absent, [
      { name: "absent", reason: "it is not installed", hasFailed: false },
      { name: "broken", reason: "it broke", hasFailed: true },
      { name: "late", reason: "it broke in the first round", hasFailed: true },
    ]);
    assertEquals(log, ["pass", "pass", "closed"]);
    const text = caseText("scenario", result);
    assertEquals(text.includes("absent: left out: it is not installed"), true);
    assertEquals(text.includes("broken: FAILED: it broke"), true);
  });

  it("notes of all rounds are added up", async () => {
    const lossy: Contender = {
      name: "lossy",
      open: () => ({ pass: () => ({ value: 1, notes: { lost: 2 } }) }),
    };
    const { contenders } = await measureCase(caseOf([lossy]), 3);
    assertEquals(contenders[0].notes, { lost: 6 });
  });

  it("figures: the median, the spread, and random numbers that are the same in each run", () => {
    assertEquals([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5]);
    assertEquals(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 });
    assertEquals(randoms(3, 100), randoms(3, 100));
    assertEquals(randoms(1000, 10).every((number) => number < 10), true);
  });
});
