/**
 * Addresses of sockets: as programs write them, and as SOCKADDRs.
 *
 * @module
 */

import { setWord, wordAt } from "../core/annex.ts";
import { described, Win32Error } from "../core/errors.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "../system/literals.ts";
import { system } from "../system/system.ts";
import * as winsock from "../system/winsock.ts";

/** What a socket's addresses are: of the Internet, version 4 or 6, or names in the file system. */
export type SocketFamily = "ipv4" | "ipv6" | "unix";

/** An address of the Internet; `Deno.NetAddr` is one. */
export interface NetAddress {
  /**
   * The literal address, no name: {@linkcode resolve} turns names into addresses. `0.0.0.0` and `::`
   * are all addresses of this computer. IPv6: behind a `%` the interface of an address that counts on
   * one only, by its index or its name. On an IPv6 socket an IPv4 address stands for `::ffff:` and it.
   */
  readonly hostname: string;
  /** The port, to 65,535. */
  readonly port: number;
}

/** An address of a Unix-domain socket. */
export interface UnixAddress {
  /**
   * A path, of at most {@linkcode MAX_UNIX_PATH_BYTES} bytes. Linux: with a NUL character in front, a name
   * that is in no file system. Empty: the socket has none.
   */
  readonly path: string;
}

/** Where a socket is. */
export type SocketAddress = NetAddress | UnixAddress;

/** Bytes of a Unix-domain socket's path, in UTF-8; a longer one is a RangeError. */
export const MAX_UNIX_PATH_BYTES = 107;

/** Winsock's number of a family. */
export const FAMILY_NUMBERS: Readonly<Record<SocketFamily, number>> = {
  ipv4: winsock.AF_INET,
  ipv6: winsock.AF_INET6,
  unix: winsock.AF_UNIX,
};

/** Bytes that hold every address of a family. */
export const ADDRESS_ROOM: Readonly<Record<SocketFamily, number>> = {
  ipv4: winsock.SOCKADDR_IN_BYTES,
  ipv6: winsock.SOCKADDR_IN6_BYTES,
  unix: 112,
};

const IN6_WORDS = winsock.SOCKADDR_IN6_BYTES / 4;
/** Words of a SOCKADDR_IN that say something. */
const IN_WORDS = 2;
/** In words and bytes of a SOCKADDR_IN6. */
const SCOPE_WORD = 6;
const ADDRESS_BYTE = 8;
const UNIX_PATH_BYTE = 2;

/** A SOCKADDR and the address that it is. */
interface Known {
  readonly family: number;
  readonly sockaddr: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly address: SocketAddress;
}

/** Addresses that came lately, each in the one place that its words give; the next one there takes its place. */
const RECENT = 1024;
const recent: (Known | undefined)[] = Array.from({ length: RECENT }, () => undefined);
/** What addresses that were handed out are, so that an answer need not read their text again. */
const known: WeakMap<SocketAddress, Known> = new WeakMap();

/**
 * The SOCKADDR of an address for a socket of `family`. To be read only.
 *
 * @throws {TypeError} if it is no address of that family.
 * @throws {RangeError} if the port is none, or the path too long.
 * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2) if the interface behind a `%` does not exist.
 */
export function sockaddrOf(address: SocketAddress, family: SocketFamily): Uint8Array<ArrayBuffer> {
  if (typeof address !== "object" || address === null) throw unusable(address, "it is no object");
  const own = known.get(address);
  if (own !== undefined && own.family === FAMILY_NUMBERS[family]) return own.sockaddr;
  if (family === "unix") return unixSockaddr((address as Partial<UnixAddress>).path);
  const { hostname, port } = address as Partial<NetAddress>;
  if (typeof hostname !== "string") throw unusable(address, `it has no hostname`);
  if (!Number.isInteger(port) || port! < 0 || port! > 65535) {
    throw new RangeError(
      `Cannot use ${described(port)} as a port: it must be a whole number from 0 to 65535`,
    );
  }
  const bytes = family === "ipv4" ? ipv4Sockaddr(hostname) : ipv6Sockaddr(hostname);
  bytes[2] = port! >>> 8;
  bytes[3] = port!;
  return bytes;
}

function ipv4Sockaddr(hostname: string): Uint8Array<ArrayBuffer> {
  const literal = parseIPv4(hostname);
  if (literal === null) throw notLiteral(hostname, "IPv4");
  const bytes = new Uint8Array(new ArrayBuffer(winsock.SOCKADDR_IN_BYTES));
  bytes[0] = winsock.AF_INET;
  bytes.set(literal, 4);
  return bytes;
}

function ipv6Sockaddr(hostname: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(winsock.SOCKADDR_IN6_BYTES));
  bytes[0] = winsock.AF_INET6;
  const at = hostname.indexOf("%");
  const literal = parseIPv6(mapped(at < 0 ? hostname : hostname.slice(0, at)));
  if (literal === null) throw notLiteral(hostname, "IPv6");
  bytes.set(literal, ADDRESS_BYTE);
  const scope = at < 0 ? 0 : interfaceIndex(hostname.slice(at + 1));
  new DataView(bytes.buffer).setUint32(SCOPE_WORD * 4, scope, true);
  return bytes;
}

/** An IPv4 address as an IPv6 socket writes it; everything else as it is. */
function mapped(text: string): string {
  return parseIPv4(text) === null ? text : `::ffff:${text}`;
}

/**
 * The index of the network interface of this name, or with this index as text or number.
 *
 * @throws {TypeError} if it can be neither.
 * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2) if there is none of this name.
 */
export function interfaceIndex(name: string | number): number {
  if (typeof name === "number" || /^[0-9]+$/.test(name)) {
    const index = Number(name);
    if (Number.isInteger(index) && index >= 0 && index <= 0xffffffff) return index;
  }
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw new TypeError(
      `Cannot use ${String(name)} as a network interface: it is no index or name`,
    );
  }
  const { code, value, errno } = system.ifNameToIndex(name);
  if (code !== 0) throw new Win32Error(code, "if_nametoindex", { subject: name, errno });
  return value;
}

function unixSockaddr(path: string | undefined): Uint8Array<ArrayBuffer> {
  if (typeof path !== "string" || path === "" || path.includes("\0", 1)) {
    throw unusable({ path: path! }, "it has no path, or one with a NUL character");
  }
  const text = new TextEncoder().encode(path);
  // A name of no file system is not ended by a NUL, and its own is the first of the path.
  const isAbstract = path.startsWith("\0");
  const length = text.length - (isAbstract ? 1 : 0);
  if (length > MAX_UNIX_PATH_BYTES) {
    throw new RangeError(
      `Cannot use ${path} as a socket's path: it has ${length} bytes of at most ${MAX_UNIX_PATH_BYTES}`,
    );
  }
  const byteLength = UNIX_PATH_BYTE + text.length + (isAbstract ? 0 : 1);
  const bytes = new Uint8Array(new ArrayBuffer(byteLength));
  bytes[0] = winsock.AF_UNIX;
  bytes.set(text, UNIX_PATH_BYTE);
  return bytes;
}

function unusable(address: unknown, why: string): TypeError {
  return new TypeError(`Cannot use ${JSON.stringify(address)} as an address: ${why}`);
}

function notLiteral(hostname: string, family: string): TypeError {
  return new TypeError(
    `Cannot use ${hostname} as an ${family} address: it is no literal of one; names are resolved by resolve()`,
  );
}

/** Writes a SOCKADDR of `sockaddrOf` to native memory that the caller has reserved; whole words of it. */
export function writeSockaddr(at: number, sockaddr: Uint8Array<ArrayBuffer>): void {
  for (let i = 0; i < sockaddr.length; i += 4) {
    // What is behind the end reads as 0 here.
    const high = sockaddr[i + 2] << 16 | sockaddr[i + 3] << 24;
    setWord(at + i, sockaddr[i] | sockaddr[i + 1] << 8 | high);
  }
}

/**
 * The address whose SOCKADDR of `byteLength` bytes is at `at`; `null` if there is none. It is frozen, and one
 * that came before may be the same object.
 */
export function addressAt(at: number, byteLength: number): SocketAddress | null {
  if (byteLength === 0) return null;
  const first = wordAt(at);
  const family = first & 0xffff;
  const count = family === winsock.AF_INET ? IN_WORDS : family === winsock.AF_INET6 ? IN6_WORDS : 0;
  if (count === 0) return addressOf(readSockaddr(at, byteLength));
  let hash = first;
  for (let i = 1; i < count; i++) hash = Math.imul(hash ^ wordAt(at + i * 4), 0x9E3779B1);
  const place = hash >>> 22;
  const last = recent[place];
  if (last !== undefined && isAt(last, at, family, count)) return last.address;
  const sockaddr = readSockaddr(at, byteLength);
  const address = Object.freeze(addressOf(sockaddr));
  const words = new Uint32Array(sockaddr.buffer);
  if (address === null) return null;
  recent[place] = { family, sockaddr, words, address };
  known.set(address, recent[place]);
  return address;
}

/** Whether the SOCKADDR at `at` is that one. */
function isAt({ words, family }: Known, at: number, wanted: number, count: number): boolean {
  if (family !== wanted) return false;
  for (let i = 0; i < count; i++) if (words[i] !== wordAt(at + i * 4)) return false;
  return true;
}

/** A copy of the SOCKADDR of `byteLength` bytes in native memory. */
function readSockaddr(at: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(new ArrayBuffer(Math.ceil(byteLength / 4) * 4));
  for (let i = 0; i < words.length; i++) words[i] = wordAt(at + i * 4);
  return new Uint8Array(words.buffer, 0, byteLength);
}

/** The address that a SOCKADDR is; `null` if it is of none of the families. */
export function addressOf(sockaddr: Uint8Array<ArrayBuffer>): SocketAddress | null {
  const { length } = sockaddr;
  if (length < UNIX_PATH_BYTE) return null;
  const fields = new DataView(sockaddr.buffer, sockaddr.byteOffset, length);
  const family = fields.getUint16(0, true);
  if (family === winsock.AF_UNIX) return { path: pathOf(sockaddr.subarray(UNIX_PATH_BYTE)) };
  if (family === winsock.AF_INET && length >= winsock.SOCKADDR_IN_BYTES) {
    return { hostname: formatIPv4(sockaddr, 4), port: fields.getUint16(2) };
  }
  if (family !== winsock.AF_INET6 || length < winsock.SOCKADDR_IN6_BYTES) return null;
  const scope = fields.getUint32(SCOPE_WORD * 4, true);
  const hostname = formatIPv6(sockaddr, ADDRESS_BYTE) + (scope === 0 ? "" : `%${scope}`);
  return { hostname, port: fields.getUint16(2) };
}

function pathOf(bytes: Uint8Array): string {
  // Windows ends the address of a socket without one by zeros.
  if (bytes.every((byte) => byte === 0)) return "";
  const end = bytes[0] === 0 ? -1 : bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** An address in one word, for names and errors: `192.0.2.1:80`, `[2001:db8::1]:80`, `/run/name`, `@name`. */
export function textOf(address: SocketAddress): string {
  if ("path" in address) return address.path.replace(/^\0/, "@");
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
