/**
 * Copying files and folders.
 *
 * @module
 */

import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../examples/file-copy.ts";
import { fastFolder, makeFile } from "../files.ts";
import { inRuntime, need, output, passesOf, type RuntimeName, THIS_RUNTIME } from "../programs.ts";
import type { Contender, Runner, Scenario } from "../scenario.ts";

/** What is copied, made when it is first asked for. */
interface Subject {
  readonly name: string;
  /** What a figure counts: the bytes of a file, or the files of a folder. */
  readonly amount: number;
  make(path: string): void;
}

/** One file, many small ones, and some of every size. */
export const copy: Scenario = {
  name: "copy",
  title: "a file of 512 MiB, 20,000 small files, a folder of all sizes",
  about:
    "examples/file-copy.ts with its defaults, which also keeps modes and times, never leaves half a " +
    "file under the target's name and looks for Ctrl-C, against what copies without that. The target is " +
    "deleted before each pass. Source and target lie in a file system in memory, where there is one.",
  cases({ pick }) {
    const runtimes = pick<readonly RuntimeName[]>(["node", "bun", "deno"], [THIS_RUNTIME]);
    const bytes = pick(512 << 20, 1 << 20);
    const file: Subject = {
      name: "file.bin",
      amount: bytes,
      make: (path) => void makeFile(path, bytes),
    };
    const [small, mixed] = [pick(20_000, 60), pick(1_000, 30)];
    return [
      {
        name: `one file of ${bytes >> 20} MiB`,
        unit: "bytes/s",
        contenders: contendersFor(file, ofFiles(runtimes)),
        leastRounds: 15,
        goals: [{ rivals: ["cp", "dd", "Deno", "Bun", "fs."], ratio: 1 }],
      },
      {
        name: `${small} files of 4 KiB in ${Math.ceil(small / 200)} folders`,
        unit: "files/s",
        contenders: contendersFor(folderOf("small", small, () => 4096), ofFolders(runtimes)),
      },
      {
        name: `${mixed} files from 1 KiB to 1 MiB`,
        unit: "files/s",
        contenders: contendersFor(
          folderOf("mixed", mixed, (i) => Math.round(1024 * 2 ** (i % 101 / 10))),
          ofFolders(runtimes),
        ),
      },
    ];
  },
};

/** A folder of `count` files, 200 in each folder below it. */
function folderOf(name: string, count: number, bytesOf: (i: number) => number): Subject {
  return {
    name,
    amount: count,
    make(path): void {
      const content = new Uint8Array(1 << 20).map((_, i) => i);
      for (let i = 0; i < count; i++) {
        const folder = join(path, `${Math.floor(i / 200)}`);
        if (i % 200 === 0) mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${i}.bin`), content.subarray(0, bytesOf(i)));
      }
    },
  };
}

/** A rival by its name: a program, or a way of `rivals/copy.mjs` in a runtime. */
type Way =
  | { readonly name: string; readonly command: (from: string, to: string) => string[] }
  | { readonly name: string; readonly way: string; readonly runtime: RuntimeName };

function ofFiles(runtimes: readonly RuntimeName[]): Way[] {
  return [
    { name: "cp", command: (from, to) => [need("cp"), from, to] },
    {
      name: "dd, 1 MiB at a time",
      command: (from, to) => [need("dd"), `if=${from}`, `of=${to}`, "bs=1M", "status=none"],
    },
    ...inRuntimes(runtimes, [
      ["Deno.copyFile", "denoCopyFile", ["deno"]],
      ["Bun.write", "bunWrite", ["bun"]],
      ["fs.copyFile", "copyFile", ["node", "bun", "deno"]],
      ["fs streams", "streams", ["node", "bun", "deno"]],
    ]),
  ];
}

function ofFolders(runtimes: readonly RuntimeName[]): Way[] {
  return [
    { name: "cp -r", command: (from, to) => [need("cp"), "-r", from, to] },
    ...inRuntimes(runtimes, [
      ["Deno.copyFile, 32 at a time", "eachDenoCopyFile", ["deno"]],
      ["Bun.write, 32 at a time", "eachBunWrite", ["bun"]],
      ["fs.copyFile, 32 at a time", "eachCopyFile", ["node", "bun", "deno"]],
      ["fs.cp", "cp", ["node", "bun", "deno"]],
    ]),
  ];
}

function inRuntimes(
  runtimes: readonly RuntimeName[],
  ways: readonly (readonly [name: string, way: string, runtimes: readonly RuntimeName[]])[],
): Way[] {
  return ways.flatMap(([name, way, own]) =>
    own.filter((runtime) => runtimes.includes(runtime))
      .map((runtime) => ({
        name: `${name}${own.length > 1 ? ` of ${runtime}` : ""}`,
        way,
        runtime,
      }))
  );
}

function contendersFor(subject: Subject, ways: readonly Way[]): Contender[] {
  const ours: Contender = {
    name: "file-copy",
    isOurs: true,
    open: () =>
      copies(subject, async (from, to) => {
        const began = performance.now();
        const problems: string[] = [];
        const complain = (line: string) => void problems.push(line);
        const screen = { isTerminal: false, write() {}, print() {}, complain };
        if (await main(["--quiet", from, to], screen) !== 0) throw new Error(problems.join("\n"));
        return subject.amount / (performance.now() - began) * 1000;
      }),
  };
  return [ours, ...ways.map((way) => rival(subject, way))];
}

function rival(subject: Subject, way: Way): Contender {
  const open = (): Runner => {
    if ("command" in way) {
      way.command("", ""); // It is left out here if it is not installed.
      return copies(subject, async (from, to) => {
        const began = performance.now();
        await output(way.command(from, to));
        return subject.amount / (performance.now() - began) * 1000;
      });
    }
    const script = inRuntime(way.runtime, "copy.mjs");
    return copies(subject, async (from, to) => {
      const { value } = await passesOf([...script, way.way, from, to, `${subject.amount}`])
        .pass() as { value: number };
      return value;
    });
  };
  return { name: way.name, open };
}

/** Each pass copies the subject to where nothing is, and looks at what is there then. */
function copies(
  subject: Subject,
  pass: (from: string, to: string) => Promise<number>,
): Runner {
  const from = join(fastFolder(), subject.name);
  const to = `${from}.copy`;
  if (!existsSync(from)) subject.make(from);
  return {
    async pass(): Promise<number> {
      rmSync(to, { recursive: true, force: true });
      const figure = await pass(from, to);
      const found = amountOf(to);
      if (found !== subject.amount) throw new Error(`${found} of ${subject.amount} were copied`);
      return figure;
    },
    close: () => rmSync(to, { recursive: true, force: true }),
  };
}

/** The bytes of a file, or the files of a folder. */
function amountOf(path: string): number {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.size;
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile()).length;
}
