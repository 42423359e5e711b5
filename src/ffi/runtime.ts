/**
 * The seam between this module and the runtime it runs on. Only `deno.ts` and
 * `bun.ts` know which one that is; everybody else asks {@linkcode runtime}.
 *
 * @module
 */

import { openBun } from "./bun.ts";
import { openDeno } from "./deno.ts";
import type { Callable, Functions, Signature, Signatures } from "./signature.ts";

/** What the rest of the house needs from a runtime. */
export interface Runtime {
  /** Opens a shared library; throws what the runtime throws. */
  open<T extends Signatures>(name: string, signatures: T): Functions<T>;
  /**
   * The function at `address`, which stays loaded. Deno has no fast way to call it:
   * a call takes about 1 us there, where one of `open`'s takes 10 ns.
   */
  functionAt<S extends Signature>(address: number, signature: S): Callable<S>;
  /**
   * A view of native memory. The view does not own the memory: whoever reserved
   * it must keep it mapped for as long as the view is read or written.
   */
  view(address: number, byteLength: number): ArrayBuffer;
  /** The form in which a 64-bit argument crosses to C without a slow path. */
  word(value: number): number | bigint;
  /** The operating system, in the words of `process.platform`. */
  readonly platform: string;
  /** The processor, in the words of `process.arch`. */
  readonly architecture: string;
  /** The id of this process. */
  readonly processId: number;
  /** Whether the calling thread is a Worker's. */
  readonly isWorker: boolean;
  /** Ends the calling Worker, once what it is doing has returned or at once. */
  endWorker(): void;
}

/** The runtime this module runs on. */
export const runtime: Runtime = "Bun" in globalThis ? await openBun() : openDeno();

/** The operating system, in the words of `process.platform`. */
export const platform: string = runtime.platform;

/** The processor, in the words of `process.arch`. */
export const architecture: string = runtime.architecture;

/** How many processors this process may use. */
export const processors: number = navigator.hardwareConcurrency;

/** The id of this process. */
export const processId: number = runtime.processId;

/** The part of `process` used here: Node's, which both runtimes have as a global. */
interface NodeProcess {
  getBuiltinModule(name: string): unknown;
}

/**
 * A module of the runtime's own, as `node:url`. Not imported, because Deno begins its
 * Node part only when something of it is used, which costs each thread more than
 * all modules of this library together; few programs need one of these.
 */
export function builtin(name: string): unknown {
  return (globalThis as unknown as { process: NodeProcess }).process.getBuiltinModule(name);
}
