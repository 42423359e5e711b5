/**
 * A server of `examples/` in a process of its own.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { until } from "../conformance/fixture.ts";
import { command } from "./tool.ts";

/** A server that was started. */
export class Service {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;
  #out = "";
  #error = "";

  /** Starts `examples/TOOL.ts` with these arguments. */
  constructor(tool: string, ...args: string[]) {
    const [program, ...rest] = command(`examples/${tool}.ts`, ...args);
    this.#child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#out += text);
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#error += text);
    this.#ended = new Promise((resolve) => {
      // Deno takes a status above 128 for the signal it stands for.
      this.#child.on("close", (code, signal) => {
        this.#hasEnded = true;
        resolve(signal === null ? code : 128 + (constants.signals[signal] ?? 0));
      });
    });
  }

  /** Waits for the line that says that clients can come. */
  async ready(): Promise<this> {
    await until(() => this.#out.includes("\n") || this.#hasEnded, "it serves");
    if (this.#hasEnded) throw new Error(`The server has ended: ${this.#error}`);
    return this;
  }

  /** That line. */
  get line(): string {
    return this.#out.trim();
  }

  /** The port in it. */
  get port(): number {
    return Number(/:(\d+)\/?$/.exec(this.line)![1]);
  }

  /** The process. */
  get processId(): number {
    return this.#child.pid!;
  }

  /** What it has complained of. */
  get complaints(): string {
    return this.#error;
  }

  /** Sends a signal; its exit status and what it has complained of. */
  async end(signal: NodeJS.Signals): Promise<[status: number | null, error: string]> {
    this.#child.kill(signal);
    return [await this.#ended, this.#error];
  }

  /** Ends it at once, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
