/**
 * Options of sockets, and groups that datagrams go to.
 *
 * @module
 */

import { described, Win32Error } from "../core/errors.ts";
import type { Handle } from "../core/handle.ts";
import { parseIPv4, parseIPv6 } from "../system/literals.ts";
import { system } from "../system/system.ts";
import * as winsock from "../system/winsock.ts";
import { interfaceIndex, type SocketFamily } from "./socket-addresses.ts";

/** How a silent connection is looked after. What is absent stays as the system has it. */
export interface KeepAlive {
  /** Seconds of silence before the other end is asked. */
  readonly idleSeconds?: number;
  /** Seconds between two questions. */
  readonly intervalSeconds?: number;
  /** How often it is asked in vain before the connection is reset. */
  readonly probes?: number;
}

/** Options of a socket. What is absent stays as it is; one that the socket cannot have is an error. */
export interface SocketOptions {
  /** Streams of the Internet: short messages are sent at once and not gathered. TCP_NODELAY. */
  readonly noDelay?: boolean;
  /** Streams of the Internet: a connection that is silent is looked after. SO_KEEPALIVE, TCP_KEEPIDLE … */
  readonly keepAlive?: boolean | KeepAlive;
  /**
   * Several sockets of datagrams may have the same address. Windows: streams as well, so that others may take
   * the address over. A stream may always listen again where old connections are still ending. SO_REUSEADDR.
   */
  readonly reuseAddress?: boolean;
  /** IPv6: IPv4 as well, in addresses that begin with `::ffff:`. Before `bind`; false by default. IPV6_V6ONLY. */
  readonly dualStack?: boolean;
  /** IPv4: datagrams may go to everybody in a network. SO_BROADCAST. */
  readonly broadcast?: boolean;
  /**
   * For how many seconds the system goes on sending what was not sent when the socket is closed: 0 resets the
   * connection; `null`, the default, as long as it takes. SO_LINGER.
   */
  readonly linger?: number | null;
  /** Bytes that the system keeps for sending. Linux: at most `net.core.wmem_max`. SO_SNDBUF. */
  readonly sendBufferBytes?: number;
  /** Bytes that it keeps of what was received. Linux: at most `net.core.rmem_max`. SO_RCVBUF. */
  readonly receiveBufferBytes?: number;
  /** How many routers what is sent may pass, 1 to 255. IP_TTL, IPV6_UNICAST_HOPS. */
  readonly hopLimit?: number;
  /** The same for datagrams to groups, 0 (this computer only) to 255. IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS. */
  readonly multicastHopLimit?: number;
  /**
   * Datagrams to groups come to this computer as well. Linux and IPv6: decided by the socket that sends, Windows
   * and IPv4: by the one that receives. IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP.
   */
  readonly multicastLoopback?: boolean;
  /**
   * The interface that datagrams to groups leave by: its index, its name, or for IPv4 an address of it.
   * IP_MULTICAST_IF, IPV6_MULTICAST_IF.
   */
  readonly multicastInterface?: number | string;
  /** `receiveMessage` tells to which of the computer's addresses a datagram came. IP_PKTINFO, IPV6_PKTINFO. */
  readonly packetInfo?: boolean;
  /** `receiveMessage` tells how many routers a datagram could still have passed. IP_RECVTTL, IPV6_HOPLIMIT. */
  readonly receiveHopLimit?: boolean;
  /** Linux, Unix-domain: `receiveMessage` tells who has sent. SO_PASSCRED. */
  readonly credentials?: boolean;
}

type Name = keyof SocketOptions;

/** Winsock's level and number of an option, of each family that has it. */
type Place = Partial<Record<SocketFamily, readonly [level: number, name: number]>>;

const SOL = winsock.SOL_SOCKET;
const IP = winsock.IPPROTO_IP;
const IPV6 = winsock.IPPROTO_IPV6;
const TCP = winsock.IPPROTO_TCP;

function inAll(name: number): Place {
  return { ipv4: [SOL, name], ipv6: [SOL, name], unix: [SOL, name] };
}

function inNets(name: number, name6: number): Place {
  return { ipv4: [IP, name], ipv6: [IPV6, name6] };
}

const PLACES: Readonly<Record<Name, Place>> = {
  noDelay: { ipv4: [TCP, winsock.TCP_NODELAY], ipv6: [TCP, winsock.TCP_NODELAY] },
  keepAlive: { ipv4: [SOL, winsock.SO_KEEPALIVE], ipv6: [SOL, winsock.SO_KEEPALIVE] },
  reuseAddress: inAll(winsock.SO_REUSEADDR),
  dualStack: { ipv6: [IPV6, winsock.IPV6_V6ONLY] },
  broadcast: { ipv4: [SOL, winsock.SO_BROADCAST], ipv6: [SOL, winsock.SO_BROADCAST] },
  linger: inAll(winsock.SO_LINGER),
  sendBufferBytes: inAll(winsock.SO_SNDBUF),
  receiveBufferBytes: inAll(winsock.SO_RCVBUF),
  hopLimit: inNets(winsock.IP_TTL, winsock.IPV6_UNICAST_HOPS),
  multicastHopLimit: inNets(winsock.IP_MULTICAST_TTL, winsock.IPV6_MULTICAST_HOPS),
  multicastLoopback: inNets(winsock.IP_MULTICAST_LOOP, winsock.IPV6_MULTICAST_LOOP),
  multicastInterface: inNets(winsock.IP_MULTICAST_IF, winsock.IPV6_MULTICAST_IF),
  packetInfo: inNets(winsock.IP_PKTINFO, winsock.IPV6_PKTINFO),
  receiveHopLimit: inNets(winsock.IP_RECVTTL, winsock.IPV6_HOPLIMIT),
  credentials: { unix: [SOL, winsock.SO_PASSCRED] },
};

const NAMES = Object.keys(PLACES) as Name[];

/** From what on and up to what the numbers of an option go. */
const RANGES: Partial<Record<Name, readonly [min: number, max: number]>> = {
  linger: [0, 0x7fff],
  sendBufferBytes: [1, 0x3fffffff],
  receiveBufferBytes: [1, 0x3fffffff],
  hopLimit: [1, 255],
  multicastHopLimit: [0, 255],
};

const KEEP_ALIVE: readonly (readonly [keyof KeepAlive, number, number])[] = [
  ["idleSeconds", winsock.TCP_KEEPIDLE, 32767],
  ["intervalSeconds", winsock.TCP_KEEPINTVL, 32767],
  ["probes", winsock.TCP_KEEPCNT, 127],
];

/** One value to be set. */
type Setting = readonly [
  name: string,
  level: number,
  number: number,
  value: Uint8Array<ArrayBuffer>,
];

/**
 * Sets the options that are given. All are checked before the first is set.
 *
 * Source: setsockopt.
 *
 * @throws {TypeError} if a value is of the wrong type, or the family has no such option.
 * @throws {RangeError} if a number is not usable.
 * @throws {Win32Error} what the system says of the option, with its name.
 */
export function setOptions(socket: Handle, family: SocketFamily, options: SocketOptions): void {
  const settings: Setting[] = [];
  for (const name of NAMES) {
    const value = options[name];
    if (value === undefined) continue;
    const [level, number] = placeOf(name, family);
    settings.push([name, level, number, encode(name, family, value)]);
    if (name === "keepAlive" && typeof value === "object") settings.push(...keepAlive(value!));
  }
  if (settings.length > 0) set(socket, settings);
}

/**
 * What an option is now. `multicastInterface` cannot be read.
 *
 * Source: getsockopt.
 *
 * @throws {TypeError} if the family has no such option.
 * @throws {Win32Error} what the system says of the option, with its name.
 */
export function getOption<N extends Exclude<Name, "multicastInterface">>(
  socket: Handle,
  family: SocketFamily,
  name: N,
): NonNullable<SocketOptions[N]> | (N extends "linger" ? null : never) {
  const [level, number] = placeOf(name, family);
  const room = new Uint8Array(new ArrayBuffer(8));
  const handle = socket.enter("getsockopt");
  try {
    const { code, errno } = system.getSockOpt(handle, level, number, room);
    if (code !== 0) throw failure("getsockopt", socket, name, code, errno);
  } finally {
    socket.leave();
  }
  return decode(name, room) as ReturnType<typeof getOption<N>>;
}

/**
 * From now on the socket gets what is sent to `group`, an address that many have, by the interface
 * with this index, name or IPv4 address; 0: which one the system chooses.
 *
 * Source: IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP.
 *
 * @throws {TypeError} if the address is no group's.
 * @throws {Win32Error} what the system says: WSAEADDRNOTAVAIL (10049), no such interface, and others.
 */
export function joinGroup(
  socket: Handle,
  family: SocketFamily,
  group: string,
  interface_: number | string = 0,
): void {
  const setting = membership(family, group, interface_, true);
  set(socket, [setting]);
}

/**
 * The socket no longer gets what is sent to `group`; the arguments as of `joinGroup`.
 *
 * Source: IP_DROP_MEMBERSHIP, IPV6_DROP_MEMBERSHIP.
 *
 * @throws {TypeError} if the address is no group's.
 * @throws {Win32Error} WSAEADDRNOTAVAIL (10049): it did not.
 */
export function leaveGroup(
  socket: Handle,
  family: SocketFamily,
  group: string,
  interface_: number | string = 0,
): void {
  set(socket, [membership(family, group, interface_, false)]);
}

function membership(
  family: SocketFamily,
  group: string,
  interface_: number | string,
  isJoin: boolean,
): Setting {
  const subject = `the membership in ${group}`;
  const literal = family === "unix" ? null : parseIPv4(group);
  if (literal !== null && literal[0] >>> 4 === 0xe) {
    const value = joined(literal, ipv4Interface(interface_));
    const name = isJoin ? winsock.IP_ADD_MEMBERSHIP : winsock.IP_DROP_MEMBERSHIP;
    return [subject, IP, name, value];
  }
  const [text, scope = interface_] = group.split("%");
  const literal6 = family === "ipv6" ? parseIPv6(text) : null;
  if (literal6 === null || literal6[0] !== 0xff) {
    throw new TypeError(
      `Cannot join or leave ${group}: it is no literal address of a group that an ${family} socket can be in`,
    );
  }
  const name = isJoin ? winsock.IPV6_ADD_MEMBERSHIP : winsock.IPV6_DROP_MEMBERSHIP;
  return [subject, IPV6, name, joined(literal6, dword(interfaceIndex(scope)))];
}

/** An interface as Winsock takes it for IPv4: an address of it, or its index behind a zero. */
function ipv4Interface(name: number | string): Uint8Array<ArrayBuffer> {
  const literal = typeof name === "string" ? parseIPv4(name) : null;
  return literal ?? dword(interfaceIndex(name) & 0xffffff).reverse();
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(first.length + second.length));
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

function dword(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(4));
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function placeOf(name: Name, family: SocketFamily): readonly [number, number] {
  const place = PLACES[name]?.[family];
  if (place !== undefined) return place;
  throw new TypeError(
    `Cannot use the option ${String(name)}: no socket of the family ${family} has it`,
  );
}

function set(socket: Handle, settings: readonly Setting[]): void {
  const handle = socket.enter("setsockopt");
  try {
    for (const [name, level, number, value] of settings) {
      const code = system.setSockOpt(handle, level, number, value);
      if (code !== 0) throw failure("setsockopt", socket, name, code, 0);
    }
  } finally {
    socket.leave();
  }
}

function failure(
  call: string,
  socket: Handle,
  name: string,
  code: number,
  errno: number,
): Win32Error {
  return new Win32Error(code, call, { subject: `${name} of ${socket.name}`, errno });
}

/** The value of an option in Winsock's layout. */
function encode(
  name: Name,
  family: SocketFamily,
  value: boolean | number | string | null | KeepAlive,
): Uint8Array<ArrayBuffer> {
  if (name === "linger") return lingerValue(value);
  if (name === "multicastInterface") {
    if (typeof value !== "string") checkRange(name, value, 0, 0xffffff);
    const interface_ = value as string | number;
    return family === "ipv4" ? ipv4Interface(interface_) : dword(interfaceIndex(interface_));
  }
  const range = RANGES[name];
  if (range !== undefined) return dword(checkRange(name, value, ...range));
  if (name === "keepAlive" && typeof value === "object" && value !== null) return dword(1);
  if (typeof value !== "boolean") {
    throw new TypeError(`Cannot use ${described(value)} as ${name}: it must be true or false`);
  }
  // The system asks the other way round.
  return dword(value !== (name === "dualStack") ? 1 : 0);
}

function lingerValue(value: unknown): Uint8Array<ArrayBuffer> {
  if (value === null) return dword(0);
  return dword(1 + checkRange("linger", value, 0, 0x7fff) * 0x10000);
}

function keepAlive(wanted: KeepAlive): Setting[] {
  return KEEP_ALIVE.filter(([name]) => wanted[name] !== undefined).map(([name, number, max]) => [
    `keepAlive.${name}`,
    TCP,
    number,
    dword(checkRange(`keepAlive.${name}`, wanted[name], 1, max)),
  ]);
}

function checkRange(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw new RangeError(
    `Cannot use ${described(value)} as ${name}: it must be a whole number from ${min} to ${max}`,
  );
}

function decode(name: Name, bytes: Uint8Array<ArrayBuffer>): boolean | number | null {
  const value = new DataView(bytes.buffer).getUint32(0, true);
  if (name === "linger") return (value & 0xffff) === 0 ? null : value >>> 16;
  if (RANGES[name] !== undefined) return value;
  return (value !== 0) !== (name === "dualStack");
}
