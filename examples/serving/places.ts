/**
 * Addresses: from the command line, and for the screen.
 *
 * @module
 */

import { type NetAddress, resolve, type SocketAddress } from "../../mod.ts";
import type { Place } from "./arguments.ts";

/** The address of a place, which may have been given by a name. */
export async function addressAt({ hostname, port }: Place): Promise<NetAddress> {
  const [first] = await resolve(hostname, port);
  return first;
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function formatPlace(address: SocketAddress | null): string {
  if (address === null || "path" in address) return "nowhere";
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
