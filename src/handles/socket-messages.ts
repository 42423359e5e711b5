/**
 * How datagrams and messages are sent and received: what goes into the annex of the
 * operation, and what is read there when it is done.
 *
 * @module
 */

import { setNumber, setWord, wordAt } from "../core/annex.ts";
import { checkBuffer, type NativeBuffer } from "../core/buffer.ts";
import { checkNumber, described } from "../core/errors.ts";
import type { Handle } from "../core/handle.ts";
import { dropResultsOf, kindOf, nameTargetsOf, readResultsOf } from "../core/kinds.ts";
import { type Operation, resultOf } from "../core/operation.ts";
import type { Packet } from "../core/packet.ts";
import { type Parts, startWith } from "../core/start.ts";
import {
  type ControlData,
  ERROR_MORE_DATA,
  MSG_CTRUNC,
  MSG_PEEK,
  MSG_TRUNC,
  SOCKADDR_BYTES,
  system,
  WSABUF_BYTES,
  WSAMSG_BYTES,
} from "../system/system.ts";
import {
  addressAt,
  FAMILY_NUMBERS,
  sockaddrOf,
  type SocketAddress,
  type SocketFamily,
  textOf,
  writeSockaddr,
} from "./socket-addresses.ts";
import { readBytes, writeBytes } from "./socket-memory.ts";
import { checkVector, writeVector } from "./socket-streams.ts";

export type { ControlData } from "../system/system.ts";

const SEND_TO = kindOf("WSASendTo");
const RECEIVE_FROM = kindOf("WSARecvFrom");
const SEND_MESSAGE = kindOf("WSASendMsg");
const RECEIVE_MESSAGE = kindOf("WSARecvMsg");

/** Bytes of control data that a message has room for, unless told otherwise. */
const CONTROL_BYTES = 256;
/** The most that may be asked for. */
const MAX_CONTROL_BYTES = 65_536;

/** A message to be sent. */
export interface SocketMessage {
  /** Its bytes. */
  readonly data: NativeBuffer | readonly NativeBuffer[];
  /** Where it goes; absent if the socket is connected. */
  readonly address?: SocketAddress;
  /** What goes beside it. */
  readonly control?: ControlData;
}

/** Room for a message to be received. */
export interface MessageRoom {
  /** Where its bytes go. */
  readonly data: NativeBuffer | readonly NativeBuffer[];
  /** Bytes that control data may take; 256 by default, 0: none are wanted. */
  readonly controlBytes?: number;
  /** The message stays there for the next receive. MSG_PEEK. */
  readonly peek?: boolean;
}

/** What is known of a message that was received, beside its bytes. */
export interface ReceivedMessage {
  /** Where it came from; `null` if the system does not say, as of a connection. */
  readonly address: SocketAddress | null;
  /** What came beside it. Descriptors are open, and the program's to close. */
  readonly control: ControlData;
  /** Whether there was no room for all of its bytes; the packet has ERROR_MORE_DATA (234) then. */
  readonly isTruncated: boolean;
  /** Whether there was no room for all control data. */
  readonly isControlTruncated: boolean;
}

// The annex of an operation with an address: its length, the address, the WSABUFs.
const ADDRESS = 16;
const VECTOR: number = ADDRESS + SOCKADDR_BYTES;

// The annex of one with a message: the WSAMSG, then the same; control data behind the WSABUFs.
const MESSAGE_ADDRESS: number = WSAMSG_BYTES + 8;
const MESSAGE_VECTOR: number = MESSAGE_ADDRESS + SOCKADDR_BYTES;
const M_ADDRESS = 0;
const M_ADDRESS_BYTES = 8;
const M_BUFFERS = 16;
const M_COUNT = 24;
const M_CONTROL_BYTES = 32;
const M_CONTROL = 40;
const M_FLAGS = 48;

const NONE: readonly NativeBuffer[] = [];

const MAX_INT32 = 0x7fffffff;
const MAX_UINT32 = 0xffffffff;
const MAX_HOPS = 255;

/** A list of buffers, also of one. */
function listOf(data: NativeBuffer | readonly NativeBuffer[]): readonly NativeBuffer[] {
  return Array.isArray(data) ? checkVector(data) : [checkBuffer(data as NativeBuffer)];
}

/** What the operation uses, with `bytes` bytes of annex before its WSABUFs. */
function partsOf(buffers: readonly NativeBuffer[], bytes: number): Parts {
  return {
    buffer: buffers[0],
    further: buffers.length === 1 ? NONE : buffers.slice(1),
    annexBytes: bytes + buffers.length * WSABUF_BYTES,
  };
}

/** Starts sending a datagram to the SOCKADDR `address`. */
export function startSendTo(
  socket: Handle,
  family: SocketFamily,
  data: NativeBuffer | readonly NativeBuffer[],
  address: SocketAddress,
  tag: number,
): Operation {
  const bytes = sockaddrOf(address, family);
  const buffers = listOf(data);
  const count = buffers.length;
  const parts = partsOf(buffers, VECTOR);
  return startWith(SEND_TO, socket, parts, tag, (handle, overlapped, annex) => {
    setWord(annex, bytes.length);
    writeSockaddr(annex + ADDRESS, bytes);
    writeVector(annex + VECTOR, buffers);
    const vector = annex + VECTOR;
    return system.wsaSendTo(handle, vector, count, 0, annex + ADDRESS, bytes.length, overlapped);
  });
}

/** Starts receiving a datagram and where it comes from. */
export function startReceiveFrom(
  socket: Handle,
  data: NativeBuffer | readonly NativeBuffer[],
  tag: number,
): Operation {
  const buffers = listOf(data);
  const count = buffers.length;
  const parts = partsOf(buffers, VECTOR);
  return startWith(RECEIVE_FROM, socket, parts, tag, (handle, overlapped, annex, result) => {
    setWord(annex, SOCKADDR_BYTES);
    writeVector(annex + VECTOR, buffers);
    const at = annex + ADDRESS;
    return system.wsaRecvFrom(handle, annex + VECTOR, count, result, at, annex, overlapped);
  });
}

/** The control data itself; throws if one of its values can be no such thing. */
function checkControl(control: ControlData): ControlData {
  const { packetInfo, hopLimit, descriptors, credentials } = control;
  if (packetInfo !== undefined) {
    const { hostname, interfaceIndex } = packetInfo;
    if (typeof hostname !== "string") {
      throw new TypeError(
        `Cannot use ${described(hostname)} as packetInfo.hostname: it is no text`,
      );
    }
    checkNumber(interfaceIndex, "packetInfo.interfaceIndex", MAX_INT32);
  }
  if (hopLimit !== undefined) checkNumber(hopLimit, "hopLimit", MAX_HOPS);
  if (descriptors !== undefined && !Array.isArray(descriptors)) {
    throw new TypeError(`Cannot use ${described(descriptors)} as descriptors: it is no array`);
  }
  if (credentials !== undefined) {
    const { processId, userId, groupId } = credentials;
    checkNumber(processId, "credentials.processId", MAX_INT32);
    checkNumber(userId, "credentials.userId", MAX_UINT32);
    checkNumber(groupId, "credentials.groupId", MAX_UINT32);
  }
  return control;
}

/** Starts sending a message with control data. `address`: its SOCKADDR, if it has one. */
export function startSendMessage(
  socket: Handle,
  family: SocketFamily,
  message: SocketMessage,
  tag: number,
): Operation {
  const buffers = listOf(message.data);
  const [buffer, ...further] = buffers;
  const { address } = message;
  const bytes = address === undefined ? null : sockaddrOf(address, family);
  const control = message.control === undefined
    ? null
    : system.encodeControl(FAMILY_NUMBERS[family], checkControl(message.control));
  const controlAt = MESSAGE_VECTOR + buffers.length * WSABUF_BYTES;
  const annexBytes = controlAt + (control === null ? 0 : control.length + 3);
  const parts = { buffer, further, annexBytes };
  return startWith(SEND_MESSAGE, socket, parts, tag, (handle, overlapped, annex) => {
    writeMessage(annex, buffers, bytes === null ? 0 : bytes.length, control?.length ?? 0);
    if (bytes !== null) writeSockaddr(annex + MESSAGE_ADDRESS, bytes);
    if (control !== null) writeBytes(annex + controlAt, control);
    return system.wsaSendMsg(handle, annex, 0, overlapped);
  });
}

/** Starts receiving a message with control data. */
export function startReceiveMessage(socket: Handle, room: MessageRoom, tag: number): Operation {
  const buffers = listOf(room.data);
  const [buffer, ...further] = buffers;
  const { controlBytes = CONTROL_BYTES } = room;
  checkNumber(controlBytes, "controlBytes", MAX_CONTROL_BYTES);
  const annexBytes = MESSAGE_VECTOR + buffers.length * WSABUF_BYTES + controlBytes + 3;
  const parts = { buffer, further, annexBytes };
  return startWith(RECEIVE_MESSAGE, socket, parts, tag, (handle, overlapped, annex) => {
    writeMessage(annex, buffers, SOCKADDR_BYTES, controlBytes);
    setWord(annex + M_FLAGS, room.peek === true ? MSG_PEEK : 0);
    return system.wsaRecvMsg(handle, annex, overlapped);
  });
}

/** Writes the WSAMSG at the beginning of an annex. */
function writeMessage(
  annex: number,
  buffers: readonly NativeBuffer[],
  addressBytes: number,
  controlBytes: number,
): void {
  if (addressBytes > 0) setNumber(annex + M_ADDRESS, annex + MESSAGE_ADDRESS);
  setWord(annex + M_ADDRESS_BYTES, addressBytes);
  setNumber(annex + M_BUFFERS, annex + MESSAGE_VECTOR);
  setWord(annex + M_COUNT, buffers.length);
  writeVector(annex + MESSAGE_VECTOR, buffers);
  if (controlBytes === 0) return;
  setWord(annex + M_CONTROL_BYTES, controlBytes);
  setNumber(annex + M_CONTROL, annex + MESSAGE_VECTOR + buffers.length * WSABUF_BYTES);
}

/** The address at `at` as it is told in errors. */
function targetAt(at: number, byteLength: number): string {
  const address = addressAt(at, byteLength);
  return address === null ? "" : textOf(address);
}

nameTargetsOf(SEND_TO, (annex) => targetAt(annex + ADDRESS, wordAt(annex)));

nameTargetsOf(SEND_MESSAGE, (annex) => {
  const byteLength = wordAt(annex + M_ADDRESS_BYTES);
  return byteLength === 0 ? "" : targetAt(annex + MESSAGE_ADDRESS, byteLength);
});

/** Who has sent it; `null` if the system has written no address. */
function senderAt(address: number, byteLength: number): SocketAddress | null {
  return byteLength > SOCKADDR_BYTES ? null : addressAt(address, byteLength);
}

readResultsOf(RECEIVE_FROM, (_result, annex) => senderAt(annex + ADDRESS, wordAt(annex)));

readResultsOf(RECEIVE_MESSAGE, (_result, annex, _bytes, isDone): ReceivedMessage | null => {
  if (!isDone) return null;
  const flags = wordAt(annex + M_FLAGS);
  const count = wordAt(annex + M_COUNT);
  const controlAt = annex + MESSAGE_VECTOR + count * WSABUF_BYTES;
  const controlBytes = wordAt(annex + M_CONTROL_BYTES);
  const addressBytes = wordAt(annex + M_ADDRESS_BYTES);
  const family = addressBytes === 0 ? 0 : wordAt(annex + MESSAGE_ADDRESS) & 0xFFFF;
  return {
    address: senderAt(annex + MESSAGE_ADDRESS, addressBytes),
    control: controlBytes === 0
      ? {}
      : system.decodeControl(family, readBytes(controlAt, controlBytes)),
    isTruncated: (flags & MSG_TRUNC) !== 0,
    isControlTruncated: (flags & MSG_CTRUNC) !== 0,
  };
});

dropResultsOf(RECEIVE_MESSAGE, (message) => {
  if (message !== null) system.dropControl((message as ReceivedMessage).control);
});

/** Who has sent the datagram of a packet of `receiveFrom`. */
export function senderOf(packet: Packet): SocketAddress | null {
  return resultIn(packet, "receiveFrom") as SocketAddress | null;
}

/** What came beside the bytes of a packet of `receiveMessage`. */
export function messageOf(packet: Packet): ReceivedMessage {
  return resultIn(packet, "receiveMessage") as ReceivedMessage;
}

/** What was read of a packet of that kind; a datagram that was cut is one nevertheless. */
function resultIn({ operation, error }: Packet, kind: string): unknown {
  if (operation === null || operation.kind !== kind) {
    throw new TypeError(`Cannot read the packet: it is not one of ${kind}`);
  }
  if (error !== null && error.code !== ERROR_MORE_DATA) throw error;
  return resultOf(operation);
}
