/**
 * Servers in processes of their own, and what a client program says of them.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { output, ROOT } from "../../programs.ts";
import type { Runner, Sample } from "../../scenario.ts";
import { start } from "../../signals.ts";

/** A server that is being measured. */
export class Server {
  readonly #child: ChildProcess;
  #problems = "";

  /** Starts the command. */
  constructor(command: readonly string[]) {
    this.#child = start(command, ROOT);
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#problems += text);
  }

  /** The port that its first line ends with. */
  async port(): Promise<number> {
    const reader = createInterface({ input: this.#child.stdout! });
    for await (const line of reader) {
      const parts = /(\d+)\/?$/.exec(line);
      if (parts !== null) return Number(parts[1]);
      break;
    }
    throw new Error(`The server has not begun: ${this.#problems.slice(-500)}`);
  }

  /** Ends it. */
  close(): void {
    this.#child.kill("SIGKILL");
  }
}

/**
 * A server, each pass of which is one run of a client. `clientOf` has the client's command for the
 * server's port, `read` the figure in what it prints. A server that does not say its port has `knownPort`.
 */
export async function runnerOf(
  server: readonly string[],
  clientOf: (port: number) => readonly string[],
  read: (printed: string) => number | Sample,
  knownPort?: number,
): Promise<Runner> {
  const running = new Server(server);
  try {
    const port = knownPort ?? await running.port();
    if (knownPort !== undefined) await listening(knownPort);
    return {
      pass: async () => read(await output(clientOf(port))),
      close: () => running.close(),
    };
  } catch (error) {
    running.close();
    throw error;
  }
}

/** Connections that are tried before a server is given up, and milliseconds between two. */
const ATTEMPTS = 500;
const PAUSE_MS = 20;

/** Resolves when somebody listens there. */
async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isThere) return;
    await sleep(PAUSE_MS);
  }
  throw new Error(`Nobody listens on port ${port}`);
}
