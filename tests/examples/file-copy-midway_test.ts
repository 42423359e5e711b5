/**
 * What happens while a copy is under way. Where it can be, the event is raised by
 * the copy itself, at a block that is known; else by a process that is stopped.
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { CopyFailure } from "../../examples/file-copy/failure.ts";
import { releasePart, reservePart } from "../../examples/file-copy/part.ts";
import { Progress } from "../../examples/file-copy/progress.ts";
import { Pump } from "../../examples/file-copy/pump.ts";
import { Folder, isLinux, isWindows, itUnless } from "../conformance/fixture.ts";
import { contentOf, copyTool, partsIn, pattern, run, Running, toolCommand } from "./tool.ts";

const BLOCK = 4096;

/** Does something after a number of bytes; the tool's own progress only counts. */
class Trigger extends Progress {
  #left: number;
  readonly #act: () => void;

  constructor(bytes: number, act: () => void) {
    super(() => 0, 1, null);
    this.#left = bytes;
    this.#act = act;
  }

  override add(bytes: number): void {
    super.add(bytes);
    this.#left -= bytes;
    if (this.#left === 0) this.#act();
  }
}

interface Midway {
  readonly size: number;
  /** After how many bytes `act` is called. */
  readonly after: number;
  readonly act: (source: string, part: string) => void;
  readonly verify?: boolean;
}

/** Copies one file block by block over an old target; `act` is called in between. */
async function copyMidway(folder: Folder, { size, after, act, verify = false }: Midway) {
  const source = folder.file("source", pattern(size));
  const target = folder.file("target", "old");
  const progress = new Trigger(after, () => act(source, partsIn(folder.path(""))[0]));
  const options = { depth: 1, block: BLOCK, unbuffered: false, verify, quiet: true };
  using pump = new Pump(options, { progress, check: () => {} });
  await pump.run([{ source, target, size }]);
}

function assertUnharmed(folder: Folder): void {
  assertEquals(readFileSync(folder.path("target"), "utf8"), "old");
  assertEquals(partsIn(folder.path("")), []);
}

describe("file-copy, midway", () => {
  for (const size of [0, BLOCK, 2 * BLOCK + 1]) {
    it(`a source that shrinks to ${size} is named, and the old target stays`, async () => {
      using folder = new Folder();
      const act = (source: string) => truncateSync(source, size);
      await assertRejects(
        () => copyMidway(folder, { size: 10 * BLOCK, after: 2 * BLOCK, act }),
        CopyFailure,
        "source: It shrank while it was read",
      );
      assertUnharmed(folder);
    });
  }

  it("a source that grows is copied in the size it had", async () => {
    using folder = new Folder();
    const act = (source: string) => writeFileSync(source, "more", { flag: "a" });
    await copyMidway(folder, { size: 3 * BLOCK + 5, after: 2 * BLOCK, act });
    const copy = new Uint8Array(readFileSync(folder.path("target")));
    assertEquals(copy, pattern(3 * BLOCK + 5));
  });

  it("--verify finds one wrong byte, says where, and the old target stays", async () => {
    using folder = new Folder();
    const act = (_: string, part: string) => {
      const file = openSync(part, "r+");
      writeSync(file, new Uint8Array([0, 1, 2, 3]), 0, 4, 2 * BLOCK + 7);
      closeSync(file);
    };
    // Under way is the comparing: the last block has been written.
    const midway = { size: 4 * BLOCK, after: 4 * BLOCK, act, verify: true };
    await assertRejects(() => copyMidway(folder, midway), CopyFailure, `differs at byte ${8199}`);
    assertUnharmed(folder);
  });

  it("--verify finds a copy that has become too short", async () => {
    using folder = new Folder();
    const act = (_: string, part: string) => truncateSync(part, BLOCK);
    const midway = { size: 4 * BLOCK, after: 4 * BLOCK, act, verify: true };
    await assertRejects(() => copyMidway(folder, midway), CopyFailure, "shorter than what was");
    assertUnharmed(folder);
  });

  it("whatever is thrown with many files in flight, nothing of them is left", async () => {
    using folder = new Folder();
    const files = Array.from({ length: 40 }, (_, index) => ({
      source: folder.file(`source-${index}`, pattern(3 * BLOCK)),
      target: folder.path(`target-${index}`),
      size: 3 * BLOCK,
    }));
    const progress = new Trigger(30 * BLOCK, () => {
      throw new Error("stop");
    });
    const options = { depth: 16, block: BLOCK, unbuffered: false, verify: false, quiet: true };
    await assertRejects(
      async () => {
        using pump = new Pump(options, { progress, check: () => {} });
        await pump.run(files);
      },
      Error,
      "stop",
    );
    assertEquals(partsIn(folder.path("")), []);
    for (const { source, target } of files) {
      if (existsSync(target)) assertEquals(readFileSync(target), readFileSync(source));
    }
  });
});

/** A copy that takes long: of zeros that lie nowhere, and in small steps. */
const LONG = ["--depth", "1", "--block", "4096"];

function makeLongFile(folder: Folder): string {
  const source = folder.file("source");
  truncateSync(source, 2 ** 30);
  return source;
}

describe("file-copy, stopped", () => {
  for (const old of ["old", null]) {
    it(`killed, the target is ${old ?? "absent"}; run again, it completes`, async () => {
      using folder = new Folder();
      const source = makeLongFile(folder);
      mkdirSync(folder.path("in"));
      const target = join(folder.path("in"), "target");
      if (old !== null) writeFileSync(target, old);
      const running = new Running("--quiet", ...LONG, source, target);
      await running.underWay(folder.path("in"), "target");
      const { error } = await running.end("SIGKILL");
      assertEquals(error, "");
      assertEquals(existsSync(target) ? readFileSync(target, "utf8") : null, old);
      assertEquals(partsIn(folder.path("in")).length, 1);

      writeFileSync(source, "shorter now");
      assertEquals(run(toolCommand("--quiet", source, target)).status, 0);
      assertEquals(contentOf(folder.path("in")), { target: `file ${btoa("shorter now")}` });
    });
  }

  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    const reason = isWindows && "Windows has no way to send it to one process";
    itUnless(reason, `${signal} removes the part and leaves the old target`, async () => {
      using folder = new Folder();
      const source = makeLongFile(folder);
      mkdirSync(folder.path("in"));
      const target = folder.file("in/target", "old");
      const running = new Running("--quiet", ...LONG, source, target);
      await running.underWay(folder.path("in"), "target");
      const ended = await running.end(signal);
      assertEquals(ended, { status, out: "", error: `file-copy: interrupted by ${signal}\n` });
      assertEquals(contentOf(folder.path("in")), { target: `file ${btoa("old")}` });
    });
  }

  it("a folder stopped half-way and copied again is whole", async () => {
    using folder = new Folder();
    mkdirSync(join(folder.path("tree"), "deep"), { recursive: true });
    for (let index = 0; index < 20; index++) folder.file(`tree/${index}`, pattern(index * 1000));
    const long = folder.file("tree/long");
    truncateSync(long, 2 ** 30);
    const running = new Running("--quiet", ...LONG, folder.path("tree"), folder.path("copy"));
    await running.underWay(folder.path("copy"), "long");
    await running.end("SIGKILL");
    truncateSync(long, 10_000);
    const again = run(toolCommand("--quiet", folder.path("tree"), folder.path("copy")));
    assertEquals([again.status, again.error], [0, ""]);
    assertEquals(contentOf(folder.path("copy")), contentOf(folder.path("tree")));
  });
});

describe("file-copy, parts that were left", () => {
  it("of this target go: by a process that is gone, or untouched for an hour", async () => {
    using folder = new Folder();
    const source = folder.file("source", "content");
    const target = folder.path("target");
    const mine = reservePart(target);
    const [host] = /[0-9a-f]{8}-/.exec(mine)!;
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const gone = folder.file(`.target.${host}${pid}-0a1b2c3d.iocp-part`, "left");
    const old = folder.file(".target.ffffffff-1-0a1b2c3d.iocp-part", "left");
    utimesSync(old, 1_600_000_000, 1_600_000_000);
    const kept = [
      folder.file(".target.ffffffff-2-0a1b2c3d.iocp-part", `of another host than ${hostname()}`),
      folder.file(".other.ffffffff-2-0a1b2c3d.iocp-part", "of another target"),
      folder.file(".target.notes.iocp-part", "of somebody else"),
      mine,
    ];
    writeFileSync(mine, "being written by this process");
    assertEquals((await copyTool(source, target)).status, 0);
    assertEquals([gone, old].filter((path) => existsSync(path)), []);
    assertEquals(kept.filter((path) => existsSync(path)), kept);
    releasePart(mine);
  });
});

const unlessTerminal = !isLinux
  ? "a terminal of one's own takes Linux"
  : run(["sh", "-c", "command -v script"]).status !== 0 && "there is no script(1)";

describe("file-copy on a terminal", () => {
  itUnless(unlessTerminal, "draws a bar, and none with --quiet", () => {
    using folder = new Folder();
    const source = folder.file("source", pattern(1_000_000));
    const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
    const draw = (...options: string[]) => {
      const command = toolCommand(...options, source, folder.path("target")).map(quote).join(" ");
      return run(["script", "-qec", command, "/dev/null"], { TERM: "xterm" });
    };
    const { status, out } = draw();
    assertEquals(status, 0, out);
    assertMatch(out, /█+ 100%/);
    assertMatch(out, /Copied 1 file, 977 KiB/);
    const quiet = draw("--quiet");
    assertEquals(quiet.status, 0);
    assert(!quiet.out.includes("█") && !quiet.out.includes("Copied"), quiet.out);
  });
});
