/**
 * Rivals that are programs: found where they are installed, compiled, run.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { LeftOut } from "./scenario.ts";
import type { Runner, Sample } from "./scenario.ts";
import { start } from "./signals.ts";

/** The checkout. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

const isWindows = process.platform === "win32";
/** Of what a failed program has said, the end is enough. */
const MESSAGE_CHARACTERS = 500;

/** A program that has not ended by then hangs. */
const PROGRAM_SECONDS = 120;

const RIVALS = join(ROOT, "bench", "rivals");

/** A program of `PATH`; `null` if there is none of this name. */
export function find(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, isWindows ? `${name}.exe` : name);
    if (isRunnable(path)) return path;
  }
  return null;
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** As `find`; left out if there is none. */
export function need(name: string): string {
  const path = find(name);
  if (path === null) throw new LeftOut(`${name} is not installed`);
  return path;
}

/** A runtime that a rival's script can run in. */
export type RuntimeName = "node" | "bun" | "deno";

/** The one that this is. */
export const THIS_RUNTIME: RuntimeName = process.versions.bun === undefined ? "deno" : "bun";

/** How to run a TypeScript program of this repository in this runtime, with `gc` if there is one. */
export function ownProgram(path: string): string[] {
  const file = join(ROOT, path);
  if (THIS_RUNTIME === "bun") return [process.execPath, file];
  // As the tasks do where npm has installed nothing.
  const modules = existsSync(join(ROOT, "node_modules")) ? [] : ["--node-modules-dir=none"];
  const flags = ["--quiet", "--no-check", "--allow-all", ...modules];
  return [process.execPath, "run", "--v8-flags=--expose-gc", ...flags, file];
}

/** How to run a script in a runtime, which need not be this one; left out if it is not there. */
export function inRuntime(name: RuntimeName, script: string): string[] {
  const path = runtimePath(name);
  if (path === null) throw new LeftOut(`${name} is not installed`);
  const file = join(RIVALS, script);
  if (name !== "deno") return [path, file];
  const flags = ["--quiet", "--no-check", "--allow-all", "--node-modules-dir=manual"];
  // For listenDatagram.
  return [path, "run", ...flags, "--unstable-net", file];
}

/** This one, the one that npm has installed, or one of `PATH`. */
function runtimePath(name: RuntimeName): string | null {
  if (name === THIS_RUNTIME) return process.execPath;
  const modules = join(ROOT, "node_modules");
  const folder = name === "bun" ? join(modules, "bun", "bin") : join(modules, "@deno");
  const file = name === "bun" ? "bun.exe" : isWindows ? "deno.exe" : "deno";
  const found = name === "node" ? undefined : namesIn(folder, name === "deno")
    .map((build) => join(folder, build, file))
    .find(isRunnable);
  return found ?? find(name);
}

/** Deno comes as one package for each build, Bun as a file. */
function namesIn(folder: string, areFolders: boolean): string[] {
  if (!existsSync(folder)) return [];
  return areFolders ? readdirSync(folder) : [""];
}

/** Left out unless npm has installed this package. */
export function needPackage(name: string): void {
  if (existsSync(join(ROOT, "node_modules", ...name.split("/")))) return;
  throw new LeftOut(`${name} is not in node_modules: npm ci installs it`);
}

const built = new Map<string, string>();
let folder: string | null = null;

/**
 * A C program of `bench/rivals`, compiled for this run unless it lies ready in the folder that the
 * variable `IOCP_BENCH_PROGRAMS` names; left out where there is no compiler.
 */
export function compiled(source: string, ...flags: string[]): string {
  const file = source.replace(/\.c$/, isWindows ? ".exe" : "");
  const ready = join(process.env.IOCP_BENCH_PROGRAMS ?? ROOT, file);
  if (process.env.IOCP_BENCH_PROGRAMS !== undefined && existsSync(ready)) return ready;
  const known = built.get(source);
  if (known !== undefined) return known;
  const compiler = find("cc") ?? find("gcc") ?? find("clang");
  if (compiler === null) throw new LeftOut("there is no C compiler: cc, gcc or clang");
  folder ??= mkdtempSync(join(tmpdir(), "iocp-bench-"));
  const program = join(folder, file);
  const args = ["-O2", "-o", program, join(RIVALS, source), ...flags];
  const { status, stderr } = spawnSync(compiler, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${compiler} ${args.join(" ")}: ${stderr}`);
  built.set(source, program);
  return program;
}

/** Removes what was compiled. */
export function removeCompiled(): void {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  folder = null;
  built.clear();
}

/** Runs a program to its end and returns what it has printed; an error if it fails. */
export function output(command: readonly string[], cwd: string = ROOT): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = start(command, cwd);
    let [out, problems] = ["", ""];
    child.stdout!.setEncoding("utf8").on("data", (text: string) => out += text);
    child.stderr!.setEncoding("utf8").on("data", (text: string) => problems += text);
    const limit = setTimeout(() => {
      problems += `\nit was ended after ${PROGRAM_SECONDS} s`;
      child.kill("SIGKILL");
    }, PROGRAM_SECONDS * 1000);
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(limit);
      if (status === 0) resolve(out);
      else {
        const said = (problems || out).slice(-MESSAGE_CHARACTERS);
        reject(new Error(`${command.join(" ")} ended with ${status}: ${said}`));
      }
    });
  });
}

/** A rival whose program does one pass each time it is run, and prints its figure as JSON. */
export function passesOf(command: readonly string[]): Runner {
  return {
    async pass(): Promise<Sample> {
      const printed = await output(command);
      return JSON.parse(printed.trim().split("\n").at(-1) ?? "") as Sample;
    },
  };
}
