import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { main } from "../../examples/hash-tree.ts";
import { hashAll, type Result } from "../../examples/hash-tree/hasher.ts";
import { filesAt } from "../../examples/hash-tree/tree.ts";
import { Folder, isWindows, itUnless } from "../conformance/fixture.ts";
import { RecordedScreen } from "./screen.ts";
import { command, pattern, run } from "./tool.ts";

const unlessModel = spawnSync("sha256sum", ["--version"]).status !== 0 && "there is no sha256sum";
const unlessLinks = isWindows && "links need a privilege on Windows";
const unlessNames = isWindows && "Windows has no such names";

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

interface Outcome {
  readonly status: number | null;
  readonly out: string;
  /** What was complained of, without the program's name. */
  readonly complained: string[];
}

async function tool(...args: string[]): Promise<Outcome> {
  const screen = new RecordedScreen();
  const status = await main(args, screen);
  return { status, out: screen.out, complained: screen.complained };
}

/** What the real one says. */
function model(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync("sha256sum", args, { encoding: "utf8" });
  const complained = stderr.split("\n").slice(0, -1);
  return {
    status,
    out: stdout,
    complained: complained.map((line) => line.replace(/^.*?sha256sum: /, "")),
  };
}

function digestOf(bytes: Uint8Array<ArrayBuffer>): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A line as it is printed: on Windows the folder's name has backslashes, which are escaped. */
function asPrinted(line: string): string {
  return line.includes("\\") ? `\\${line.replaceAll("\\", "\\\\")}` : line;
}

/** Sizes around the edges of a block, of what is read ahead, and of all slots. */
const BLOCK = 256 * 1024;
const SIZES = [0, 1, 4095, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 5 * BLOCK + 7, 33 * BLOCK];

describe("hash-tree, digests", () => {
  it("are the known ones", async () => {
    using folder = new Folder();
    const [abc, empty] = [folder.file("abc", "abc"), folder.file("empty")];
    const { status, out } = await tool("--tag", abc, empty);
    assertEquals(status, 0);
    assertEquals(
      out.replaceAll("\\\\", "\\").replaceAll(/^\\/gm, ""),
      [
        `SHA256 (${abc}) = ${ABC}\n`,
        `SHA256 (${empty}) = ${EMPTY}\n`,
      ].join(""),
    );
  });

  for (const threads of ["1", "2", "5"]) {
    it(`are right for files of any size: --threads ${threads}`, async () => {
      using folder = new Folder();
      const lines = SIZES.map((size, index) => {
        const bytes = pattern(size);
        folder.file(`f${index}`, bytes);
        return `${digestOf(bytes)}  ${folder.path("")}/f${index}\n`;
      });
      const { status, out, complained } = await tool("--threads", threads, folder.path(""));
      assertEquals([status, complained], [0, []]);
      assertEquals(out, lines.map(asPrinted).join(""));
    });
  }

  it("of 1,000 files come sorted by name, whichever was done first", async () => {
    using folder = new Folder();
    const names: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const name = `${i % 7 === 0 ? "3-sub/" : ""}${(i * 7919) % 1000}`;
      if (i === 0) mkdirSync(folder.path("3-sub"));
      folder.file(name, pattern(i % 97 === 0 ? BLOCK * 3 : i));
      names.push(name);
    }
    const { out } = await tool("--threads", "3", folder.path(""));
    const start = folder.path("").length + 1;
    const unescaped = (line: string) => line.replace(/^\\/, "").replaceAll("\\\\", "\\");
    const found = out.split("\n").slice(0, -1).map((line) => unescaped(line).slice(66 + start));
    assertEquals(found, names.toSorted());
  });

  const patiences = {
    "by the threads alone": { aloneMs: 0, restMs: 0, bytes: 0, files: 0 },
    "by the threads, of so many": { aloneMs: 1, restMs: 0, bytes: 0, files: 299 },
    "by the owner while they start": { aloneMs: 0.001, restMs: 0, bytes: 0, files: 300 },
    "by the owner alone": { aloneMs: Infinity, restMs: 0, bytes: Infinity, files: Infinity },
  };
  for (const [who, patience] of Object.entries(patiences)) {
    it(`are the same, whoever hashes: ${who}`, async () => {
      using folder = new Folder();
      const expected: string[] = [];
      for (let i = 0; i < 300; i++) {
        const bytes = pattern(i % 50 === 0 ? BLOCK + i : i);
        folder.file(String(1000 + i), bytes);
        expected.push(digestOf(bytes));
      }
      const results: Result[] = [];
      const roots = [filesAt(folder.path("")), filesAt(folder.path("none"))];
      const options = { threads: 2, silent: true, tag: false, binary: false, zero: false };
      await hashAll(roots, options, (found) => results.push(...found), patience);
      assertEquals(results.map(({ digest }) => digest), [...expected, null]);
    });
  }

  itUnless(unlessLinks, "are not taken of links below a folder, but of a named one", async () => {
    using folder = new Folder();
    mkdirSync(folder.path("tree"));
    folder.file("tree/abc", "abc");
    symlinkSync("abc", folder.path("tree/link"));
    symlinkSync("/no/such/thing", folder.path("tree/broken"));
    const link = folder.path("tree/link");
    const { status, out } = await tool(folder.path("tree"), link);
    assertEquals([status, out], [0, `${ABC}  ${folder.path("tree/abc")}\n${ABC}  ${link}\n`]);
  });

  itUnless(unlessNames, "name files so that the lines can be read again", async () => {
    using folder = new Folder();
    for (const name of ["back\\slash", "new\nline", "\\n", "it's", "-c", "ünïcödé 🚀", " x "]) {
      folder.file(name, name);
    }
    for (const options of [[], ["--tag"], ["--binary"]]) {
      const list = folder.path("") + "-list";
      writeFileSync(list, (await tool(...options, folder.path(""))).out);
      const { status, out, complained } = await tool("--check", "--strict", list);
      assertEquals([status, complained], [0, []]);
      assertEquals(out.match(/: OK$/gm)?.length, 7);
    }
  });

  itUnless(isWindows && "there is no /proc", "are right where a file knows no size", async () => {
    const { status, out } = await tool("/proc/version");
    assertEquals([status, out], [0, model("/proc/version").out]);
  });

  it("of nothing are none", async () => {
    using folder = new Folder();
    mkdirSync(folder.path("none"));
    assertEquals(await tool(folder.path("none")), { status: 0, out: "", complained: [] });
  });
});

describe("hash-tree, beside sha256sum", () => {
  for (const options of [[], ["--tag"], ["-b"], ["-t"], ["-z"]]) {
    itUnless(unlessModel, `prints the same: ${options.join(" ") || "no options"}`, async () => {
      using folder = new Folder();
      const names = ["a", "b c", "back\\slash", "new\nline", "ünïcödé", "*?"];
      const paths = names.map((name) => folder.file(name, pattern(name.length * 1000)));
      const args = [...options, ...paths, folder.path("no"), folder.path("none such")];
      assertEquals(await tool(...args), model(...args));
    });
  }

  itUnless(unlessModel, "checks the same: many lists", async () => {
    using folder = new Folder();
    const args = ["--check", "--warn", ...Object.values(makeLists(folder)), folder.path("no-list")];
    assertEquals(await tool("--threads", "1", ...args), model(...args));
  });

  const OPTIONS = [
    [],
    ["--quiet"],
    ["--status"],
    ["--strict"],
    ["--warn"],
    ["--ignore-missing"],
    ["--strict", "--quiet", "--warn", "--ignore-missing"],
  ];
  for (const options of OPTIONS) {
    itUnless(unlessModel, `checks the same: --check ${options.join(" ")}`, async () => {
      using folder = new Folder();
      const lists = makeLists(folder);
      const { right, "bad lines": bad, "all missing": missing } = lists;
      for (const list of [right, bad, missing]) {
        const args = ["--check", ...options, list];
        assertEquals(await tool("--threads", "1", ...args), model(...args), args.join(" "));
      }
    });
  }
});

/** Lists to check: all right, and with everything that can be wrong. */
function makeLists(folder: Folder): Record<string, string> {
  const abc = folder.file("abc", "abc");
  const space = folder.file("with space", "");
  const line = folder.file("new\nline", "abc").replaceAll("\n", "\\n");
  mkdirSync(folder.path("folder"));
  const right = [
    `${ABC}  ${abc}`,
    `${EMPTY} *${space}`,
    `\\${ABC}  ${line}`,
    `SHA256 (${abc}) = ${ABC}`,
    `  ${ABC.toUpperCase()}  ${abc}`,
  ];
  const contents: Record<string, string[]> = {
    right,
    "with CRLF": right.slice(0, 2).map((row) => `${row}\r`),
    "one differs": [`${EMPTY}  ${abc}`, ...right],
    "two differ": [`${EMPTY}  ${abc}`, `\\${EMPTY}  ${line}`],
    "one missing": [...right, `${ABC}  ${folder.path("missing")}`],
    "all missing": [`${ABC}  ${folder.path("missing")}`, `${ABC}  ${folder.path("mis sing")}`],
    "a folder": [`${ABC}  ${folder.path("folder")}`],
    "bad lines": ["# a comment", "", "nonsense", ...right, `${ABC.slice(1)}  ${abc}`, ABC],
    "nothing but bad lines": ["nonsense", `${ABC}`],
    "a bad escape": [...right, `\\${ABC}  bad\\escape`],
    empty: [],
    "everything wrong": ["bad", `${EMPTY}  ${abc}`, `${ABC}  ${folder.path("missing")}`],
  };
  return Object.fromEntries(
    Object.entries(contents).map(([name, rows]) => [
      name,
      folder.file(`list ${name}`, rows.map((row) => `${row}\n`).join("")),
    ]),
  );
}

describe("hash-tree, checking", () => {
  it("says which file is as it should be, which not, and which cannot be read", async () => {
    using folder = new Folder();
    const [abc, other] = [folder.file("abc", "abc"), folder.file("other", "other")];
    const missing = folder.path("missing");
    // Its own lines: on Windows names have backslashes.
    const { out: lines } = await tool(abc, other);
    const gone = lines.split("\n")[0].replace(/abc$/, "missing");
    const list = folder.file(
      "list",
      `${lines.replace(/[0-9a-f]{8}(?=.*other$)/m, "00000000")}${gone}\n`,
    );
    const { status, out, complained } = await tool("-c", list);
    assertEquals(status, 1);
    assertEquals(out, `${abc}: OK\n${other}: FAILED\n${missing}: FAILED open or read\n`);
    assertMatch(complained[0], /missing.*: No such file or directory$/);
    assertEquals(complained.slice(1), [
      "WARNING: 1 listed file could not be read",
      "WARNING: 1 computed checksum did NOT match",
    ]);
  });
});

describe("hash-tree, the command", () => {
  it("prints to standard output, complains to standard error, and exits 1", () => {
    using folder = new Folder();
    folder.file("abc", "abc");
    const args = [folder.path("").replaceAll("\\", "/"), "/no/such"];
    const { status, out, error } = run(command("examples/hash-tree.ts", ...args));
    assertMatch(out, new RegExp(`^${ABC}  .*abc\n$`));
    assertEquals([status, error], [1, "hash-tree: /no/such: No such file or directory\n"]);
  });

  it("--help is printed to standard output, and the status is 0", async () => {
    const { status, out, complained } = await tool("--help");
    assertEquals([status, complained], [0, []]);
    assertMatch(out, /^Usage: hash-tree .*--check.*--threads N/s);
  });

  for (
    const [args, complaint] of [
      [[], "at least one file or folder is needed"],
      [["-"], "standard input is not read: name a file"],
      [["--bogus", "x"], "Unknown option '--bogus'"],
      [["--threads", "0", "x"], "--threads takes a whole number from 1 to 128, not '0'"],
      [["--quiet", "x"], "the --quiet option is meaningful only when verifying checksums"],
      [["--tag", "-t", "x"], "--tag does not support --text mode"],
      [["--tag", "-c", "x"], "the --tag option is meaningless when verifying checksums"],
      [["-z", "-c", "x"], "the --zero option is not supported when verifying checksums"],
    ] as const
  ) {
    it(`answers '${args.join(" ")}' with what is wrong, and status 1`, async () => {
      const outcome = await tool(...args);
      assertEquals(outcome, { status: 1, out: "", complained: [`${complaint}\nTry --help.`] });
    });
  }
});
