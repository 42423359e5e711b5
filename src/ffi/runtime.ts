/**
 * The seam between this module and the runtime it runs on. Only `deno.ts` and
 * `bun.ts` know which one that is; everybody else asks {@linkcode runtime}.
 *
 * @module
 */

import process from "node:process";
import { openBun } from "./bun.ts";
import { openDeno } from "./deno.ts";
import type { Functions, Signatures } from "./signature.ts";

/** What the rest of the house needs from a runtime. */
export interface Runtime {
  /** Opens a shared library; throws what the runtime throws. */
  open<T extends Signatures>(name: string, signatures: T): Functions<T>;
  /**
   * A view of native memory. The view does not own the memory: whoever reserved
   * it must keep it mapped for as long as the view is read or written.
   */
  view(address: number, byteLength: number): ArrayBuffer;
  /** The form in which a 64-bit argument crosses to C without a slow path. */
  word(value: number): number | bigint;
  /** Whether the calling thread is a Worker's. */
  readonly isWorker: boolean;
  /** Ends the calling Worker, once what it is doing has returned or at once. */
  endWorker(): void;
}

/** The operating system, in the words of `process.platform`. */
export const platform: string = process.platform;

/** The processor, in the words of `process.arch`. */
export const architecture: string = process.arch;

/** How many processors this process may use. */
export const processors: number = navigator.hardwareConcurrency;

/** The id of this process. */
export const processId: number = process.pid;

/** The runtime this module runs on. */
export const runtime: Runtime = "Bun" in globalThis ? await openBun() : openDeno();
