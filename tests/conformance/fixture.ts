/**
 * What the specification's tests share: where they run, folders of their own, Workers as further
 * threads, and skipping by name.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestFunction } from "@std/testing/bdd";
import { library, LibraryError } from "../../src/ffi/library.ts";
import { platform } from "../../src/ffi/runtime.ts";

/** Whether this is Windows, or Wine. */
export const isWindows: boolean = platform === "win32";

/** Whether this is Linux. */
export const isLinux: boolean = platform === "linux";

/** Whether the runtime is Bun; else it is Deno. */
export const isBun: boolean = "Bun" in globalThis;

/** Whether this is Wine: its ntdll has a function that says so. */
export const isWine: boolean = isWindows && hasWineVersion();

function hasWineVersion(): boolean {
  const signatures = { wine_get_version: { parameters: [], result: "pointer" } } as const;
  try {
    return Number(library(["ntdll.dll"], signatures)().wine_get_version()) !== 0;
  } catch (error) {
    if (error instanceof LibraryError) return false;
    throw error;
  }
}

/** Declares a test, or, for a `reason`, one that is skipped and says why in its name. */
export function itUnless(reason: string | false, name: string, fn: TestFunction): void {
  if (reason === false) it(name, fn);
  else it.skip(`${name} (skipped: ${reason})`, fn);
}

/** Why a test of what only Linux shows is skipped elsewhere. */
export const unlessLinux: string | false = isWindows && "looks into the Linux system";

/** Why a test that must know when threads wait is skipped. */
export const unlessWaitingIsTold: string | false = isWindows &&
  "Windows does not tell how many threads wait";

/** Why a test with an operation that stays pending is skipped. */
export const unlessPending: string | false = isWindows &&
  "a file on Windows has no operation that stays pending; pipes will";

/** Why a test of locks is skipped. */
export const unlessLocks: string | false = isWine && "Wine queues no packet for LockFileEx";

/** Why a test of the concurrency value is skipped. */
export const unlessConcurrency: string | false = isWine && "Wine ignores the concurrency value";

/** Numbers that are no key, offset, size or count. */
export const BAD_NUMBERS: readonly number[] = [-1, 1.5, NaN, 2 ** 53, Infinity, -Infinity];

/** What a program without types may give for a number, each with its name. */
export const NO_NUMBERS: readonly (readonly [name: string, value: number])[] = [
  ["a bigint", 5n as unknown as number],
  ["a string", "5" as unknown as number],
  ["null", null as unknown as number],
  ["an object", {} as unknown as number],
];

/** Numbers that are no handle of anything open. */
export const GARBAGE_HANDLES: readonly number[] = [0, -1, 3, 2 ** 52 + 4, NaN, 1e300, -4, 0.5];

/** A folder that is removed with all it holds when its block is left. */
export class Folder {
  readonly #path: string = realpathSync(mkdtempSync(join(tmpdir(), "iocp-test-")));

  /** The path of `name` in the folder. */
  path(name: string): string {
    return join(this.#path, name);
  }

  /** Makes a file and returns its path. */
  file(name: string, content: string | Uint8Array = ""): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Makes a FIFO and returns its path. */
  fifo(name: string): string {
    execFileSync("mkfifo", [this.path(name)]);
    return this.path(name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}

/** How long a thing may take that happens soon or never: the test has failed then. */
const HANGS_AFTER_MS = 30_000;

/** Lets other threads and this one's event loop go on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Comes back when `holds` does. */
export async function until(
  holds: () => boolean,
  what: string | (() => string),
): Promise<void> {
  const end = performance.now() + HANGS_AFTER_MS;
  while (!holds()) {
    if (performance.now() > end) {
      throw new Error(`It does not come to this: ${typeof what === "string" ? what : what()}`);
    }
    await turn();
  }
}

/** What a Worker of `workers/` says. */
type Message<T> = "ready" | { result: T } | { error: string };

/**
 * Runs a script of `workers/` in a thread of its own and returns what its job comes to. The Worker
 * ends itself after that.
 */
export function startWorker<T>(script: string, data: unknown): Promise<T> {
  const url = new URL(`./workers/${script}.ts`, import.meta.url).href;
  const worker = new Worker(url, { type: "module" });
  const ended = new Promise<T>((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<Message<T>>) => {
      const message = event.data;
      if (message === "ready") worker.postMessage(data);
      else if ("error" in message) reject(new Error(`In the worker: ${message.error}`));
      else resolve(message.result);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
  ended.catch(() => {}); // Whoever awaits it is told; until then it is not unhandled.
  return ended;
}
