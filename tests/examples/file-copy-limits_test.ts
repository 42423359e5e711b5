import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { ledger } from "../../src/core/ledger.ts";
import { region } from "../../src/system/linux/region.ts";
import { Folder, isLinux, isWindows, itUnless, unlessLinux } from "../conformance/fixture.ts";
import { mappings, openHandles } from "../conformance/handles.ts";
import { command, copyTool, run } from "./tool.ts";

/** How many of everything there are: what is open, and what this module keeps. */
function counts(): Record<string, number> {
  const { operations, handles, buffers, ports } = ledger();
  const all: Record<string, { count(): number }> = { operations, handles, buffers, ports };
  if (isLinux) all.requests = region().requests;
  return Object.fromEntries(Object.entries(all).map(([name, table]) => [name, table.count()]));
}

/** What the runtime may open or map for itself meanwhile. */
const OTHERS = 100;

async function assertLeavesNothing(rounds: number, copy: () => Promise<void>): Promise<void> {
  for (let warm = 0; warm < 3; warm++) await copy();
  const before = { counts: counts(), handles: openHandles(), mappings: isLinux ? mappings() : [] };
  for (let round = 0; round < rounds; round++) await copy();
  assertEquals(counts(), before.counts);
  assertLess(openHandles(), before.handles + OTHERS);
  if (isLinux) assertLess(mappings().length, before.mappings.length + OTHERS);
}

describe("file-copy leaves behind", () => {
  const [files, rounds] = isWindows ? [100, 5] : [500, 10];

  it(`nothing of ${files * rounds} files copied in a row`, async () => {
    using folder = new Folder();
    mkdirSync(folder.path("tree"));
    for (let index = 0; index < files; index++) folder.file(`tree/${index}`, `file ${index}`);
    await assertLeavesNothing(rounds, async () => {
      assertEquals((await copyTool("--quiet", folder.path("tree"), folder.path("copy"))).status, 0);
      assertEquals(readdirSync(folder.path("copy")).length, files);
      rmSync(folder.path("copy"), { recursive: true });
    });
  });

  it("nothing of 120 copies, each a run of its own, half of which fail", async () => {
    using folder = new Folder();
    mkdirSync(folder.path("copy/b"), { recursive: true });
    const good = folder.file("good", "content");
    mkdirSync(folder.path("bad"));
    for (const name of ["a", "b"]) writeFileSync(folder.path(`bad/${name}`), name);
    await assertLeavesNothing(60, async () => {
      const target = folder.path("target");
      assertEquals((await copyTool("--quiet", "--verify", good, target)).status, 0);
      assertEquals((await copyTool("--quiet", folder.path("bad"), folder.path("copy"))).status, 1);
    });
  });
});

const MIB = 2 ** 20;

/** The most memory of its own that the program has held while it copied. */
function peakOf(...args: string[]): number {
  const { out, error } = run(command("tests/examples/probe.ts", ...args));
  const { status, peakBytes } = JSON.parse(out.trim().split("\n").at(-1) ?? "{}");
  assertEquals([status, error], [0, ""]);
  return peakBytes;
}

describe("file-copy takes memory", () => {
  for (const [depth, block] of [[16, 1], [8, 4]]) {
    itUnless(unlessLinux, `of twice its buffer at most: --depth ${depth} --block ${block}M`, () => {
      using folder = new Folder();
      const options = ["--quiet", "--depth", `${depth}`, "--block", `${block}M`];
      const small = folder.file("small", "content");
      const large = folder.file("large");
      truncateSync(large, 1024 * MIB);
      const idle = peakOf(...options, small, folder.path("target"));
      const peak = peakOf(...options, large, folder.path("target"));
      assertLessOrEqual(peak - idle, 2 * depth * block * MIB);
    });
  }
});
