/**
 * Foreign calls and native memory in Deno.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { CType, Functions, Signatures } from "./signature.ts";

/** The part of `Deno` used here; written out so that Bun's type check knows it. */
interface DenoApi {
  build: { os: string; arch: string };
  pid: number;
  dlopen(name: string, symbols: Record<string, unknown>): { symbols: unknown };
  UnsafePointer: { create(value: bigint): object | null };
  UnsafePointerView: { getArrayBuffer(pointer: object, byteLength: number): ArrayBuffer };
}

/** `pointer` is `usize`: a pointer object would be a second form for addresses. */
const DENO_TYPES: Readonly<Record<CType, string>> = {
  void: "void",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  pointer: "usize",
  buffer: "buffer",
};

/** Deno's names for systems and processors that Node calls otherwise. */
const NODE_NAMES: Readonly<Record<string, string>> = {
  windows: "win32",
  x86_64: "x64",
  aarch64: "arm64",
};

/** The runtime seam for Deno. Nothing is loaded and no permission asked here. */
export function openDeno(): Runtime {
  const deno = (globalThis as unknown as { Deno: DenoApi }).Deno;
  return {
    open<T extends Signatures>(name: string, signatures: T): Functions<T> {
      const symbols: Record<string, unknown> = {};
      for (const [symbol, { parameters, result }] of Object.entries(signatures)) {
        symbols[symbol] = {
          parameters: parameters.map((type) => DENO_TYPES[type]),
          result: DENO_TYPES[result],
        };
      }
      return deno.dlopen(name, symbols).symbols as Functions<T>;
    },
    view(address: number, byteLength: number): ArrayBuffer {
      const pointer = deno.UnsafePointer.create(BigInt(address));
      if (pointer === null) throw new TypeError("Cannot view memory at address 0");
      return deno.UnsafePointerView.getArrayBuffer(pointer, byteLength);
    },
    word: BigInt,
    platform: NODE_NAMES[deno.build.os] ?? deno.build.os,
    architecture: NODE_NAMES[deno.build.arch] ?? deno.build.arch,
    processId: deno.pid,
    isWorker: "WorkerGlobalScope" in globalThis,
    endWorker: () => (globalThis as unknown as { close(): void }).close(),
  };
}
