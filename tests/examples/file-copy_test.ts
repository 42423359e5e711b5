import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { FileHandle, Win32Error } from "../../mod.ts";
import { Folder, isBun, isWindows, isWine, itUnless } from "../conformance/fixture.ts";
import { contentOf, copyTool, partsIn, pattern, run, toolCommand } from "./tool.ts";

const unlessModes = isWindows && "Windows has no modes";
const unlessAccessed = isWine && isBun && "Bun under Wine sets no time of access";
const unlessLinks = isWindows && "links need a privilege on Windows";

/** Whether files of the temporary folder can be read past the page cache. */
function canBeUnbuffered(): boolean {
  using folder = new Folder();
  try {
    FileHandle.open(folder.file("probe"), { read: true, unbuffered: true }).close();
    return true;
  } catch (error) {
    if (error instanceof Win32Error && error.code === 87) return false;
    throw error;
  }
}

const unlessUnbuffered = !canBeUnbuffered() && "the temporary folder knows no unbuffered I/O";

/** Sizes around the edges of blocks of 4096 and of two of them. */
const SIZES = [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 3 * 4096 + 1, 100_000];

async function assertCopies(folder: Folder, size: number, ...options: string[]): Promise<void> {
  const content = pattern(size);
  const source = folder.file("source", content);
  const target = folder.path("target");
  assertEquals((await copyTool(...options, source, target)).status, 0);
  assertEquals(new Uint8Array(readFileSync(target)), content, `${size} ${options.join(" ")}`);
  assertEquals(partsIn(folder.path("")), []);
}

describe("file-copy, a file", () => {
  for (const depth of ["1", "3", "8"]) {
    it(`is the same, of any size: --depth ${depth} --block 4096`, async () => {
      using folder = new Folder();
      for (const size of SIZES) {
        await assertCopies(folder, size, "--depth", depth, "--block", "4096");
        await assertCopies(folder, size, "--depth", depth, "--block", "4K", "--verify");
      }
    });
  }

  it("is the same with the defaults, and with blocks larger than it", async () => {
    using folder = new Folder();
    await assertCopies(folder, 20_000_001);
    await assertCopies(folder, 20_000_001, "--verify");
    await assertCopies(folder, 5_000_000, "--block", "8MiB", "--depth", "2", "--verify");
  });

  itUnless(unlessUnbuffered, "is the same with --unbuffered, of any size", async () => {
    using folder = new Folder();
    for (const size of [...SIZES, 3_000_001]) {
      await assertCopies(folder, size, "--unbuffered", "--block", "4096");
      await assertCopies(folder, size, "--unbuffered", "--block", "64K", "--verify");
    }
  });

  it("replaces what the target was, and says what was done", async () => {
    using folder = new Folder();
    const source = folder.file("source", "new");
    const target = folder.file("target", "old and longer");
    const { status, printed, complained } = await copyTool(source, target);
    assertEquals([status, complained], [0, []]);
    assertEquals(printed.length, 1);
    assertMatch(printed[0], /^Copied 1 file, 3 B in .* s \(.*\/s\)$/);
    assertEquals(readFileSync(target, "utf8"), "new");
  });

  it("lands in a folder under its own name, also by a path with a dot", async () => {
    using folder = new Folder();
    const source = folder.file("a b", "content");
    const into = folder.path("in");
    mkdirSync(into);
    assertEquals((await copyTool(source, into)).status, 0);
    assertEquals((await copyTool(`${into}/../a b`, `${into}/.`)).status, 0);
    assertEquals(contentOf(folder.path("in")), { "a b": `file ${btoa("content")}` });
  });

  for (const time of ["mtimeMs", "atimeMs"] as const) {
    itUnless(time === "atimeMs" && unlessAccessed, `keeps its ${time}`, async () => {
      using folder = new Folder();
      const source = folder.file("source", "content");
      utimesSync(source, 1_600_000_000.25, 1_500_000_000.75);
      assertEquals((await copyTool(source, folder.path("target"))).status, 0);
      const expected = time === "atimeMs" ? 1_600_000_000_250 : 1_500_000_000_750;
      assertEquals(statSync(folder.path("target"))[time], expected);
    });
  }

  itUnless(unlessModes, "keeps its mode, but for set-user-ID and set-group-ID", async () => {
    using folder = new Folder();
    const source = folder.file("source", "content");
    for (const [mode, kept] of [[0o640, 0o640], [0o444, 0o444], [0o6755, 0o755]]) {
      chmodSync(source, mode);
      assertEquals((await copyTool(source, folder.path("target"))).status, 0);
      assertEquals(statSync(folder.path("target")).mode & 0o7777, kept);
    }
  });

  itUnless(unlessLinks, "is what SRC links to; a link DST stays one", async () => {
    using folder = new Folder();
    folder.file("source", "new");
    folder.file("target", "old");
    symlinkSync("source", folder.path("from"));
    symlinkSync("target", folder.path("to"));
    assertEquals((await copyTool(folder.path("from"), folder.path("to"))).status, 0);
    assertEquals(contentOf(folder.path("")), {
      from: "link to source",
      source: `file ${btoa("new")}`,
      target: `file ${btoa("new")}`,
      to: "link to target",
    });
  });

  it("may have the longest name there is", async () => {
    using folder = new Folder();
    const target = folder.path("é".repeat(100) + "n".repeat(isWindows ? 20 : 55));
    assertEquals((await copyTool(folder.file("source", "content"), target)).status, 0);
    assertEquals(readFileSync(target, "utf8"), "content");
  });
});

/** Names that a careless program trips over. */
const ODD_NAMES = [
  "-leading-dash",
  "--help",
  "with space",
  " leading space",
  "ünïcödé",
  "日本語.txt",
  "🚀",
  "e\u0301 decomposed",
  "per%20cent#hash;semi",
  "quote'",
  ".hidden",
  ...(isWindows ? [] : ["back\\slash", "new\nline", "tab\t", 'double"', "*?<>|:", "ends with."]),
];

function makeTree(folder: Folder, files: number): string {
  const tree = folder.path("tree");
  for (const name of ["", "/deep", "/deep/er", "/empty", "/-x", "/über"]) mkdirSync(tree + name);
  for (let index = 0; index < files; index++) {
    const place = ["", "/deep", "/deep/er", "/-x", "/über"][index % 5];
    writeFileSync(`${tree}${place}/file-${index}`, pattern(index * 7919 % 9000));
  }
  for (const name of ODD_NAMES) writeFileSync(`${tree}/deep/${name}`, name);
  return tree;
}

describe("file-copy, a folder", () => {
  for (const options of [[], ["--depth", "1", "--block", "4096"], ["--verify", "--depth", "32"]]) {
    it(`is copied whole, 500 files and odd names: ${options.join(" ") || "defaults"}`, async () => {
      using folder = new Folder();
      const tree = makeTree(folder, 500);
      const { status, printed } = await copyTool(...options, tree, folder.path("copy"));
      assertEquals(status, 0);
      // A slow one says in between how far it is.
      assertMatch(printed.at(-1) ?? "", new RegExp(` ${500 + ODD_NAMES.length} files, `));
      assertEquals(contentOf(folder.path("copy")), contentOf(tree));
    });
  }

  it("keeps its times and those of folders in it", async () => {
    using folder = new Folder();
    const tree = makeTree(folder, 5);
    const times = { "/deep/er": 1_400_000_000.5, "/deep": 1_300_000_000.25, "": 1_200_000_000 };
    for (const [name, time] of Object.entries(times)) utimesSync(tree + name, time, time);
    assertEquals((await copyTool(tree, folder.path("copy"))).status, 0);
    for (const [name, time] of Object.entries(times)) {
      assertEquals(statSync(folder.path("copy") + name).mtimeMs, time * 1000, name);
    }
  });

  itUnless(unlessModes, "keeps modes, also of folders that nothing can be put into", async () => {
    using folder = new Folder();
    const tree = makeTree(folder, 5);
    chmodSync(`${tree}/deep/er`, 0o555);
    chmodSync(`${tree}/file-0`, 0o604);
    assertEquals((await copyTool(tree, folder.path("copy"))).status, 0);
    assertEquals(statSync(`${folder.path("copy")}/deep/er`).mode & 0o777, 0o555);
    assertEquals(statSync(`${folder.path("copy")}/file-0`).mode & 0o777, 0o604);
    chmodSync(`${tree}/deep/er`, 0o755);
    chmodSync(`${folder.path("copy")}/deep/er`, 0o755);
  });

  itUnless(unlessLinks, "keeps links as links, with their times", async () => {
    using folder = new Folder();
    const tree = makeTree(folder, 5);
    symlinkSync("file-0", `${tree}/to a file`);
    symlinkSync("deep", `${tree}/to a folder`);
    symlinkSync("/no/such/thing", `${tree}/to nothing`);
    assertEquals((await copyTool(tree, folder.path("copy"))).status, 0);
    assertEquals((await copyTool(tree, folder.path("copy"))).status, 0, "once more");
    assertEquals(contentOf(folder.path("copy")), contentOf(tree));
    const [link, copy] = [tree, folder.path("copy")].map((at) => lstatSync(`${at}/to nothing`));
    assertEquals(Math.floor(copy.mtimeMs), Math.floor(link.mtimeMs));
  });

  it("keeps what else a folder that exists has, and replaces what differs", async () => {
    using folder = new Folder();
    const tree = makeTree(folder, 5);
    mkdirSync(`${folder.path("copy")}/deep`, { recursive: true });
    writeFileSync(`${folder.path("copy")}/deep/other`, "kept");
    writeFileSync(`${folder.path("copy")}/file-0`, "replaced, as it is another one");
    assertEquals((await copyTool(tree, folder.path("copy"))).status, 0);
    assertEquals(contentOf(folder.path("copy")), {
      ...contentOf(tree),
      "deep/other": `file ${btoa("kept")}`,
    });
  });

  it("of empty files only, and one of nothing", async () => {
    using folder = new Folder();
    mkdirSync(folder.path("none"));
    mkdirSync(folder.path("tree"));
    for (let index = 0; index < 50; index++) folder.file(`tree/${index}`);
    assertEquals((await copyTool(folder.path("tree"), folder.path("copy"))).status, 0);
    assertEquals((await copyTool(folder.path("none"), folder.path("nothing"))).status, 0);
    assertEquals(readdirSync(folder.path("copy")).length, 50);
    assertEquals(contentOf(folder.path("nothing")), {});
  });

  it("has hard links: they become files of their own", async () => {
    using folder = new Folder();
    const tree = makeTree(folder, 5);
    linkSync(`${tree}/file-0`, `${tree}/twin`);
    assertEquals((await copyTool(tree, folder.path("copy"))).status, 0);
    assertEquals(contentOf(folder.path("copy")), contentOf(tree));
  });
});

describe("file-copy, the command", () => {
  it("--help is printed to standard output, and the status is 0", () => {
    const { status, out, error } = run(toolCommand("--help"));
    assertEquals([status, error], [0, ""]);
    assertMatch(out, /^Usage: file-copy .*--depth N.*--verify/s);
  });

  it("--quiet prints nothing", async () => {
    using folder = new Folder();
    const source = folder.file("source", "content");
    const outcome = await copyTool("--quiet", source, folder.path("target"));
    assertEquals(outcome, { status: 0, printed: [], complained: [] });
  });

  for (
    const [args, complaint] of [
      [["--bogus", "a", "b"], "Unknown option '--bogus'"],
      [["one"], "SRC and DST are needed, and 1 given"],
      [["a", "b", "c"], "SRC and DST are needed, and 3 given"],
      [["--depth", "0", "a", "b"], "--depth takes a whole number from 1 to 1024, not '0'"],
      [["--depth", "x", "a", "b"], "--depth takes a whole number from 1 to 1024, not 'x'"],
      [["--block", "1000", "a", "b"], "--block takes a multiple of 4096 up to 1G, .* not '1000'"],
      [["--block", "1MB", "a", "b"], "--block takes a multiple of 4096 up to 1G, .* not '1MB'"],
      [["--block", "1G", "a", "b"], "--depth times --block is more than 2G"],
      [["", "b"], "SRC and DST cannot be empty"],
    ] as const
  ) {
    it(`answers ${args.join(" ")} with what is wrong, and status 2`, async () => {
      const { status, printed, complained } = await copyTool(...args);
      assertEquals([status, printed, complained.length], [2, [], 1]);
      assertMatch(complained[0], new RegExp(`^${complaint}\nTry --help.$`));
    });
  }

  it("without arguments copies and verifies a sample, and leaves nothing of it", () => {
    using folder = new Folder();
    const temporary = dirname(folder.path("x"));
    const variables = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
    const { status, out, error } = run(toolCommand(), variables);
    assertEquals([status, error], [0, ""]);
    assertMatch(out, /^Sample: 256 MiB in .*\nCopied and verified 1 file, 256 MiB in .*\n$/);
    assertEquals(contentOf(temporary), {});
  });
});
