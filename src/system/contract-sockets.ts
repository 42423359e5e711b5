/**
 * The contract's part about sockets; see `contract.ts`.
 *
 * A socket is a handle: `closeHandle`, `cancelIoEx`, `readFile` and `writeFile` take
 * it too. Numbers are Winsock's on both systems, and so are layouts: SOCKADDR
 * (AF_INET6 is 23), WSABUF (the length, then the address), WSAMSG. Codes are Winsock's
 * (10054 …) where a start fails, and Windows' own (64, 1225, 1236 …) in packets.
 *
 * @module
 */

import type { Outcome } from "./contract.ts";

/** What comes beside a message, or goes with it. What is absent was not there, or is not sent. */
export interface ControlData {
  /** The address of this computer it came to or goes from, and the interface's index. IP_PKTINFO, IPV6_PKTINFO. */
  readonly packetInfo?: { readonly hostname: string; readonly interfaceIndex: number };
  /** How many routers it may still pass. IP_TTL, IPV6_HOPLIMIT. */
  readonly hopLimit?: number;
  /** Linux, Unix-domain sockets: open descriptors, which are their receiver's. SCM_RIGHTS. */
  readonly descriptors?: readonly number[];
  /** Linux, Unix-domain sockets: who sends. SCM_CREDENTIALS. */
  readonly credentials?: {
    readonly processId: number;
    readonly userId: number;
    readonly groupId: number;
  };
}

/** Sockets. */
export interface SocketSystem {
  /**
   * Makes a socket for overlapped I/O: close-on-exec, not inherited. `family` AF_UNIX, AF_INET or
   * AF_INET6; `type` SOCK_STREAM or SOCK_DGRAM. Source: WSASocketW; socket(2).
   */
  wsaSocket(family: number, type: number, protocol: number): Outcome;
  /** Gives the socket an address of this computer. Source: bind. */
  bind(socket: number, address: Uint8Array<ArrayBuffer>): number;
  /** Lets clients come; at most `backlog` wait to be accepted. Source: listen. */
  listen(socket: number, backlog: number): number;
  /** Ends one direction or both: SD_RECEIVE, SD_SEND, SD_BOTH. Source: shutdown. */
  shutdown(socket: number, how: number): number;
  /** Writes the socket's own address; the value is its length. Source: getsockname. */
  getSockName(socket: number, address: Uint8Array<ArrayBuffer>): Outcome;
  /** Writes the address of the other end; the value is its length. Source: getpeername. */
  getPeerName(socket: number, address: Uint8Array<ArrayBuffer>): Outcome;
  /**
   * Sets an option, by Winsock's numbers and layouts; the known ones are translated.
   * SO_UPDATE_ACCEPT_CONTEXT and SO_UPDATE_CONNECT_CONTEXT do nothing on Linux.
   * ERROR_NOT_SUPPORTED (50), or 10042, for one that the system does not have. Source: setsockopt.
   */
  setSockOpt(socket: number, level: number, name: number, value: Uint8Array<ArrayBuffer>): number;
  /** Reads an option; the value is its length. Source: getsockopt. */
  getSockOpt(socket: number, level: number, name: number, value: Uint8Array<ArrayBuffer>): Outcome;
  /**
   * Starts waiting for a client, which `accepted` becomes: a socket of the same family that was
   * only made. With `receiveBytes` the packet comes once its first bytes have. The room for
   * addresses lies behind them in `buffer`; what is written there is the system's own
   * business: `getSockName` and `getPeerName` tell. `accepted` is not associated with the listener's port (15).
   * Source: AcceptEx; accept4(2).
   */
  acceptEx(
    listener: number,
    accepted: number,
    buffer: number,
    receiveBytes: number,
    localAddressBytes: number,
    remoteAddressBytes: number,
    overlapped: number,
  ): number;
  /**
   * Starts connecting to the SOCKADDR at `address`, then sends the `sendBytes` at `buffer`.
   * Windows: the socket must have been bound. Source: ConnectEx; connect(2).
   */
  connectEx(
    socket: number,
    address: number,
    addressBytes: number,
    buffer: number,
    sendBytes: number,
    overlapped: number,
  ): number;
  /**
   * Starts parting with the other end once what was sent is with it. `flags`: 0 or TF_REUSE_SOCKET, after
   * which `acceptEx` and `connectEx` take the socket as if it had just been made. Source: DisconnectEx.
   */
  disconnectEx(socket: number, flags: number, overlapped: number): number;
  /** Starts sending `count` WSABUFs, at `buffers`, whole. Source: WSASend; sendmsg(2). */
  wsaSend(
    socket: number,
    buffers: number,
    count: number,
    flags: number,
    overlapped: number,
  ): number;
  /**
   * Starts receiving into `count` WSABUFs. `flags`: the address of 32 bits, MSG_PEEK or MSG_WAITALL or none,
   * and what came (MSG_PARTIAL of a datagram that was cut). 0 bytes of a stream: the other end sends no more (73).
   * Source: WSARecv; recvmsg(2).
   */
  wsaRecv(
    socket: number,
    buffers: number,
    count: number,
    flags: number,
    overlapped: number,
  ): number;
  /** Starts sending a datagram to the SOCKADDR at `address`. Source: WSASendTo. */
  wsaSendTo(
    socket: number,
    buffers: number,
    count: number,
    flags: number,
    address: number,
    addressBytes: number,
    overlapped: number,
  ): number;
  /**
   * Starts receiving a datagram; its sender is written to `address`, and the address' length to the 32 bits at
   * `addressBytes`, which hold the room there is. One longer than the buffers: its beginning, and ERROR_MORE_DATA (234).
   * Source: WSARecvFrom.
   */
  wsaRecvFrom(
    socket: number,
    buffers: number,
    count: number,
    flags: number,
    address: number,
    addressBytes: number,
    overlapped: number,
  ): number;
  /** Starts sending what the WSAMSG at `message` says; control data as `encodeControl` makes them. Source: WSASendMsg. */
  wsaSendMsg(socket: number, message: number, flags: number, overlapped: number): number;
  /**
   * Starts receiving what the WSAMSG at `message` has room for; lengths and flags (MSG_TRUNC 0x100, MSG_CTRUNC 0x200)
   * are written to it. Source: WSARecvMsg.
   */
  wsaRecvMsg(socket: number, message: number, overlapped: number): number;
  /**
   * Starts sending `headBytes` at `head`, then `byteLength` bytes of `file` (0: to its end) from the offset in
   * `overlapped` on, then `tailBytes` at `tail`; the packet counts them together. `file` 0: none. `flags`:
   * of TF_DISCONNECT and TF_REUSE_SOCKET. Source: TransmitFile; sendfile(2).
   */
  transmitFile(
    socket: number,
    file: number,
    byteLength: number,
    head: number,
    headBytes: number,
    tail: number,
    tailBytes: number,
    flags: number,
    overlapped: number,
  ): number;
  /**
   * Control data in the form that the messages of a socket of `family` carry: CMSG headers and all. What they
   * cannot carry (an address of the other family, descriptors on Windows) is a TypeError that says so.
   */
  encodeControl(family: number, control: ControlData): Uint8Array<ArrayBuffer>;
  /**
   * What the control data of a message say that a socket of `family` has received; 0 if that is not
   * known. Descriptors are the caller's from now on.
   */
  decodeControl(family: number, bytes: Uint8Array<ArrayBuffer>): ControlData;
  /** The message goes to nobody: descriptors that came with it are closed. */
  dropControl(control: ControlData): void;
  /** The index of the network interface of this name; ERROR_FILE_NOT_FOUND (2) if there is none. Source: if_nametoindex. */
  ifNameToIndex(name: string): Outcome;
}
