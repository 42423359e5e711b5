/**
 * Foreign calls and native memory in Deno.
 *
 * @module
 */

import type { Runtime } from "./runtime.ts";
import type { Callable, CType, Functions, Signature, Signatures } from "./signature.ts";

/** A signature in Deno's words. */
interface DenoDefinition {
  readonly parameters: readonly string[];
  readonly result: string;
}

/** The part of `Deno` used here; written out so that Bun's type check knows it. */
interface DenoApi {
  build: { os: string; arch: string };
  pid: number;
  dlopen(name: string, symbols: Record<string, unknown>): { symbols: unknown };
  UnsafePointer: { create(value: bigint): object | null };
  UnsafeFnPointer: new (
    pointer: object,
    definition: DenoDefinition,
  ) => { call(...values: unknown[]): unknown };
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

function definitionOf({ parameters, result }: Signature): DenoDefinition {
  return { parameters: parameters.map((type) => DENO_TYPES[type]), result: DENO_TYPES[result] };
}

function pointerTo(address: number): object {
  const pointer = (globalThis as unknown as { Deno: DenoApi }).Deno.UnsafePointer
    .create(BigInt(address));
  if (pointer === null) throw new TypeError("Cannot view memory at address 0");
  return pointer;
}

/** The runtime seam for Deno. Nothing is loaded and no permission asked here. */
export function openDeno(): Runtime {
  const deno = (globalThis as unknown as { Deno: DenoApi }).Deno;
  return {
    open<T extends Signatures>(name: string, signatures: T): Functions<T> {
      const symbols: Record<string, unknown> = {};
      for (const [symbol, signature] of Object.entries(signatures)) {
        symbols[symbol] = definitionOf(signature);
      }
      return deno.dlopen(name, symbols).symbols as Functions<T>;
    },
    functionAt<S extends Signature>(address: number, signature: S): Callable<S> {
      const found = new deno.UnsafeFnPointer(pointerTo(address), definitionOf(signature));
      return ((...values: unknown[]) => found.call(...values)) as Callable<S>;
    },
    view(address: number, byteLength: number): ArrayBuffer {
      return deno.UnsafePointerView.getArrayBuffer(pointerTo(address), byteLength);
    },
    word: BigInt,
    platform: NODE_NAMES[deno.build.os] ?? deno.build.os,
    architecture: NODE_NAMES[deno.build.arch] ?? deno.build.arch,
    processId: deno.pid,
    isWorker: "WorkerGlobalScope" in globalThis,
    endWorker: () => (globalThis as unknown as { close(): void }).close(),
  };
}
