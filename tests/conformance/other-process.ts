/**
 * A program of `programs/`, run by this runtime as a process of its own and asked one thing after the
 * other.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { isBun } from "./fixture.ts";

/** The process; ended when its block is left. */
export class OtherProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #rest = "";
  #answer: (answer: number) => void = () => {};
  #failed: (error: Error) => void = () => {};

  /** Starts the program with these arguments. */
  constructor(program: string, ...args: string[]) {
    const path = fileURLToPath(new URL(`./programs/${program}.ts`, import.meta.url));
    const run = isBun ? ["run"] : ["run", "--allow-all", "--no-check"];
    this.#child = spawn(process.execPath, [...run, path, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#ended = new Promise((resolve) => this.#child.on("close", () => resolve()));
    this.#ended.then(() => this.#failed(new Error(`${program} has ended without an answer`)));
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
