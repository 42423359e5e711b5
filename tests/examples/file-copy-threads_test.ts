/**
 * The file copy with its packets taken by the threads of a pool.
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { mkdirSync, readFileSync, truncateSync } from "node:fs";
import { Crew } from "../../examples/file-copy/crew.ts";
import { CopyFailure } from "../../examples/file-copy/failure.ts";
import { Progress } from "../../examples/file-copy/progress.ts";
import { Pump } from "../../examples/file-copy/pump.ts";
import { Folder, isWindows, itUnless } from "../conformance/fixture.ts";
import { contentOf, copyTool, partsIn, pattern, run, Running, toolCommand } from "./tool.ts";

const BLOCK = 4096;
const SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 30 * BLOCK + 7];

/** Shrinks a file when so many bytes are done. */
class Shrinking extends Progress {
  readonly #path: string;

  constructor(path: string) {
    super(() => 0, 1, null);
    this.#path = path;
  }

  override add(bytes: number): void {
    super.add(bytes);
    if (this.bytes === 2 * BLOCK) truncateSync(this.#path, 9 * BLOCK + 1);
  }
}

describe("file-copy, --threads", () => {
  for (const threads of ["1", "2", "4"]) {
    it(`files of any size are the same: --threads ${threads}`, async () => {
      using folder = new Folder();
      const tree = folder.path("tree");
      mkdirSync(tree);
      for (const size of SIZES) folder.file(`tree/${size}`, pattern(size));
      for (const options of [[], ["--verify"], ["--depth", "1"], ["--depth", "32", "--verify"]]) {
        const copy = folder.path(`copy${options.join("")}`);
        const args = ["--threads", threads, "--block", "4096", ...options, tree, copy];
        const { status, complained } = await copyTool(...args);
        assertEquals([status, complained], [0, []]);
        assertEquals(contentOf(copy), contentOf(tree), args.join(" "));
      }
    });
  }

  it("a tree of many files is copied whole", async () => {
    using folder = new Folder();
    for (const name of ["tree", "tree/sub"]) mkdirSync(folder.path(name));
    for (let i = 0; i < 500; i++) {
      folder.file(`tree/${i % 2 === 0 ? "sub/" : ""}${i}`, pattern(i * 37));
    }
    const copy = folder.path("copy");
    const { status, printed } = await copyTool("--threads", "3", folder.path("tree"), copy);
    assertEquals(status, 0);
    assertMatch(printed.at(-1) ?? "", / 500 files, /);
    assertEquals(contentOf(copy), contentOf(folder.path("tree")));
  });

  it("a source that shrinks in its last block is named, the old target stays, and no thread is left", async () => {
    using folder = new Folder();
    const size = 10 * BLOCK;
    const source = folder.file("source", pattern(size));
    const target = folder.file("target", "old");
    const options = { depth: 1, block: BLOCK, unbuffered: false, verify: false, quiet: true };
    await using crew = new Crew(2, options.depth);
    {
      const progress = new Shrinking(source);
      using pump = new Pump(options, { progress, check: () => {} }, crew);
      const copying = async () => {
        try {
          await pump.run([{ source, target, size }]);
        } finally {
          await crew.end();
        }
      };
      const failure = await assertRejects(copying, CopyFailure);
      assertMatch(failure.message, /source: It shrank while it was read$/);
    }
    assertEquals(readFileSync(target, "utf8"), "old");
    assertEquals(partsIn(folder.path("")), []);
    assertEquals(crew.pool.counters.threads, 0);
  });

  it("a target that cannot be is named, with status 1", async () => {
    using folder = new Folder();
    const args = ["--threads", "2", folder.file("source", "x"), folder.path("no/target")];
    const { status, complained } = await copyTool(...args);
    assertEquals([status, complained.length], [1, 1]);
    assertMatch(complained[0], /^cannot write .*target: There is no folder to put it in$/);
  });

  itUnless(isWindows && "Windows has no such signals", "a signal leaves nothing", async () => {
    using folder = new Folder();
    const source = folder.file("source");
    truncateSync(source, 2 ** 30);
    const running = new Running(
      "--threads",
      "2",
      "--depth",
      "1",
      "--block",
      "4096",
      source,
      folder.path("target"),
    );
    await running.underWay(folder.path(""), "target");
    const { status, error } = await running.end("SIGTERM");
    assertEquals([status, error], [143, "file-copy: interrupted by SIGTERM\n"]);
    assertEquals(Object.keys(contentsBut(folder, "source")), []);
  });

  it("it is a program that ends by itself", () => {
    using folder = new Folder();
    const source = folder.file("source", pattern(100_000));
    const args = ["--threads", "2", "--verify", source, folder.path("target")];
    const { status, out, error } = run(toolCommand(...args));
    assertEquals([status, error], [0, ""]);
    assertMatch(out, /^Copied and verified 1 file, /);
    assert(readFileSync(folder.path("target")).equals(readFileSync(source)));
  });

  for (const threads of ["0", "1.5", "129", "x"]) {
    it(`--threads ${threads} is answered with what is wrong`, async () => {
      const { status, complained } = await copyTool("--threads", threads, "a", "b");
      assertEquals([status, complained], [
        2,
        [`--threads takes a whole number from 1 to 128, not '${threads}'\nTry --help.`],
      ]);
    });
  }
});

function contentsBut(folder: Folder, name: string): Record<string, string> {
  truncateSync(folder.path(name), 0);
  const { [name]: _, ...others } = contentOf(folder.path(""));
  return others;
}
