/**
 * Making sockets, and their addresses: Winsock's on this side, the kernel's on that.
 *
 * @module
 */

import { libc, socketOptions, sockets, streams } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import type { Outcome } from "../contract.ts";
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM } from "../winsock.ts";
import * as errno from "./errno.ts";
import { openHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { wsaErrorOf } from "./socket-errors.ts";
import { askForReports } from "./socket-reports.ts";
import { findSocket, HAS_KEEP_ALIVE, HAS_NO_DELAY, newState, S_STATE } from "./socket-state.ts";
import { READABLE, WRITABLE } from "./start.ts";

/** AF_INET6 of Linux. */
const LINUX_INET6 = 10;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Bytes of a Unix-domain socket's address without a path. */
const NO_PATH_BYTES = 2;

/** Bytes of the kernel's longest address. */
const ADDRESS_BYTES = 128;

/** The first word of a SOCKADDR with the family in Linux' number. */
export function toLinuxFamily(first: number): number {
  return (first & 0xFFFF) === AF_INET6 ? first & ~0xFFFF | LINUX_INET6 : first;
}

/** The first word of a SOCKADDR with the family in Winsock's number. */
export function toWinsockFamily(first: number): number {
  return (first & 0xFFFF) === LINUX_INET6 ? first & ~0xFFFF | AF_INET6 : first;
}

/** The SOCKADDR as the kernel has it. */
export function toLinux(address: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (address[0] !== AF_INET6 || address[1] !== 0) return address;
  const copy = address.slice();
  copy[0] = LINUX_INET6;
  return copy;
}

const TCP_NODELAY = 1;
const SO_KEEPALIVE = 9;

/** What an accepted socket was told when it was not connected yet holds for its connection. */
export function keepOptions(fd: number, state: number): void {
  if ((state & HAS_NO_DELAY) !== 0) setOption(fd, IPPROTO_TCP, TCP_NODELAY);
  if ((state & HAS_KEEP_ALIVE) !== 0) setOption(fd, SOL_SOCKET, SO_KEEPALIVE);
}

function setOption(fd: number, level: number, name: number): void {
  const one = new Uint8Array(new ArrayBuffer(4));
  one[0] = 1;
  socketOptions().setsockopt(fd, level, name, one, 4);
}

/** Makes a socket as Windows does. Returns its descriptor or a negated errno. */
export function makeSocket(family: number, isDatagram: boolean, protocol: number = 0): number {
  const type = (isDatagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
  const fd = sockets().socket(family === AF_INET6 ? LINUX_INET6 : family, type, protocol);
  if (fd < 0) return -errno.errno();
  // A listener need not wait until old connections of its address are forgotten.
  if (family !== AF_UNIX && !isDatagram) setOption(fd, SOL_SOCKET, SO_REUSEADDR);
  if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (family !== AF_UNIX && isDatagram) askForReports(fd, family);
  return fd;
}

function socketFailure(reason: number): Outcome {
  return { code: wsaErrorOf(reason), value: 0, errno: reason };
}

/** Makes a socket. Source: WSASocketW. */
export function wsaSocket(family: number, type: number, protocol: number): Outcome {
  if (family !== AF_INET && family !== AF_INET6 && family !== AF_UNIX) {
    return errno.refusal(code.WSAEAFNOSUPPORT);
  }
  if (type !== SOCK_STREAM && type !== SOCK_DGRAM) return errno.refusal(code.WSAESOCKTNOSUPPORT);
  const fd = makeSocket(family, type === SOCK_DGRAM, protocol);
  if (fd < 0) return socketFailure(-fd);
  const flags = READABLE | WRITABLE | code.FILE_FLAG_OVERLAPPED;
  const state = newState(family, type === SOCK_DGRAM);
  const handle = openHandle(layout.KIND_SOCKET, fd, flags, S_STATE, state);
  if (handle !== 0) return errno.success(handle);
  libc().close(fd);
  return errno.refusal(code.ERROR_NO_SYSTEM_RESOURCES);
}

/** Gives the socket an address. Source: bind. */
export function bind(socket: number, address: Uint8Array<ArrayBuffer>): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  const fd = region().words[at + layout.H_FD];
  const bytes = toLinux(address);
  return sockets().bind(fd, bytes, bytes.length) === 0 ? 0 : wsaErrorOf(errno.errno());
}

/** Asks the kernel for a name of the socket, and writes it as Winsock has it. */
function nameOf(
  socket: number,
  address: Uint8Array<ArrayBuffer>,
  call: "getsockname" | "getpeername",
): Outcome {
  const at = findSocket(socket);
  if (at < 0) return errno.refusal(-at);
  const fd = region().words[at + layout.H_FD];
  const bytes = new Uint8Array(new ArrayBuffer(ADDRESS_BYTES));
  const room = new Uint8Array(new ArrayBuffer(4));
  room[0] = ADDRESS_BYTES;
  if (streams()[call](fd, bytes, room) !== 0) return socketFailure(errno.errno());
  const length = Math.min(room[0], ADDRESS_BYTES);
  if (bytes[0] === LINUX_INET6) bytes[0] = AF_INET6;
  // Linux says that a socket without an address has one of zeros.
  const isNone = bytes[0] === AF_UNIX ? length <= NO_PATH_BYTES : (bytes[2] | bytes[3]) === 0;
  if (isNone && call === "getsockname") return errno.refusal(code.WSAEINVAL);
  if (address.length < length) return errno.refusal(10014);
  address.set(bytes.subarray(0, length));
  return errno.success(length);
}

/** The socket's own name. Source: getsockname. */
export function getSockName(socket: number, address: Uint8Array<ArrayBuffer>): Outcome {
  return nameOf(socket, address, "getsockname");
}

/** The other end's name. Source: getpeername. */
export function getPeerName(socket: number, address: Uint8Array<ArrayBuffer>): Outcome {
  return nameOf(socket, address, "getpeername");
}
