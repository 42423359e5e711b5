/**
 * Sockets on Windows: making them, their addresses and options.
 *
 * @module
 */

import { iphlpapi } from "../../ffi/iphlpapi.ts";
import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { ws2_32 } from "../../ffi/ws2_32.ts";
import { ERROR_FILE_NOT_FOUND } from "../codes.ts";
import type { Outcome } from "../contract.ts";
import type { SocketSystem } from "../contract-sockets.ts";
import {
  IP_PKTINFO,
  IP_RECVTTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
} from "../winsock.ts";
import { failure, handleWord, success } from "./last-error.ts";
import { control } from "./socket-control.ts";
import { messages } from "./socket-messages.ts";
import { streams } from "./socket-streams.ts";
import { enterSocket, reasonOf, socketAnswer, startWinsock } from "./winsock.ts";

const NOTHING = word(0);
const NO_GROUP = 0;
const INVALID_SOCKET = 0xFFFFFFFFFFFFFFFFn;
const WSA_FLAG_OVERLAPPED = 0x1;
const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;

/**
 * What an IPv6 socket that speaks IPv4 as well wants to know of IPv4's datagrams has
 * options of its own; elsewhere one option is for both.
 */
const IPV4_TWINS: Readonly<Record<number, number>> = {
  [IPV6_PKTINFO]: IP_PKTINFO,
  [IPV6_HOPLIMIT]: IP_RECVTTL,
};

/** An int that says how much room there is, and then how much was used. */
function lengthOf(room: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(4));
  new DataView(bytes.buffer).setInt32(0, room.length, true);
  return bytes;
}

/** The outcome of a call that has written so many bytes, or has been refused. */
function written(
  result: number,
  error: number,
  socket: number,
  length: Uint8Array<ArrayBuffer>,
): Outcome {
  if (result !== 0) return failure(reasonOf(error, socket));
  return success(new DataView(length.buffer).getInt32(0, true));
}

/** The contract's functions for sockets. */
export const sockets: SocketSystem = {
  wsaSocket(family, type, protocol): Outcome {
    const code = startWinsock();
    if (code !== 0) return failure(code);
    const flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    const k = kernel32();
    const made = ws2_32().WSASocketW(family, type, protocol, NOTHING, NO_GROUP, flags);
    const error = k.GetLastError();
    if (BigInt(made) === INVALID_SOCKET) return failure(error);
    return enterSocket(Number(made), family, type);
  },
  bind(socket, address): number {
    const k = kernel32();
    const result = ws2_32().bind(handleWord(socket), address, address.length);
    return socketAnswer(result, k.GetLastError(), socket);
  },
  listen(socket, backlog): number {
    const k = kernel32();
    const result = ws2_32().listen(handleWord(socket), backlog);
    return socketAnswer(result, k.GetLastError(), socket);
  },
  shutdown(socket, how): number {
    const k = kernel32();
    const result = ws2_32().shutdown(handleWord(socket), how);
    return socketAnswer(result, k.GetLastError(), socket);
  },
  getSockName(socket, address): Outcome {
    const length = lengthOf(address);
    const k = kernel32();
    const result = ws2_32().getsockname(handleWord(socket), address, length);
    return written(result, k.GetLastError(), socket, length);
  },
  getPeerName(socket, address): Outcome {
    const length = lengthOf(address);
    const k = kernel32();
    const result = ws2_32().getpeername(handleWord(socket), address, length);
    return written(result, k.GetLastError(), socket, length);
  },
  setSockOpt(socket, level, name, value): number {
    const set = ws2_32().setsockopt;
    const handle = handleWord(socket);
    const k = kernel32();
    const result = set(handle, level, name, value, value.length);
    const code = socketAnswer(result, k.GetLastError(), socket);
    const twin = level === IPPROTO_IPV6 ? IPV4_TWINS[name] : undefined;
    // Refused where it has no meaning: the socket speaks IPv6 only.
    if (code === 0 && twin !== undefined) set(handle, IPPROTO_IP, twin, value, value.length);
    return code;
  },
  getSockOpt(socket, level, name, value): Outcome {
    const length = lengthOf(value);
    const k = kernel32();
    const result = ws2_32().getsockopt(handleWord(socket), level, name, value, length);
    return written(result, k.GetLastError(), socket, length);
  },
  ifNameToIndex(name): Outcome {
    const text = new TextEncoder().encode(`${name}\0`);
    const bytes = new Uint8Array(new ArrayBuffer(text.length));
    bytes.set(text);
    const index = iphlpapi().if_nametoindex(bytes);
    return index === 0 ? failure(ERROR_FILE_NOT_FOUND) : success(index);
  },
  ...streams,
  ...messages,
  ...control,
};
