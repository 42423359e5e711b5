/**
 * Foreign calls and native memory in Bun.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { Callable, CType, Functions, Signature, Signatures } from "./signature.ts";

/** The part of `bun:ffi` used here; written out so that Deno's type check knows it. */
interface BunFfi {
  dlopen(name: string, symbols: Record<string, unknown>): { symbols: unknown };
  linkSymbols(symbols: Record<string, unknown>): { symbols: Record<string, unknown> };
  toArrayBuffer(address: number, byteOffset: number, byteLength: number): ArrayBuffer;
}

/** The globals used here. `node:process` is not imported: see `builtin` in `runtime.ts`. */
interface BunGlobals {
  Bun: { isMainThread: boolean };
  process: { platform: string; arch: string; pid: number; exit(code: number): void };
}

/** `pointer` is `u64`, which takes numbers and bigints alike; `ptr` refuses bigints. */
const BUN_TYPES: Readonly<Record<CType, string>> = {
  void: "void",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  pointer: "u64",
  buffer: "ptr",
};

/** A signature in Bun's words. */
function definitionOf({ parameters, result }: Signature): { args: string[]; returns: string } {
  return { args: parameters.map((type) => BUN_TYPES[type]), returns: BUN_TYPES[result] };
}

/** The runtime seam for Bun. `bun:ffi` exists there only, hence the dynamic import. */
export async function openBun(): Promise<Runtime> {
  const { Bun: bun, process } = globalThis as unknown as BunGlobals;
  const ffi = await import("bun:ffi") as unknown as BunFfi;
  return {
    open<T extends Signatures>(name: string, signatures: T): Functions<T> {
      const symbols: Record<string, unknown> = {};
      for (const [symbol, signature] of Object.entries(signatures)) {
        symbols[symbol] = definitionOf(signature);
      }
      return ffi.dlopen(name, symbols).symbols as Functions<T>;
    },
    functionAt<S extends Signature>(address: number, signature: S): Callable<S> {
      const found = { ...definitionOf(signature), ptr: address };
      return ffi.linkSymbols({ found }).symbols.found as Callable<S>;
    },
    view(address: number, byteLength: number): ArrayBuffer {
      if (address === 0) throw new TypeError("Cannot view memory at address 0");
      return ffi.toArrayBuffer(address, 0, byteLength);
    },
    // Bun takes any number below 2^53 as it is.
    word: (value) => value,
    platform: process.platform,
    architecture: process.arch,
    processId: process.pid,
    isWorker: !bun.isMainThread,
    // Workers have no `close`; this ends the thread alone.
    endWorker: () => process.exit(0),
  };
}
