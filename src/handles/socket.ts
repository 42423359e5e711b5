/**
 * Sockets.
 *
 * @module
 */

import type { NativeBuffer } from "../core/buffer.ts";
import { described, Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import { type Operation, resultOf } from "../core/operation.ts";
import type { Packet } from "../core/packet.ts";
import { RECEIVE, SEND, startOperation } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { system } from "../system/system.ts";
import type { FileHandle } from "./file.ts";
import {
  messageOf,
  type MessageRoom,
  type ReceivedMessage,
  senderOf,
  type SocketMessage,
  startReceiveFrom,
  startReceiveMessage,
  startSendMessage,
  startSendTo,
} from "./socket-messages.ts";
import {
  FAMILY_NUMBERS,
  sockaddrOf,
  type SocketAddress,
  type SocketFamily,
  textOf,
} from "./socket-addresses.ts";
import { detailOf, SocketBase } from "./socket-base.ts";
import type { SocketOptions } from "./socket-options.ts";
import {
  flagsOf,
  type ReceiveOptions,
  startAccept,
  startConnect,
  startDisconnect,
  startTransmit,
  startVector,
  type TransmitOptions,
  updateContextBy,
} from "./socket-streams.ts";

/** How a TCP or UDP socket is made. */
export interface InternetOptions extends SocketOptions {
  /** Which addresses it has; `"ipv4"` by default. */
  readonly family?: "ipv4" | "ipv6";
}

/** How a Unix-domain socket is made. */
export interface UnixOptions extends SocketOptions {
  /** What it carries; `"stream"` by default. Windows has streams only. */
  readonly type?: "stream" | "datagram";
}

/**
 * A socket: TCP, UDP or Unix-domain. Its operations may be started, and their packets
 * taken, by any thread; several may be in flight in either direction, and are filled
 * and sent in the order of their starts.
 *
 * All operations throw a RangeError if the tag is not usable or a limit is reached, a
 * TypeError if the socket is not associated or a buffer freed, and ERROR_INVALID_HANDLE (6)
 * if the socket is closed. What the system refuses comes as a packet:
 * ERROR_NETNAME_DELETED (64) or WSAECONNRESET (10054): the other end has reset the connection;
 * WSAENOTCONN (10057): there is none; WSAESHUTDOWN (10058): that direction was ended by `shutdown`.
 *
 * Source: Winsock; socket(7), tcp(7), udp(7), unix(7).
 *
 * @example
 * ```ts
 * import { CompletionPort, NativeBuffer, SocketHandle } from "@iocp/iocp";
 *
 * using port = new CompletionPort();
 * using listener = SocketHandle.tcp();
 * listener.bind({ hostname: "127.0.0.1", port: 0 });
 * listener.listen();
 * port.associate(listener, 1);
 * using server = SocketHandle.tcp();
 * listener.accept(server);
 *
 * using client = SocketHandle.tcp();
 * port.associate(client, 2);
 * client.connect(listener.localAddress!);
 * port.get();
 * port.get(); // both are connected
 *
 * port.associate(server, 3);
 * using hello = NativeBuffer.allocate(5);
 * hello.bytes.set(new TextEncoder().encode("hello"));
 * using buffer = NativeBuffer.allocate(64);
 * client.send(hello);
 * server.receive(buffer);
 * for (let i = 0; i < 2; i++) {
 *   const packet = port.get();
 *   console.log(packet?.key, packet?.bytesTransferred); // 2 5, and 3 5
 * }
 * ```
 */
export class SocketHandle extends SocketBase {
  /**
   * Makes a TCP socket: to listen, to connect, or for `accept` to fill.
   *
   * Source: WSASocketW; socket(2).
   *
   * @throws {TypeError} or a RangeError if an option is not usable.
   * @throws {Win32Error} WSAEMFILE (10024): too many are open; WSAEAFNOSUPPORT (10047): the system has no IPv6.
   */
  static tcp(options: InternetOptions = {}): SocketHandle {
    return SocketHandle.#open(options.family ?? "ipv4", false, "TCP socket", options);
  }

  /**
   * Makes a UDP socket. `bind` it before anything is received.
   *
   * @throws {TypeError} or a RangeError if an option is not usable.
   * @throws {Win32Error} WSAEMFILE (10024), WSAEAFNOSUPPORT (10047).
   */
  static udp(options: InternetOptions = {}): SocketHandle {
    return SocketHandle.#open(options.family ?? "ipv4", true, "UDP socket", options);
  }

  /**
   * Makes a Unix-domain socket, whose addresses are paths.
   *
   * @throws {TypeError} or a RangeError if an option is not usable.
   * @throws {Win32Error} WSAEMFILE (10024); Windows: WSAESOCKTNOSUPPORT (10044) for datagrams.
   */
  static unix(options: UnixOptions = {}): SocketHandle {
    const { type = "stream" } = options;
    if (type !== "stream" && type !== "datagram") {
      throw new TypeError(
        `Cannot use ${described(type)} as the type of a socket: "stream" or "datagram"`,
      );
    }
    return SocketHandle.#open("unix", type === "datagram", "Unix-domain socket", options);
  }

  /**
   * The socket of `token`, made by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its socket has been closed.
   */
  static attach(token: HandleToken): SocketHandle {
    return new SocketHandle(Handle.attached("socket", token), false);
  }

  static #open(
    family: SocketFamily,
    isDatagram: boolean,
    name: string,
    options: SocketOptions,
  ): SocketHandle {
    if (!Object.hasOwn(FAMILY_NUMBERS, family)) {
      throw new TypeError(`Cannot make a socket: ${String(family)} is no family of addresses`);
    }
    const protocol = family === "unix" ? 0 : isDatagram ? codes.IPPROTO_UDP : codes.IPPROTO_TCP;
    const type = isDatagram ? codes.SOCK_DGRAM : codes.SOCK_STREAM;
    const { code, value, errno } = system.wsaSocket(FAMILY_NUMBERS[family], type, protocol);
    if (code !== 0) throw new Win32Error(code, "WSASocket", { subject: name, errno });
    const token = Handle.register("socket", value, name, detailOf(family, isDatagram));
    const socket = new SocketHandle(token, true);
    try {
      socket.setOptions(options);
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }

  /**
   * Starts waiting for a client, which `into` becomes: a socket of the same family that was
   * only made. It keeps its own key and port, if it is associated; if not, it can be
   * associated once the packet was taken. Whoever takes that gets it by
   * {@linkcode SocketHandle.accepted}. Many may be in flight on one listener.
   *
   * With `first`, the packet comes once the client has sent something, and its count says how much:
   * as a receive. The last `ACCEPT_ROOM_BYTES` of `first` are the system's own. A client
   * that does not send anything keeps such an operation.
   *
   * Closing the listener or `into` ends it with ERROR_OPERATION_ABORTED (995). WSAEINVAL (10022): the
   * socket does not listen, or `into` is in use.
   *
   * Source: AcceptEx; accept4(2).
   *
   * @throws {RangeError} if `first` is not longer than `ACCEPT_ROOM_BYTES`.
   */
  accept(into: SocketHandle, tag?: number): Operation;
  /** The same, with the client's first bytes. */
  accept(into: SocketHandle, first: NativeBuffer | null, tag?: number): Operation;
  accept(into: SocketHandle, first: NativeBuffer | null | number = null, tag = 0): Operation {
    if (typeof first === "number") return startAccept(this, into, null, first);
    return startAccept(this, into, first, tag);
  }

  /**
   * Starts connecting to `address`, and then sends `first`, whose bytes the packet counts.
   * ERROR_CONNECTION_REFUSED (1225): nobody listens there; ERROR_NETWORK_UNREACHABLE (1231) or
   * ERROR_HOST_UNREACHABLE (1232): there is no way; ERROR_SEM_TIMEOUT (121): nobody answers;
   * WSAEISCONN (10056): it is connected already. A socket whose connection was cancelled is of no use any more.
   *
   * Source: ConnectEx; connect(2).
   *
   * @throws {TypeError} if it is no address of the socket's family. A RangeError for a port that is none.
   */
  connect(address: SocketAddress, tag?: number): Operation;
  /** The same, with the first bytes to be sent. */
  connect(address: SocketAddress, first: NativeBuffer | null, tag?: number): Operation;
  connect(address: SocketAddress, first: NativeBuffer | null | number = null, tag = 0): Operation {
    const bytes = sockaddrOf(address, this.family);
    this.nameConnected(textOf(address));
    if (typeof first === "number") return startConnect(this, bytes, null, first);
    return startConnect(this, bytes, first, tag);
  }

  /**
   * Starts sending the bytes of a buffer, or of several as if they were one: all of them,
   * unless it fails or is cancelled. The bytes must not be changed before the packet is taken.
   *
   * Source: WSASend; send(2).
   */
  send(from: NativeBuffer | readonly NativeBuffer[], tag: number = 0): Operation {
    return isList(from)
      ? startVector(SEND, this, from, 0, tag)
      : startOperation(SEND, this, from, 0, tag);
  }

  /**
   * Starts receiving into a buffer, or into several one after the other. Completes
   * as soon as there is anything, unless `waitAll` is set. 0 bytes: the other end sends no more
   * (73). Of a datagram, its bytes; ERROR_MORE_DATA (234) and the count if it was longer.
   *
   * Source: WSARecv; recv(2).
   */
  receive(into: NativeBuffer | readonly NativeBuffer[], tag?: number): Operation;
  /** The same, otherwise than usual. */
  receive(
    into: NativeBuffer | readonly NativeBuffer[],
    options: ReceiveOptions,
    tag?: number,
  ): Operation;
  receive(
    into: NativeBuffer | readonly NativeBuffer[],
    options: ReceiveOptions | number = 0,
    tag: number = 0,
  ): Operation {
    const isTag = typeof options === "number";
    const flags = isTag ? 0 : flagsOf(options);
    const number = isTag ? options : tag;
    return isList(into)
      ? startVector(RECEIVE, this, into, flags, number)
      : startOperation(RECEIVE, this, into, 0, number, flags);
  }

  /**
   * Starts sending a datagram to `address`.
   *
   * Source: WSASendTo; sendto(2).
   *
   * @throws {TypeError} if it is no address of the socket's family. A RangeError for a port that is none.
   */
  sendTo(
    from: NativeBuffer | readonly NativeBuffer[],
    address: SocketAddress,
    tag: number = 0,
  ): Operation {
    return startSendTo(this, this.family, from, address, tag);
  }

  /**
   * Starts receiving a datagram; {@linkcode SocketHandle.sender} says who has sent it. Of one that is
   * longer: its beginning, and ERROR_MORE_DATA (234). ERROR_PORT_UNREACHABLE (1234): a
   * datagram sent before has come to nobody.
   *
   * Source: WSARecvFrom; recvfrom(2).
   */
  receiveFrom(
    into: NativeBuffer | readonly NativeBuffer[],
    tag: number = 0,
  ): Operation {
    return startReceiveFrom(this, into, tag);
  }

  /**
   * Starts sending a message with what goes beside it.
   *
   * Source: WSASendMsg; sendmsg(2).
   *
   * @throws {TypeError} if it has an address that is none of the socket's family. A RangeError for a port that is none.
   */
  sendMessage(message: SocketMessage, tag: number = 0): Operation {
    return startSendMessage(this, this.family, message, tag);
  }

  /**
   * Starts receiving a message with what comes beside it, as far as the socket's options ask for it;
   * {@linkcode SocketHandle.message} reads that from the packet.
   *
   * Source: WSARecvMsg; recvmsg(2).
   */
  receiveMessage(room: MessageRoom, tag: number = 0): Operation {
    return startReceiveMessage(this, room, tag);
  }

  /**
   * Starts sending a file without copying it through the program, with what goes before and after it.
   * The packet counts all of it. Nothing else may be sent meanwhile. `file` may be closed once this has returned.
   *
   * Source: TransmitFile; sendfile(2).
   *
   * @throws {RangeError} if the offset or the length is not usable.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  transmitFile(file: FileHandle | null, options: TransmitOptions = {}, tag: number = 0): Operation {
    return startTransmit(this, file, options, tag);
  }

  /**
   * Starts parting with the other end: it learns that no more comes once it has received what was
   * sent. What is in flight should have ended. With `reuse` the socket can then `connect` or
   * be accepted into again; that the other end has closed is waited for then.
   *
   * Source: DisconnectEx.
   */
  disconnect(options: { reuse?: boolean } = {}, tag: number = 0): Operation {
    return startDisconnect(this, options.reuse === true, tag);
  }

  /**
   * The socket that the client of an `accept` has become, in whichever thread took the packet.
   * Like an attached one: it is closed by `close`, not by `using`.
   *
   * @throws {TypeError} if it is no such packet, or the socket has been closed.
   * @throws {Win32Error} the packet's error, if it has one.
   */
  static accepted(packet: Packet): SocketHandle {
    const { operation, error } = packet;
    if (operation === null || operation.kind !== "accept") {
      throw new TypeError("Cannot find the accepted socket: the packet is not one of accept");
    }
    if (error !== null) throw error;
    return SocketHandle.attach(resultOf(operation) as HandleToken);
  }

  /**
   * Who has sent the datagram of a `receiveFrom`; `null` if the system does not say.
   *
   * @throws {TypeError} if it is no such packet.
   * @throws {Win32Error} the packet's error, if it has one other than ERROR_MORE_DATA (234).
   */
  static sender(packet: Packet): SocketAddress | null {
    return senderOf(packet);
  }

  /**
   * What came beside the bytes of a `receiveMessage`.
   *
   * @throws {TypeError} if it is no such packet.
   * @throws {Win32Error} the packet's error, if it has one other than ERROR_MORE_DATA (234).
   */
  static message(packet: Packet): ReceivedMessage {
    return messageOf(packet);
  }
}

function isList(data: NativeBuffer | readonly NativeBuffer[]): data is readonly NativeBuffer[] {
  return Array.isArray(data);
}

// Without this, a socket would not know its addresses on Windows, nor could it be shut down.
updateContextBy((token, name, listener) => {
  try {
    const from = listener === null ? null : SocketHandle.attach(listener);
    SocketHandle.attach(token).updateContext(name, from);
  } catch (error) {
    // It was closed meanwhile: nobody will miss it.
    if (!(error instanceof TypeError)) throw error;
  }
});
