/**
 * How the tests of the file copy run it: in this process, or as one of its own.
 *
 * @module
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "../../examples/file-copy.ts";
import { isBun, until } from "../conformance/fixture.ts";
import { type Outcome, runTool } from "./screen.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the tool in this process. */
export function copyTool(...args: string[]): Promise<Outcome> {
  return runTool(main, ...args);
}

/** The command that runs a program of this repository under this runtime. */
export function command(program: string, ...args: string[]): string[] {
  const path = join(ROOT, program);
  if (isBun) return [process.execPath, "run", path, ...args];
  // As `deno task copy` does where npm has installed nothing.
  const modules = existsSync(join(ROOT, "node_modules")) ? [] : ["--node-modules-dir=none"];
  return [process.execPath, "run", "--allow-all", "--no-check", ...modules, path, ...args];
}

/** The tool's own. */
export function toolCommand(...args: string[]): string[] {
  return command("examples/file-copy.ts", ...args);
}

/** What a process has written and how it ended. */
export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
}

/** Under Wine, Bun complains at each start that it cannot find folders by the names of volumes. */
export function withoutNoise(text: string): string {
  return text.replaceAll(/^Internal error: directory mismatch .*\n/gm, "");
}

/** Runs a command to its end. */
export function run([program, ...args]: string[], variables: Record<string, string> = {}): Ended {
  const env = { ...process.env, ...variables };
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  return { status, out: stdout, error: withoutNoise(stderr) };
}

/** A run of the tool that has begun and may be stopped. */
export class Running {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #hasEnded = false;

  constructor(...args: string[]) {
    const [program, ...rest] = toolCommand(...args);
    this.#child = spawn(program, rest, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    let error = "";
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => error += text);
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        this.#hasEnded = true;
        const status = signal === null ? code : 128 + (constants.signals[signal] ?? 0);
        resolve({ status, out: "", error: withoutNoise(error) });
      });
    });
  }

  /** Waits until the copy is under way: `folder` holds the part of a file with bytes in it. */
  async underWay(folder: string, name: string): Promise<void> {
    const isPart = (path: string) => path.includes(`.${name}.`) && (sizeOf(path) ?? 0) > 0;
    const isUnderWay = () => existsSync(folder) && partsIn(folder).some(isPart);
    await until(() => this.#hasEnded || isUnderWay(), "a part is being written");
    if (this.#hasEnded) throw new Error(`The tool ended too soon: ${(await this.#ended).error}`);
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.#ended;
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** The parts in a folder. */
export function partsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".iocp-part"))
    .map((name) => join(folder, name));
}

/** Bytes of which no two stretches are alike. */
export function pattern(byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  let state = byteLength + 1;
  for (let at = 0; at < byteLength; at++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** All that is in a folder: path, and what is there. */
export function contentOf(folder: string, below = ""): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = below === "" ? name : `${below}/${name}`;
    all[path] = describe(join(folder, path), lstatSync(join(folder, path)));
    if (all[path] === "folder") Object.assign(all, contentOf(folder, path));
  }
  return all;
}

function describe(path: string, stats: Stats): string {
  if (stats.isDirectory()) return "folder";
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  return `file ${readFileSync(path).toString("base64")}`;
}
