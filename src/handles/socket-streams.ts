/**
 * How the operations of connections are started: what they take into their annex,
 * and what is read there when they are done.
 *
 * @module
 */

import { setNumber, setWord, wordAt } from "../core/annex.ts";
import { checkBuffer, type NativeBuffer } from "../core/buffer.ts";
import { checkNumber } from "../core/errors.ts";
import { checkHandle, type Handle, type HandleToken } from "../core/handle.ts";
import { kindOf, readResultsOf } from "../core/kinds.ts";
import { MAX_TRANSFER_BYTES, MAX_VECTOR } from "../core/limits.ts";
import type { Operation } from "../core/operation.ts";
import { SEND, startWith } from "../core/start.ts";
import {
  ACCEPT_ADDRESS_BYTES,
  MSG_PEEK,
  MSG_WAITALL,
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  system,
  TF_DISCONNECT,
  TF_REUSE_SOCKET,
  WSABUF_BYTES,
} from "../system/system.ts";
import { writeSockaddr } from "./socket-addresses.ts";

const ACCEPT = kindOf("AcceptEx");
const CONNECT = kindOf("ConnectEx");
const DISCONNECT = kindOf("DisconnectEx");
const TRANSMIT_FILE = kindOf("TransmitFile");

/** Bytes at the end of the buffer of an accept that are the system's own. */
export const ACCEPT_ROOM_BYTES: number = 2 * ACCEPT_ADDRESS_BYTES;

/** How to receive. */
export interface ReceiveOptions {
  /** The bytes stay there for the next receive. MSG_PEEK. */
  peek?: boolean;
  /** Completes when the memory is full, or the other end sends no more. MSG_WAITALL. */
  waitAll?: boolean;
}

/** What is sent by `transmitFile`; everything that is absent is not. */
export interface TransmitOptions {
  /** Where in the file to begin, in bytes; 0 by default. */
  offset?: number;
  /** How many bytes of it; to its end, as its size says, by default: a file of /proc says 0. */
  byteLength?: number;
  /** What is sent before it. */
  head?: NativeBuffer;
  /** What is sent after it. */
  tail?: NativeBuffer;
  /** Part with the other end afterwards, as `disconnect`. TF_DISCONNECT. */
  disconnect?: boolean;
  /** And have a socket that can be used again. TF_REUSE_SOCKET. */
  reuse?: boolean;
}

/** The flags of a receive. */
export function flagsOf({ peek = false, waitAll = false }: ReceiveOptions): number {
  return (peek ? MSG_PEEK : 0) | (waitAll ? MSG_WAITALL : 0);
}

/** The flags of `disconnectEx`. */
export function reuseFlag(reuse: boolean): number {
  return reuse ? TF_REUSE_SOCKET : 0;
}

/** Writes the WSABUFs of `buffers` to `at`. */
export function writeVector(at: number, buffers: readonly NativeBuffer[]): void {
  for (const { address, byteLength } of buffers) {
    setWord(at, byteLength);
    setNumber(at + 8, address);
    at += WSABUF_BYTES;
  }
}

/** The buffers themselves; throws if they are none or too many. */
export function checkVector(buffers: readonly NativeBuffer[]): readonly NativeBuffer[] {
  if (buffers.length === 0 || buffers.length > MAX_VECTOR) {
    throw new RangeError(`Cannot use ${buffers.length} buffers: there must be 1 to ${MAX_VECTOR}`);
  }
  const total = buffers.reduce((sum, buffer) => sum + checkBuffer(buffer).byteLength, 0);
  checkNumber(total, "the buffers' length", MAX_TRANSFER_BYTES);
  return buffers;
}

/** Starts sending or receiving several buffers. */
export function startVector(
  index: number,
  socket: Handle,
  buffers: readonly NativeBuffer[],
  flags: number,
  tag: number,
): Operation {
  const [buffer, ...further] = checkVector(buffers);
  const count = buffers.length;
  const parts = { buffer, further, annexBytes: count * WSABUF_BYTES };
  return startWith(index, socket, parts, tag, (handle, overlapped, annex, result) => {
    writeVector(annex, buffers);
    if (index === SEND) return system.wsaSend(handle, annex, count, flags, overlapped);
    setWord(result, flags);
    return system.wsaRecv(handle, annex, count, result, overlapped);
  });
}

/** Starts waiting for a client, which `into` becomes. */
export function startAccept(
  listener: Handle,
  into: Handle,
  first: NativeBuffer | null,
  tag: number,
): Operation {
  const receiveBytes = first === null ? 0 : checkBuffer(first).byteLength - ACCEPT_ROOM_BYTES;
  if (receiveBytes < 0 || first !== null && receiveBytes === 0) {
    throw new RangeError(
      `Cannot receive into ${
        first!.byteLength
      } bytes: ${ACCEPT_ROOM_BYTES} of them are needed for addresses`,
    );
  }
  const { place, generation } = checkHandle(into).token;
  const parts = first === null ? { annexBytes: ACCEPT_ROOM_BYTES } : { buffer: first };
  const accepted = into.enter("AcceptEx");
  try {
    return startWith(ACCEPT, listener, parts, tag, (handle, overlapped, annex, result) => {
      writeToken(result, place, generation);
      writeToken(result + 8, listener.token.place, listener.token.generation);
      const buffer = first === null ? annex : first.address;
      const room = ACCEPT_ADDRESS_BYTES;
      return system.acceptEx(handle, accepted, buffer, receiveBytes, room, room, overlapped);
    });
  } finally {
    into.leave();
  }
}

/** Starts connecting to the SOCKADDR `address`, and then sending `first`. */
export function startConnect(
  socket: Handle,
  address: Uint8Array<ArrayBuffer>,
  first: NativeBuffer | null,
  tag: number,
): Operation {
  const { place, generation } = socket.token;
  const annexBytes = address.length;
  const parts = first === null ? { annexBytes } : { annexBytes, buffer: first };
  const [from, count] = first === null ? [0, 0] : [first.address, first.byteLength];
  return startWith(CONNECT, socket, parts, tag, (handle, overlapped, annex, result) => {
    writeToken(result, place, generation);
    writeSockaddr(annex, address);
    return system.connectEx(handle, annex, annexBytes, from, count, overlapped);
  });
}

/** Starts parting with the other end. */
export function startDisconnect(socket: Handle, reuse: boolean, tag: number): Operation {
  return startWith(
    DISCONNECT,
    socket,
    {},
    tag,
    (handle, overlapped) => system.disconnectEx(handle, reuseFlag(reuse), overlapped),
  );
}

/** Starts sending a file, and what goes before and after it. */
export function startTransmit(
  socket: Handle,
  file: Handle | null,
  options: TransmitOptions,
  tag: number,
): Operation {
  const { offset = 0, byteLength = 0, head = null, tail = null, disconnect, reuse } = options;
  checkNumber(offset, "offset");
  checkNumber(byteLength, "byteLength", MAX_TRANSFER_BYTES);
  const buffers = [head, tail].filter((buffer) => buffer !== null);
  const flags = (disconnect ? TF_DISCONNECT : 0) | (reuse ? TF_DISCONNECT | TF_REUSE_SOCKET : 0);
  // No bytes of a file: 0 would mean to its end.
  const isSent = file !== null && options.byteLength !== 0;
  const parts = {
    ...(buffers.length > 0 && { buffer: buffers[0] }),
    further: buffers.slice(1),
    offset,
    second: file,
  };
  return startWith(TRANSMIT_FILE, socket, parts, tag, (handle, ov, _annex, _result, source) => {
    const [from, headBytes] = head === null ? [0, 0] : [head.address, head.byteLength];
    const [to, tailBytes] = tail === null ? [0, 0] : [tail.address, tail.byteLength];
    const sent = isSent ? source : 0;
    return system.transmitFile(
      handle,
      sent,
      byteLength,
      from,
      headBytes,
      to,
      tailBytes,
      flags,
      ov,
    );
  });
}

/** Which handle something is about, for whichever thread takes the packet. */
function writeToken(at: number, place: number, generation: number): void {
  setWord(at, place);
  setWord(at + 4, generation);
}

function readToken(at: number): HandleToken {
  return { kind: "iocp.socket", place: wordAt(at), generation: wordAt(at + 4) };
}

/** How the socket of a token is told that it is connected; set by `socket.ts`, which knows the class. */
let update: (socket: HandleToken, name: number, listener: HandleToken | null) => void = () => {};

/** Enters how a socket that is connected now is told so. */
export function updateContextBy(by: typeof update): void {
  update = by;
}

// Without this, the socket would not know its addresses, nor could it be shut down. Linux needs none of it.
const UPDATES = system.updatesContexts;

readResultsOf(ACCEPT, (result, _annex, _bytes, isDone) => {
  const accepted = readToken(result);
  if (isDone && UPDATES) update(accepted, SO_UPDATE_ACCEPT_CONTEXT, readToken(result + 8));
  return accepted;
});

readResultsOf(CONNECT, (result, _annex, _bytes, isDone) => {
  if (isDone && UPDATES) update(readToken(result), SO_UPDATE_CONNECT_CONTEXT, null);
});
