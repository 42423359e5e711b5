/**
 * What a socket is beside its operations: its family, its addresses, its ends.
 *
 * @module
 */

import { checkNumber, Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import * as codes from "../system/system.ts";
import { type Outcome, system } from "../system/system.ts";
import {
  addressOf,
  sockaddrOf,
  type SocketAddress,
  type SocketFamily,
  textOf,
} from "./socket-addresses.ts";
import {
  getOption,
  joinGroup,
  leaveGroup,
  setOptions,
  type SocketOptions,
} from "./socket-options.ts";

/** Clients that wait to be accepted, unless `listen` says otherwise: what both systems give at most is more. */
const DEFAULT_BACKLOG = 511;
const MAX_BACKLOG = 0x7fffffff;

/** A direction of a connection, or both. */
export type SocketDirection = "receive" | "send" | "both";

const DIRECTIONS: Readonly<Record<SocketDirection, number>> = {
  receive: codes.SD_RECEIVE,
  send: codes.SD_SEND,
  both: codes.SD_BOTH,
};

// What the handle's `detail` says.
const FAMILY_NAMES: readonly SocketFamily[] = ["ipv4", "ipv6", "unix"];
const IS_DATAGRAM = 0x10;

/** What `detail` of a new socket is. */
export function detailOf(family: SocketFamily, isDatagram: boolean): number {
  return FAMILY_NAMES.indexOf(family) | (isDatagram ? IS_DATAGRAM : 0);
}

/** The base of {@linkcode SocketHandle}: what a socket can do without a packet. */
export abstract class SocketBase extends Handle {
  /** The socket of a token; see {@linkcode Handle}. */
  protected constructor(token: HandleToken, isOwner: boolean) {
    super("socket", token, isOwner);
  }

  /** Which addresses it has. */
  get family(): SocketFamily {
    return FAMILY_NAMES[this.detail & 0x3];
  }

  /** What it carries. */
  get type(): "stream" | "datagram" {
    return (this.detail & IS_DATAGRAM) !== 0 ? "datagram" : "stream";
  }

  /**
   * The socket's own address; `null` before `bind` or `connect`. Port 0 of `bind` has become one.
   *
   * Source: getsockname.
   */
  get localAddress(): SocketAddress | null {
    return this.#nameOf("getsockname", codes.WSAEINVAL);
  }

  /**
   * The address of the other end; `null` if there is none.
   *
   * Source: getpeername.
   */
  get remoteAddress(): SocketAddress | null {
    return this.#nameOf("getpeername", codes.WSAENOTCONN);
  }

  /**
   * Gives the socket an address of this computer; port 0 is any free one. A Unix-domain
   * socket appears in the file system, and stays there until somebody deletes it.
   *
   * Source: bind.
   *
   * @throws {TypeError} if it is no address of the socket's family. A RangeError for a port that is none.
   * @throws {Win32Error} WSAEADDRINUSE (10048), WSAEADDRNOTAVAIL (10049), WSAEACCES (10013), with the address.
   */
  bind(address: SocketAddress): void {
    const bytes = sockaddrOf(address, this.family);
    const name = textOf(address);
    this.#ask("bind", name, (socket) => {
      const code = system.bind(socket, bytes);
      // Which port has become of 0 is what errors of one among many sockets are told apart by.
      const isAny = "port" in address && address.port === 0;
      if (code === 0) this.rename(isAny ? textOf(this.localAddress ?? address) : name);
      return code;
    });
  }

  /**
   * Lets clients come; `accept` takes them. About `backlog` of them wait; the system
   * may allow fewer.
   *
   * Source: listen.
   *
   * @throws {RangeError} if the backlog is not usable.
   * @throws {Win32Error} WSAEINVAL (10022) if the socket is not bound; WSAEADDRINUSE (10048).
   */
  listen(backlog: number = DEFAULT_BACKLOG): void {
    checkNumber(backlog, "backlog", MAX_BACKLOG);
    this.#ask("listen", this.name, (socket) => system.listen(socket, backlog));
  }

  /**
   * Ends one direction of a connection, or both. The other end receives what was sent, then 0 bytes (73).
   *
   * Source: shutdown.
   *
   * @throws {TypeError} if `direction` is none.
   * @throws {Win32Error} WSAENOTCONN (10057) if there is no connection.
   */
  shutdown(direction: SocketDirection): void {
    if (!Object.hasOwn(DIRECTIONS, direction)) {
      throw new TypeError(`Cannot shut down ${String(direction)}: it is no direction`);
    }
    this.#ask("shutdown", this.name, (socket) => system.shutdown(socket, DIRECTIONS[direction]));
  }

  /**
   * Sets options; those that are absent stay as they are. All are checked before the first is set.
   *
   * Source: setsockopt.
   *
   * @throws {TypeError} if a value is of the wrong type, or no socket of the family has the option.
   * @throws {RangeError} if a number is not usable.
   * @throws {Win32Error} what the system says of an option, with its name.
   */
  setOptions(options: SocketOptions): void {
    setOptions(this, this.family, options);
  }

  /**
   * What an option is now. `multicastInterface` cannot be asked for.
   *
   * Source: getsockopt.
   *
   * @throws {TypeError} if no socket of the family has the option.
   * @throws {Win32Error} what the system says of it, with its name.
   */
  option<N extends Exclude<keyof SocketOptions, "multicastInterface">>(
    name: N,
  ): NonNullable<SocketOptions[N]> | (N extends "linger" ? null : never) {
    return getOption(this, this.family, name);
  }

  /**
   * From now on the socket gets what is sent to `group`, an address that many have, by the interface
   * of this index, name or IPv4 address; 0: which one the system chooses.
   *
   * Source: IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP.
   *
   * @throws {TypeError} if the address is no group's.
   * @throws {Win32Error} WSAEADDRNOTAVAIL (10049): there is no such interface; and others.
   */
  joinGroup(group: string, networkInterface: number | string = 0): void {
    joinGroup(this, this.family, group, networkInterface);
  }

  /**
   * The socket no longer gets what is sent to `group`; the arguments as of `joinGroup`.
   *
   * Source: IP_DROP_MEMBERSHIP, IPV6_DROP_MEMBERSHIP.
   *
   * @throws {TypeError} if the address is no group's.
   * @throws {Win32Error} WSAEADDRNOTAVAIL (10049): it did not get it.
   */
  leaveGroup(group: string, networkInterface: number | string = 0): void {
    leaveGroup(this, this.family, group, networkInterface);
  }

  /** Errors name where the socket is being connected to. @internal */
  protected nameConnected(name: string): void {
    this.enter("ConnectEx");
    this.rename(name);
    this.leave();
  }

  #nameOf(call: "getsockname" | "getpeername", none: number): SocketAddress | null {
    const bytes = new Uint8Array(new ArrayBuffer(codes.SOCKADDR_BYTES));
    const ask = call === "getsockname" ? system.getSockName : system.getPeerName;
    const { code, value, errno } = this.#find(call, (socket) => ask(socket, bytes));
    if (code === none) return null;
    if (code !== 0) throw this.failure(code, call, errno);
    return addressOf(bytes.subarray(0, value));
  }

  /** Does `work`, which answers with a code, on the socket. */
  #ask(call: string, subject: string, work: (socket: number) => number): void {
    const { code } = this.#find(call, (socket) => ({ code: work(socket), value: 0, errno: 0 }));
    if (code !== 0) throw new Win32Error(code, call, { subject });
  }

  /** Does `work` on the socket, which cannot be closed meanwhile. */
  #find(call: string, work: (socket: number) => Outcome): Outcome {
    const socket = this.enter(call);
    try {
      return work(socket);
    } finally {
      this.leave();
    }
  }

  /**
   * A socket that was accepted by `listener`, or has connected by itself, is told so.
   *
   * @internal
   */
  updateContext(name: number, listener: SocketBase | null): void {
    const listening = listener === null ? 0 : listener.enter("setsockopt");
    try {
      const value = new Uint8Array(new ArrayBuffer(listener === null ? 0 : 8));
      if (listener !== null) new DataView(value.buffer).setBigUint64(0, BigInt(listening), true);
      this.#find("setsockopt", (socket) => ({
        code: system.setSockOpt(socket, codes.SOL_SOCKET, name, value),
        value: 0,
        errno: 0,
      }));
    } finally {
      listener?.leave();
    }
  }
}
