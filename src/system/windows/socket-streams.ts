/**
 * Streams on Windows: connections, what goes through them, files that are sent.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import type { Word } from "../../ffi/signature.ts";
import { ws2_32 } from "../../ffi/ws2_32.ts";
import type { SocketSystem } from "../contract-sockets.ts";
import { AF_INET, AF_INET6, SOCKADDR_IN6_BYTES, SOCKADDR_IN_BYTES } from "../winsock.ts";
import { handleWord } from "./last-error.ts";
import { memory } from "./memory.ts";
import { connectDatagrams, isTooLong } from "./socket-messages.ts";
import {
  extension,
  extensionStarted,
  familyOf,
  hasDatagrams,
  socketReceiving,
  socketStarted,
  WSAEMSGSIZE,
} from "./winsock.ts";

const NOTHING = word(0);
const WSAEINVAL = 10022;
/** nNumberOfBytesPerSend: the system's own choice. */
const ANY_SIZE = 0;

/** What a wildcard address of each family is long; a name in the file system has none. */
const WILDCARD_BYTES: Readonly<Record<number, number>> = {
  [AF_INET]: SOCKADDR_IN_BYTES,
  [AF_INET6]: SOCKADDR_IN6_BYTES,
};

/** Sizes and places of a TRANSMIT_FILE_BUFFERS: head, its length, tail, its length. */
const PARTS_BYTES = 32;
const HEAD_AT = 0;
const TAIL_AT = 16;

/**
 * A TRANSMIT_FILE_BUFFERS, which a start reads while it runs, in memory of this
 * thread's own that is never given back.
 */
interface Parts {
  readonly fields: DataView;
  readonly address: Word;
}

let parts: Parts | undefined;

function openParts(): Parts {
  const { code, value } = memory.virtualAlloc(PARTS_BYTES);
  if (code !== 0) throw new RangeError(`Reserving ${PARTS_BYTES} bytes of native memory failed`);
  return { fields: new DataView(view(value, PARTS_BYTES)), address: word(value) };
}

function setPart(fields: DataView, at: number, address: number, byteLength: number): void {
  fields.setBigUint64(at, BigInt(address), true);
  fields.setUint32(at + 8, byteLength, true);
}

/** Gives a socket that has no address any; false if it has one, or cannot have it. */
function bindAnywhere(socket: number): boolean {
  const family = familyOf(socket);
  const bytes = new Uint8Array(new ArrayBuffer(WILDCARD_BYTES[family] ?? 2));
  new DataView(bytes.buffer).setUint16(0, family, true);
  return ws2_32().bind(handleWord(socket), bytes, bytes.length) === 0;
}

type StreamSystem = Pick<
  SocketSystem,
  | "acceptEx"
  | "connectEx"
  | "disconnectEx"
  | "wsaSend"
  | "wsaRecv"
  | "transmitFile"
>;

/** The contract's functions for streams. */
export const streams: StreamSystem = {
  acceptEx(
    listener,
    accepted,
    buffer,
    receiveBytes,
    localAddressBytes,
    remoteAddressBytes,
    overlapped,
  ): number {
    const accept = extension("AcceptEx", listener);
    if (typeof accept === "number") return accept;
    const k = kernel32();
    const started = accept(
      handleWord(listener),
      handleWord(accepted),
      word(buffer),
      receiveBytes,
      localAddressBytes,
      remoteAddressBytes,
      NOTHING,
      word(overlapped),
    );
    return extensionStarted(started, k.GetLastError(), listener);
  },
  connectEx(socket, address, addressBytes, buffer, sendBytes, overlapped): number {
    if (hasDatagrams(socket)) {
      return connectDatagrams(socket, address, addressBytes, buffer, sendBytes, overlapped);
    }
    const connect = extension("ConnectEx", socket);
    if (typeof connect === "number") return connect;
    const k = kernel32();
    const start = () =>
      extensionStarted(
        connect(
          handleWord(socket),
          word(address),
          addressBytes,
          word(buffer),
          sendBytes,
          NOTHING,
          word(overlapped),
        ),
        k.GetLastError(),
        socket,
      );
    const code = start();
    // Only a bound socket is connected (13); on other systems any is.
    return code === WSAEINVAL && bindAnywhere(socket) ? start() : code;
  },
  disconnectEx(socket, flags, overlapped): number {
    const disconnect = extension("DisconnectEx", socket);
    if (typeof disconnect === "number") return disconnect;
    const k = kernel32();
    const started = disconnect(handleWord(socket), word(overlapped), flags, 0);
    return extensionStarted(started, k.GetLastError(), socket);
  },
  wsaSend(socket, buffers, count, flags, overlapped): number {
    if (isTooLong(socket, buffers, count)) return WSAEMSGSIZE;
    const k = kernel32();
    const started = ws2_32().WSASend(
      handleWord(socket),
      word(buffers),
      count,
      NOTHING,
      flags,
      word(overlapped),
      NOTHING,
    );
    return socketStarted(started, k.GetLastError(), socket);
  },
  wsaRecv(socket, buffers, count, flags, overlapped): number {
    const k = kernel32();
    const started = ws2_32().WSARecv(
      handleWord(socket),
      word(buffers),
      count,
      NOTHING,
      word(flags),
      word(overlapped),
      NOTHING,
    );
    return socketReceiving(started, k.GetLastError(), socket);
  },
  transmitFile(
    socket,
    file,
    byteLength,
    head,
    headBytes,
    tail,
    tailBytes,
    flags,
    overlapped,
  ): number {
    const transmit = extension("TransmitFile", socket);
    if (typeof transmit === "number") return transmit;
    const own = parts ??= openParts();
    setPart(own.fields, HEAD_AT, head, headBytes);
    setPart(own.fields, TAIL_AT, tail, tailBytes);
    const k = kernel32();
    const started = transmit(
      handleWord(socket),
      file === 0 ? NOTHING : handleWord(file),
      byteLength,
      ANY_SIZE,
      word(overlapped),
      headBytes + tailBytes === 0 ? NOTHING : own.address,
      flags,
    );
    return extensionStarted(started, k.GetLastError(), socket);
  },
};
