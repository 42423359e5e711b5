import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Folder } from "../conformance/fixture.ts";
import { command, run } from "./tool.ts";

describe("examples/pool.ts", () => {
  it("counts the lines of files, and ends by itself", () => {
    using folder = new Folder();
    const files = Array.from({ length: 50 }, (_, i) => folder.file(`${i}.txt`, "line\n".repeat(i)));
    const { status, out, error } = run(command("examples/pool.ts", ...files));
    assertEquals([status, error], [0, ""]);
    const lines = out.trimEnd().split("\n").toSorted();
    assertEquals(lines, files.map((file, i) => `${i} ${file}`).toSorted());
  });

  it("names a file that it cannot read, counts the others, and says so by its status", () => {
    using folder = new Folder();
    const file = folder.file("three.txt", "a\nb\nc\n");
    const { status, out, error } = run(command("examples/pool.ts", folder.path("no"), file));
    assertEquals([status, out], [1, `3 ${file}\n`]);
    assert(error.includes("ENOENT"), error);
  });
});
