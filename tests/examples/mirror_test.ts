import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import process from "node:process";
import { main } from "../../examples/mirror.ts";
import { Folder, isWindows, isWine, itUnless, unlessLinux, until } from "../conformance/fixture.ts";
import { type Outcome, runTool } from "./screen.ts";
import { command, contentOf } from "./tool.ts";

const unlessTold = isWine && "Wine watches no folder that was there before, and keeps old names";
const unlessLinks = isWindows && "links need a privilege on Windows";
const unlessSignals = isWindows && "a process cannot be interrupted from outside there";

/** Runs the tool in this process. */
function mirrorTool(...args: string[]): Promise<Outcome> {
  return runTool(main, ...args);
}

/** Two folders, the first with something in it. */
class Two {
  readonly folder: Folder = new Folder();
  readonly from: string = this.folder.path("from");
  readonly to: string = this.folder.path("to");

  constructor() {
    mkdirSync(`${this.from}/x/y`, { recursive: true });
    writeFileSync(`${this.from}/a`, "1");
    writeFileSync(`${this.from}/x/y/b`, "22");
  }

  isEqual(): boolean {
    if (!existsSync(this.to)) return false;
    try {
      return JSON.stringify(contentOf(this.from)) === JSON.stringify(contentOf(this.to));
    } catch {
      return false; // Something has just gone.
    }
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

/** The tool in a process of its own, watching. */
class Running {
  readonly child: ChildProcess;
  #out = "";
  #error = "";
  readonly ended: Promise<number | null>;
  #hasEnded = false;

  constructor(two: Two) {
    const [program, ...args] = command("examples/mirror.ts", two.from, two.to);
    this.child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#out += text);
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#error += text);
    this.ended = new Promise((resolve) =>
      this.child.on("close", (code) => {
        this.#hasEnded = true;
        resolve(code);
      })
    );
  }

  get out(): string {
    return this.#out;
  }

  get error(): string {
    return this.#error;
  }

  /** Waits until the tool has printed this. */
  async says(text: string): Promise<void> {
    await until(() => this.#hasEnded || this.#out.includes(text), `it prints ${text}`);
    assert(!this.#hasEnded, `it has ended: ${this.#error}`);
  }

  /** Sends a signal; the runtimes' own `kill` sends no second one. */
  signal(name: NodeJS.Signals): void {
    process.kill(this.child.pid!, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.signal("SIGKILL");
    await this.ended;
  }
}

describe("mirror, once", () => {
  it("makes a folder equal: files, folders, what is too much goes", async () => {
    using two = new Two();
    const first = await mirrorTool("--once", two.from, two.to);
    assertEquals([first.status, first.complained, two.isEqual()], [0, [], true]);
    assertEquals(first.printed.map((line) => line.replaceAll("\\", "/")).sort(), [
      "+ a",
      "+ x",
      "+ x/y",
      "+ x/y/b",
    ]);
    writeFileSync(`${two.to}/too-much`, "");
    mkdirSync(`${two.to}/z/z`, { recursive: true });
    appendFileSync(`${two.from}/a`, "2");
    rmSync(`${two.from}/x/y`, { recursive: true });
    writeFileSync(`${two.from}/x/y`, "a file now");
    const second = await mirrorTool("--once", two.from, two.to);
    assertEquals([second.status, two.isEqual()], [0, true]);
    assertEquals((await mirrorTool("--once", two.from, two.to)).printed, []);
  });

  it("a file of the same size and another time is copied; --quiet prints nothing", async () => {
    using two = new Two();
    await mirrorTool("--once", "-q", two.from, two.to);
    writeFileSync(`${two.from}/a`, "2");
    utimesSync(`${two.from}/a`, 1000, 1000);
    const { status, printed } = await mirrorTool("--once", "-q", two.from, two.to);
    assertEquals([status, printed, two.isEqual()], [0, [], true]);
  });

  itUnless(unlessLinks, "links stay links, also when they lead elsewhere", async () => {
    using two = new Two();
    symlinkSync("x/y", `${two.from}/link`);
    await mirrorTool("--once", two.from, two.to);
    assertEquals(two.isEqual(), true);
    rmSync(`${two.from}/link`);
    symlinkSync("nowhere", `${two.from}/link`);
    assertEquals((await mirrorTool("--once", two.from, two.to)).status, 0);
    assertEquals(two.isEqual(), true);
  });

  it("what is wrong is said in a line: 1; a wrong command line: 2; --help: 0", async () => {
    using two = new Two();
    for (
      const [from, to, line] of [
        [two.folder.path("missing"), two.to, /^cannot watch .*missing: .*\(ENOENT\)/],
        [`${two.from}/a`, two.to, /^cannot watch .*a: it is no folder$/],
        [two.from, `${two.from}/x`, /one is the other or lies in it$/],
        [two.from, `${two.from}/new`, /one is the other or lies in it$/],
        [`${two.from}/x`, two.from, /one is the other or lies in it$/],
        [two.from, two.from, /one is the other or lies in it$/],
        [two.from, two.folder.path("no/way"), /^cannot write to .*way: .*\(ENOENT\)/],
        [two.from, two.folder.file("file"), /^cannot write to .*file: it is no folder$/],
      ] as const
    ) {
      const { status, complained } = await mirrorTool(from, to);
      assertEquals(status, 1);
      assertMatch(complained[0], line);
    }
    assertEquals(existsSync(`${two.from}/new`), false);
    for (const args of [[], ["a"], ["a", "b", "c"], ["", "b"], ["--what", "a", "b"]]) {
      const { status, complained } = await mirrorTool(...args);
      assertEquals([status, complained.length], [2, 1]);
    }
    const help = await mirrorTool("--help");
    assertEquals([help.status, help.complained], [0, []]);
  });
});

describe("mirror, watching", () => {
  itUnless(unlessTold, "follows what is made, written, renamed, moved and removed", async () => {
    using two = new Two();
    await using running = new Running(two);
    await running.says("watching");
    assertEquals(two.isEqual(), true);
    writeFileSync(`${two.from}/new`, "new");
    mkdirSync(`${two.from}/p/q/r`, { recursive: true });
    writeFileSync(`${two.from}/p/q/r/deep`, "deep");
    await until(() => two.isEqual(), "the new ones are there");
    writeFileSync(`${two.from}/new`, "more");
    renameSync(`${two.from}/p`, `${two.from}/s`);
    renameSync(`${two.from}/x/y/b`, `${two.from}/s/b`);
    writeFileSync(`${two.from}/s/q/r/deep`, "other");
    await until(() => two.isEqual(), "the renamed ones are there");
    rmSync(`${two.from}/s`, { recursive: true });
    await until(() => two.isEqual(), "the removed ones are gone");
    assertEquals(running.error, "");
  });

  itUnless(unlessSignals, "SIGINT and SIGTERM end it with 128 + N, in a line", async () => {
    for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      using two = new Two();
      await using running = new Running(two);
      await running.says("watching");
      running.signal(signal);
      assertEquals(await running.ended, status);
      assertEquals(running.error, `mirror: interrupted by ${signal}\n`);
    }
  });

  itUnless(unlessLinux, "more changes than are kept: it says so, and compares all", async () => {
    using two = new Two();
    await using running = new Running(two);
    await running.says("watching");
    running.signal("SIGSTOP");
    // fs.inotify.max_queued_events is 16,384 by default.
    for (let i = 0; i < 20_000; i++) {
      writeFileSync(`${two.from}/many`, `${i}`), rmSync(`${two.from}/many`);
    }
    mkdirSync(`${two.from}/late`);
    writeFileSync(`${two.from}/late/file`, "late");
    running.signal("SIGCONT");
    await running.says("changes were lost");
    await until(() => two.isEqual(), "what was lost is there");
    writeFileSync(`${two.from}/late/after`, "after");
    await until(() => two.isEqual(), "it goes on");
  });

  itUnless(unlessLinux, "SRC deleted: a line and 1", async () => {
    using two = new Two();
    await using running = new Running(two);
    await running.says("watching");
    rmSync(two.from, { recursive: true });
    assertEquals(await running.ended, 1);
    assertMatch(running.error, /cannot watch .*from any longer: it was deleted\n$/);
  });
});
