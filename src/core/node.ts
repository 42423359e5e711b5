/**
 * What is used of the runtimes' Node part, where it is needed: most programs do
 * without, and start sooner.
 *
 * @module
 */

import { builtin } from "../ffi/runtime.ts";
import { described } from "./errors.ts";

/** `node:url`, as far as it is used. */
interface NodeUrl {
  fileURLToPath(url: URL): string;
}

/** `node:v8`, as far as it is used. */
interface NodeV8 {
  serialize(value: unknown): Uint8Array;
  deserialize(bytes: Uint8Array): unknown;
}

/** `node:dns/promises`, as far as it is used. */
interface NodeDns {
  lookup(
    hostname: string,
    options: { all: true; verbatim: true },
  ): Promise<readonly { readonly address: string }[]>;
}

let url: NodeUrl | undefined;
let v8: NodeV8 | undefined;

/**
 * The path itself, or that of a file URL.
 *
 * @throws {TypeError} if the URL is not one of a file.
 */
export function pathOf(path: string | URL): string {
  if (typeof path === "string") return path;
  if (!(path instanceof URL)) {
    throw new TypeError(
      `Cannot use ${described(path)} as a path: it must be a string or a file URL`,
    );
  }
  url ??= builtin("node:url") as NodeUrl;
  return url.fileURLToPath(path);
}

/** The value's structured clone as bytes. Throws what the runtime throws if it has none. */
export function serialize(value: unknown): Uint8Array {
  v8 ??= builtin("node:v8") as NodeV8;
  return v8.serialize(value);
}

/** The value of `serialize`'s bytes; it may keep them. */
export function deserialize(bytes: Uint8Array): unknown {
  v8 ??= builtin("node:v8") as NodeV8;
  return v8.deserialize(bytes);
}

/** The addresses of `hostname`, in the order of the system's resolver. */
export async function lookup(hostname: string): Promise<string[]> {
  const { lookup } = builtin("node:dns/promises") as NodeDns;
  const found = await lookup(hostname, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}
