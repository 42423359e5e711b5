/**
 * Names of computers, turned into addresses by the runtime's own resolver.
 *
 * @module
 */

import { checkNumber } from "../core/errors.ts";
import { lookup } from "../core/node.ts";
import type { NetAddress } from "./socket-addresses.ts";

/**
 * The addresses of `hostname`, in the order of the system's resolver, each with `port`; a literal
 * address is its own. Does not block. Deno needs `--allow-net` for names.
 *
 * Source: getaddrinfo, by `node:dns`.
 *
 * @example
 * ```ts
 * import { resolve } from "@iocp/iocp";
 *
 * for (const { hostname, port } of await resolve("localhost", 80)) console.log(hostname, port);
 * ```
 *
 * @throws {RangeError} if the port is none.
 * @throws {Error} of the resolver, with its `code`, as `ENOTFOUND`.
 */
export async function resolve(hostname: string, port: number): Promise<NetAddress[]> {
  checkNumber(port, "port", 65535);
  const found = await lookup(hostname);
  return found.map((address) => ({ hostname: address, port }));
}
