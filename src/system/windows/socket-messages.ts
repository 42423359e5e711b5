/**
 * Datagrams and messages on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import { ws2_32 } from "../../ffi/ws2_32.ts";
import type { SocketSystem } from "../contract-sockets.ts";
import { AF_INET, WSABUF_BYTES } from "../winsock.ts";
import { files } from "./files.ts";
import { handleWord } from "./last-error.ts";
import {
  extension,
  familyOf,
  hasDatagrams,
  socketAnswer,
  socketReceiving,
  socketStarted,
  WSAEMSGSIZE,
} from "./winsock.ts";

const NOTHING = word(0);
/** Whether calls that may wait do; for operations it is all the same. 0 is how sockets are made. */
const FIONBIO = 0x8004667E;
/** UDP's length of 16 bits, without its header and IPv4's, which counts too. */
const LONGEST_OVER_IPV4 = 65535 - 8 - 20;
const LONGEST_OVER_IPV6 = 65535 - 8;
/** Of a WSAMSG: where the address of the WSABUFs and their number are. */
const BUFFERS_AT = 16;
const COUNT_AT = 24;

/**
 * Whether `count` WSABUFs are more than any datagram of this socket can be. Asked before
 * the system is, which may tell so at once and by a packet as well.
 */
export function isTooLong(socket: number, buffers: number, count: number): boolean {
  if (!hasDatagrams(socket)) return false;
  let byteLength = 0;
  for (let i = 0; i < count; i++) {
    const at = buffers + i * WSABUF_BYTES;
    byteLength += wordsAround(at)[wordIndex(at)];
  }
  return byteLength > longestOf(socket);
}

function longestOf(socket: number): number {
  return familyOf(socket) === AF_INET ? LONGEST_OVER_IPV4 : LONGEST_OVER_IPV6;
}

function isMessageTooLong(socket: number, message: number): boolean {
  if (!hasDatagrams(socket)) return false;
  const words = wordsAround(message);
  const at = wordIndex(message);
  const buffers = words[at + BUFFERS_AT / 4] + words[at + BUFFERS_AT / 4 + 1] * 2 ** 32;
  return isTooLong(socket, buffers, words[at + COUNT_AT / 4]);
}

/**
 * Ties a socket for datagrams to an address, which ConnectEx does for streams only. That
 * is over at once; the packet is that of the first datagram, or else of a start that
 * changes nothing.
 */
export function connectDatagrams(
  socket: number,
  address: number,
  addressBytes: number,
  buffer: number,
  sendBytes: number,
  overlapped: number,
): number {
  if (sendBytes > longestOf(socket)) return WSAEMSGSIZE;
  const w = ws2_32();
  const handle = handleWord(socket);
  const k = kernel32();
  const result = w.connect(handle, word(address), addressBytes);
  const code = socketAnswer(result, k.GetLastError(), socket);
  if (code !== 0) return code;
  if (sendBytes > 0) return files.writeFile(socket, buffer, sendBytes, overlapped);
  const [isNonBlocking, length] = [dword(), dword()];
  const set = w.WSAIoctl(
    handle,
    FIONBIO,
    isNonBlocking,
    isNonBlocking.length,
    null,
    0,
    length,
    word(overlapped),
    NOTHING,
  );
  return socketStarted(set, k.GetLastError(), socket);
}

function dword(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(4));
}

type MessageSystem = Pick<
  SocketSystem,
  "wsaSendTo" | "wsaRecvFrom" | "wsaSendMsg" | "wsaRecvMsg"
>;

/** The contract's functions for datagrams and messages. */
export const messages: MessageSystem = {
  wsaSendTo(socket, buffers, count, flags, address, addressBytes, overlapped): number {
    if (isTooLong(socket, buffers, count)) return WSAEMSGSIZE;
    const k = kernel32();
    const started = ws2_32().WSASendTo(
      handleWord(socket),
      word(buffers),
      count,
      NOTHING,
      flags,
      word(address),
      addressBytes,
      word(overlapped),
      NOTHING,
    );
    return socketStarted(started, k.GetLastError(), socket);
  },
  wsaRecvFrom(socket, buffers, count, flags, address, addressBytes, overlapped): number {
    const k = kernel32();
    const started = ws2_32().WSARecvFrom(
      handleWord(socket),
      word(buffers),
      count,
      NOTHING,
      word(flags),
      word(address),
      word(addressBytes),
      word(overlapped),
      NOTHING,
    );
    return socketReceiving(started, k.GetLastError(), socket);
  },
  wsaSendMsg(socket, message, flags, overlapped): number {
    if (isMessageTooLong(socket, message)) return WSAEMSGSIZE;
    const k = kernel32();
    const started = ws2_32().WSASendMsg(
      handleWord(socket),
      word(message),
      flags,
      NOTHING,
      word(overlapped),
      NOTHING,
    );
    return socketStarted(started, k.GetLastError(), socket);
  },
  wsaRecvMsg(socket, message, overlapped): number {
    const receive = extension("WSARecvMsg", socket);
    if (typeof receive === "number") return receive;
    const k = kernel32();
    const started = receive(
      handleWord(socket),
      word(message),
      NOTHING,
      word(overlapped),
      NOTHING,
    );
    return socketReceiving(started, k.GetLastError(), socket);
  },
};
