/**
 * A program of `programs/`, run by this runtime as a process of its own and asked one thing after the
 * other.
 *
 * @module
 */

import { type ChildProcess, spawn, type SpawnOptions, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { isBun } from "./fixture.ts";

/** The user of programs that may do nothing. */
export const NOBODY = "nobody";

/** Options of setpriv(1). */
function rightsOf(user: string): string[] {
  return [`--reuid=${user}`, "--regid=65534", "--clear-groups"];
}

/** Why no program can be run as {@linkcode NOBODY}; false if one can. */
export function unlessNobody(): string | false {
  if (process.getuid?.() !== 0) return "only the superuser runs programs as somebody else";
  const probe = [...rightsOf(NOBODY), process.execPath, "--version"];
  const { status } = spawnSync("setpriv", probe, { stdio: "ignore" });
  return status !== 0 && "this runtime cannot be run as another user";
}

/** How this runtime runs the program. */
function commandOf(program: string): string[] {
  const path = fileURLToPath(new URL(`./programs/${program}.ts`, import.meta.url));
  return [...(isBun ? ["run"] : ["run", "--allow-all", "--no-check"]), path];
}

/** The process; ended when its block is left. */
export class OtherProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #rest = "";
  #answer: (answer: number) => void = () => {};
  #failed: (error: Error) => void = () => {};

  /** Starts the program with these arguments, or, as this user, one without. */
  constructor(program: string | { program: string; user: string }, ...args: string[]) {
    const isOwn = typeof program === "string";
    const run = [...commandOf(isOwn ? program : program.program), ...args];
    const options: SpawnOptions = { stdio: ["pipe", "pipe", "inherit"] };
    this.#child = isOwn
      ? spawn(process.execPath, run, options)
      : spawn("setpriv", [...rightsOf(program.user), process.execPath, ...run], {
        ...options,
        env: { PATH: process.env.PATH, IOCP_ENGINE: process.env.IOCP_ENGINE },
      });
    this.#ended = new Promise((resolve) => this.#child.on("close", () => resolve()));
    this.#ended.then(() => this.#failed(new Error(`${run.join(" ")} has ended without an answer`)));
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.#rest += text;
      const end = this.#rest.indexOf("\n");
      if (end < 0) return;
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
      this.#answer(JSON.parse(line));
    });
  }

  /** What it answers to `question`. One at a time. */
  ask(question: unknown): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#failed = reject;
      this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }
}
