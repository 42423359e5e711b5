/**
 * Every scenario of the bench works: each is run tiny, as a person would run it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { existsSync, readFileSync } from "node:fs";
import type { Report } from "../../bench/report.ts";
import { SCENARIOS } from "../../bench/scenarios.ts";
import { Folder, isWindows, itUnless } from "../conformance/fixture.ts";
import { command, run } from "../examples/tool.ts";

const PROGRAM = "bench/bench.ts";

/** Scenarios that start no other programs. */
const ALONE = ["post-take", "overhead"];

const unlessPrograms = isWindows && "it starts programs, which takes Wine seconds each";
const unlessEsbuild = (isWindows || !existsSync("node_modules/@esbuild")) &&
  "there is no esbuild for this system";

function smoke(folder: Folder, ...args: string[]): Report {
  const file = folder.path("result.json");
  const all = command(PROGRAM, "--smoke", "--json", file, ...args);
  const { status, out, error } = run(all);
  assertEquals(status, 0, out + error);
  return JSON.parse(readFileSync(file, "utf8"));
}

describe("bench", () => {
  for (const { name } of SCENARIOS) {
    const reason = isWindows && !ALONE.includes(name) &&
      "it starts programs, which takes Wine seconds each";
    itUnless(reason, `${name} measures all that can be had, and names what it leaves out`, () => {
      using folder = new Folder();
      const { scenarios } = smoke(folder, name);
      assertEquals(scenarios.map((scenario) => scenario.name), [name]);
      for (const { name: title, contenders, absent } of scenarios[0].cases) {
        assert(contenders.length + absent.length > 0, title);
        for (const { median, samples } of contenders) {
          assertEquals(samples.length, 1, title);
          assert(Number.isFinite(median) && median >= 0, title);
        }
        for (const { reason } of absent) assert(reason !== "", title);
      }
    });
  }

  itUnless(unlessPrograms, "several scenarios are in one result, in the order asked for", () => {
    using folder = new Folder();
    const { scenarios, isSmoke, rounds } = smoke(folder, "--rounds", "2", "overhead", "scale");
    assertEquals(scenarios.map(({ name }) => name), ["overhead", "scale"]);
    assertEquals([isSmoke, rounds], [true, 2]);
    assertEquals(scenarios[0].cases[0].contenders[0].samples.length, 2);
  });

  itUnless(unlessEsbuild, "--html writes one page that needs nothing but itself", () => {
    using folder = new Folder();
    const page = folder.path("page.html");
    smoke(folder, "overhead", "--html", page);
    const text = readFileSync(page, "utf8");
    assert(text.includes("startOperation, getMany"), "the figures are in it");
    assertEquals(text.match(/<(?:script|img|link)[^>]* (?:src|href)=/), null);
    const [, json] = /<script type="application\/json" id="report">([^]*?)<\/script>/.exec(text)!;
    assertEquals(JSON.parse(json).scenarios[0].name, "overhead");
  });

  it("--list names every scenario", () => {
    const { status, out } = run(command(PROGRAM, "--list"));
    assertEquals(status, 0);
    const names = out.trimEnd().split("\n").map((line) => line.split(" ")[0]);
    assertEquals(names, SCENARIOS.map(({ name }) => name));
  });

  for (
    const [args, message] of [
      [["watches"], "there is no scenario 'watches'; there are post-take, "],
      [["--rounds", "0"], "--rounds takes a whole number from 1 to 1000, not '0'"],
      [["scale", "--case", "depth"], "no case of scale has 'depth' in its name"],
      [["--fast"], "Unknown option '--fast'"],
    ] as const
  ) {
    it(`${args.join(" ")} is refused before anything is measured`, () => {
      const { status, out, error } = run(command(PROGRAM, ...args));
      assertEquals([status, out], [2, ""]);
      assert(error.includes(message), error);
    });
  }
});
