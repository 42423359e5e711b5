/**
 * Options of sockets: Winsock's numbers and layouts, and what Linux has for them.
 *
 * Source: Socket Options; socket(7), tcp(7), ip(7), ipv6(7).
 *
 * @module
 */

import { socketOptions } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import type { Outcome, SocketSystem } from "../contract.ts";
import * as winsock from "../winsock.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { wsaErrorOf } from "./socket-errors.ts";
import { addState, dropState, findSocket, HAS_KEEP_ALIVE, HAS_NO_DELAY } from "./socket-state.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** One option on Linux: where it is, and how its value is written there if it is not 32 bits as in Winsock. */
interface Row {
  readonly level: number;
  readonly name: number;
  /** The value as Linux takes it. */
  readonly to?: (value: Bytes) => Bytes;
  /** The value as Winsock has it. */
  readonly from?: (value: Bytes) => Bytes;
  /** Another option, of another level, that is set alike where the socket has it. */
  readonly also?: readonly [level: number, name: number];
}

const SOL_SOCKET = 1;
const SOL_IP = 0;
const SOL_TCP = 6;
const SOL_IPV6 = 41;

const WSAEFAULT = 10014;

/** Bytes that the longest value takes: ipv6_mreq. */
const VALUE_BYTES = 32;

/** Winsock's level and number, Linux' level and number. */
const ROWS: Map<string, Row> = new Map();

function row(level: number, name: number, to: Row): void {
  ROWS.set(`${level} ${name}`, to);
}

function same(level: number, name: number, on: number, there: number): void {
  row(level, name, { level: on, name: there });
}

same(winsock.SOL_SOCKET, winsock.SO_REUSEADDR, SOL_SOCKET, 2);
row(winsock.SOL_SOCKET, winsock.SO_EXCLUSIVEADDRUSE, {
  level: SOL_SOCKET,
  name: 2,
  to: negated,
  from: negated,
});
same(winsock.SOL_SOCKET, winsock.SO_KEEPALIVE, SOL_SOCKET, 9);
same(winsock.SOL_SOCKET, winsock.SO_BROADCAST, SOL_SOCKET, 6);
same(winsock.SOL_SOCKET, winsock.SO_PASSCRED, SOL_SOCKET, 16);
// The kernel keeps as much again for its own use, and says so.
row(winsock.SOL_SOCKET, winsock.SO_SNDBUF, { level: SOL_SOCKET, name: 7, from: halved });
row(winsock.SOL_SOCKET, winsock.SO_RCVBUF, { level: SOL_SOCKET, name: 8, from: halved });
row(winsock.SOL_SOCKET, winsock.SO_LINGER, {
  level: SOL_SOCKET,
  name: 13,
  to: (value) => dwords(shortAt(value, 0), shortAt(value, 2)),
  from: (value) => dwords(shortAt(value, 0) | shortAt(value, 4) << 16),
});
row(winsock.SOL_SOCKET, winsock.SO_ERROR, {
  level: SOL_SOCKET,
  name: 4,
  from: (value) => dwords(wordAt(value) === 0 ? 0 : wsaErrorOf(wordAt(value))),
});
same(winsock.SOL_SOCKET, winsock.SO_TYPE, SOL_SOCKET, 3);

same(winsock.IPPROTO_TCP, winsock.TCP_NODELAY, SOL_TCP, 1);
same(winsock.IPPROTO_TCP, winsock.TCP_KEEPIDLE, SOL_TCP, 4);
same(winsock.IPPROTO_TCP, winsock.TCP_KEEPINTVL, SOL_TCP, 5);
same(winsock.IPPROTO_TCP, winsock.TCP_KEEPCNT, SOL_TCP, 6);

same(winsock.IPPROTO_IP, winsock.IP_TTL, SOL_IP, 2);
same(winsock.IPPROTO_IP, winsock.IP_MULTICAST_TTL, SOL_IP, 33);
same(winsock.IPPROTO_IP, winsock.IP_MULTICAST_LOOP, SOL_IP, 34);
same(winsock.IPPROTO_IP, winsock.IP_PKTINFO, SOL_IP, 8);
same(winsock.IPPROTO_IP, winsock.IP_RECVTTL, SOL_IP, 12);
row(winsock.IPPROTO_IP, winsock.IP_MULTICAST_IF, {
  level: SOL_IP,
  name: 32,
  to: (value) => request(new Uint8Array(4), value),
});
row(winsock.IPPROTO_IP, winsock.IP_ADD_MEMBERSHIP, { level: SOL_IP, name: 35, to: membership });
row(winsock.IPPROTO_IP, winsock.IP_DROP_MEMBERSHIP, { level: SOL_IP, name: 36, to: membership });

same(winsock.IPPROTO_IPV6, winsock.IPV6_UNICAST_HOPS, SOL_IPV6, 16);
same(winsock.IPPROTO_IPV6, winsock.IPV6_MULTICAST_IF, SOL_IPV6, 17);
same(winsock.IPPROTO_IPV6, winsock.IPV6_MULTICAST_HOPS, SOL_IPV6, 18);
same(winsock.IPPROTO_IPV6, winsock.IPV6_MULTICAST_LOOP, SOL_IPV6, 19);
same(winsock.IPPROTO_IPV6, winsock.IPV6_ADD_MEMBERSHIP, SOL_IPV6, 20);
same(winsock.IPPROTO_IPV6, winsock.IPV6_DROP_MEMBERSHIP, SOL_IPV6, 21);
same(winsock.IPPROTO_IPV6, winsock.IPV6_V6ONLY, SOL_IPV6, 26);
same(winsock.IPPROTO_IPV6, winsock.IPV6_PKTINFO, SOL_IPV6, 49);
// What comes to such a socket by IPv4 has its limit only if it is asked for there too.
row(winsock.IPPROTO_IPV6, winsock.IPV6_HOPLIMIT, {
  level: SOL_IPV6,
  name: 51,
  also: [SOL_IP, 12],
});

function wordAt(value: Bytes): number {
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}

function shortAt(value: Bytes, at: number): number {
  return value[at] | value[at + 1] << 8;
}

function dwords(...values: number[]): Bytes {
  const bytes = new Uint8Array(new ArrayBuffer(values.length * 4));
  const fields = new DataView(bytes.buffer);
  values.forEach((value, index) => fields.setUint32(index * 4, value, true));
  return bytes;
}

function negated(value: Bytes): Bytes {
  return dwords(wordAt(value) === 0 ? 1 : 0);
}

function halved(value: Bytes): Bytes {
  return dwords(wordAt(value) >>> 1);
}

/** An ip_mreq: the group, then the interface. */
function membership(value: Bytes): Bytes {
  return value.length < 8 ? value : request(value.subarray(0, 4), value.subarray(4, 8));
}

/** An ip_mreqn. An interface that begins with a zero is an index, the other way round in memory. */
function request(group: Uint8Array, interface_: Uint8Array): Bytes {
  const bytes = new Uint8Array(new ArrayBuffer(12));
  bytes.set(group);
  if (interface_[0] !== 0) bytes.set(interface_.subarray(0, 4), 4);
  else bytes.set([interface_[3], interface_[2], interface_[1]], 8);
  return bytes;
}

function setSockOpt(socket: number, level: number, name: number, value: Bytes): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  if (level === winsock.SOL_SOCKET && isContext(name)) return 0;
  const known = ROWS.get(`${level} ${name}`);
  if (known === undefined) return code.WSAENOPROTOOPT;
  if (value.length < 4) return WSAEFAULT;
  const { setsockopt } = socketOptions();
  const fd = region().words[at + layout.H_FD];
  const there = known.to?.(value) ?? value;
  if (setsockopt(fd, known.level, known.name, there, there.length) !== 0) {
    return errorOf(errno.errno());
  }
  noteOption(at, level, name, wordAt(value) !== 0);
  // Refused where the socket is of IPv6 alone; then nothing of the kind comes either.
  if (known.also !== undefined) setsockopt(fd, ...known.also, there, there.length);
  return 0;
}

/** What a socket that a client is accepted into was told before holds for the connection. */
function noteOption(handle: number, level: number, name: number, isOn: boolean): void {
  const bit = level === winsock.IPPROTO_TCP && name === winsock.TCP_NODELAY
    ? HAS_NO_DELAY
    : level === winsock.SOL_SOCKET && name === winsock.SO_KEEPALIVE
    ? HAS_KEEP_ALIVE
    : 0;
  if (bit !== 0) (isOn ? addState : dropState)(handle, bit);
}

/** A socket of another type says that it does not support the level. */
function errorOf(reason: number): number {
  return reason === errno.EOPNOTSUPP ? code.WSAENOPROTOOPT : wsaErrorOf(reason);
}

/** An accepted or connected socket can do everything at once here. */
function isContext(name: number): boolean {
  return name === winsock.SO_UPDATE_ACCEPT_CONTEXT || name === winsock.SO_UPDATE_CONNECT_CONTEXT;
}

function getSockOpt(socket: number, level: number, name: number, value: Bytes): Outcome {
  const at = findSocket(socket);
  if (at < 0) return errno.refusal(-at);
  const known = ROWS.get(`${level} ${name}`);
  if (known === undefined) return errno.refusal(code.WSAENOPROTOOPT);
  const there = new Uint8Array(new ArrayBuffer(VALUE_BYTES));
  const length = dwords(VALUE_BYTES);
  const fd = region().words[at + layout.H_FD];
  if (socketOptions().getsockopt(fd, known.level, known.name, there, length) !== 0) {
    const reason = errno.errno();
    return { code: errorOf(reason), value: 0, errno: reason };
  }
  const read = there.subarray(0, wordAt(length));
  const here = known.from?.(read) ?? read;
  if (value.length < here.length) return errno.refusal(WSAEFAULT);
  value.set(here);
  return errno.success(here.length);
}

function ifNameToIndex(name: string): Outcome {
  const index = socketOptions().if_nametoindex(errno.cString(name));
  return index === 0 ? errno.refusal(code.ERROR_FILE_NOT_FOUND) : errno.success(index);
}

/** The contract's functions for options. */
export const options: Pick<SocketSystem, "setSockOpt" | "getSockOpt" | "ifNameToIndex"> = {
  setSockOpt,
  getSockOpt,
  ifNameToIndex,
};
