import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { linux } from "../../src/system/linux/linux.ts";
import { system } from "../../src/system/system.ts";
import { windows } from "../../src/system/windows/windows.ts";
import { isWindows } from "../conformance/fixture.ts";

/** Each function of a system and how many parameters it takes; each fact and its type. */
function signatures(of: object): Record<string, string> {
  const entries = Object.entries(of).map(([name, value]) => [
    name,
    typeof value === "function" ? `function of ${value.length}` : typeof value,
  ]);
  return Object.fromEntries(entries.toSorted());
}

describe("the two systems", () => {
  it("have the same functions, by name and number of parameters", () => {
    assertEquals(signatures(linux), signatures(windows));
    assert(Object.keys(linux).length > 15);
  });

  it("have no function that only one of them has given a name of its own", () => {
    for (const name of Object.keys(windows)) assert(/^[a-z][A-Za-z]+$/.test(name), name);
  });

  it("the one in use is that of this platform", () => {
    assert(system === (isWindows ? windows : linux));
    assertEquals(system.name, isWindows ? "windows" : "linux");
  });
});
