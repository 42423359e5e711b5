/**
 * Control data: what comes beside a message, or goes with it.
 *
 * Source: cmsg(3), ip(7), ipv6(7), unix(7).
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import type { ControlData, SocketSystem } from "../contract.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "../literals.ts";
import * as winsock from "../winsock.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SOL_IP = 0;
const SOL_SOCKET = 1;
const SOL_IPV6 = 41;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const IP_TTL = 2;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const IPV6_HOPLIMIT = 52;

/** Descriptors of one message, as many as the kernel takes: SCM_MAX_FD. */
const MAX_DESCRIPTORS = 253;

/** A header: the length with it, the level, the type. Data are aligned to 8 bytes. */
const HEADER_BYTES = 16;
const ALIGN = 8;

/** One piece of control data. */
interface Piece {
  readonly level: number;
  readonly type: number;
  readonly data: Bytes;
}

function piece(level: number, type: number, ...parts: (number | Uint8Array)[]): Piece {
  const length = parts.reduce<number>((sum, part) => sum + (bytesOf(part)), 0);
  const data = new Uint8Array(new ArrayBuffer(length));
  const fields = new DataView(data.buffer);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") fields.setInt32(at, part, true);
    else data.set(part, at);
    at += bytesOf(part);
  }
  return { level, type, data };
}

function bytesOf(part: number | Uint8Array): number {
  return typeof part === "number" ? 4 : part.length;
}

/** See the contract. */
export function encodeControl(family: number, control: ControlData): Bytes {
  const pieces = family === winsock.AF_UNIX ? unixPieces(control) : netPieces(family, control);
  const lengths = pieces.map(({ data }) => HEADER_BYTES + Math.ceil(data.length / ALIGN) * ALIGN);
  const bytes = new Uint8Array(new ArrayBuffer(lengths.reduce((sum, length) => sum + length, 0)));
  const fields = new DataView(bytes.buffer);
  let at = 0;
  pieces.forEach(({ level, type, data }, index) => {
    fields.setBigUint64(at, BigInt(HEADER_BYTES + data.length), true);
    fields.setInt32(at + 8, level, true);
    fields.setInt32(at + 12, type, true);
    bytes.set(data, at + HEADER_BYTES);
    at += lengths[index];
  });
  return bytes;
}

function unixPieces({ packetInfo, hopLimit, descriptors, credentials }: ControlData): Piece[] {
  if (packetInfo !== undefined) throw notCarried("packetInfo", "a Unix-domain socket has none");
  if (hopLimit !== undefined) throw notCarried("hopLimit", "a Unix-domain socket has none");
  const pieces: Piece[] = [];
  if (descriptors !== undefined && descriptors.length > 0) {
    if (descriptors.length > MAX_DESCRIPTORS) {
      throw notCarried("descriptors", `${descriptors.length} of at most ${MAX_DESCRIPTORS}`);
    }
    if (!descriptors.every((fd) => isInt32(fd) && fd >= 0)) {
      throw notCarried("descriptors", "one is no number of an open descriptor");
    }
    pieces.push(piece(SOL_SOCKET, SCM_RIGHTS, ...descriptors));
  }
  if (credentials !== undefined) {
    const { processId, userId, groupId } = credentials;
    pieces.push(piece(SOL_SOCKET, SCM_CREDENTIALS, processId, userId, groupId));
  }
  return pieces;
}

function netPieces(family: number, control: ControlData): Piece[] {
  const { packetInfo, hopLimit, descriptors, credentials } = control;
  if (descriptors !== undefined) {
    throw notCarried("descriptors", "only Unix-domain sockets have them");
  }
  if (credentials !== undefined) {
    throw notCarried("credentials", "only Unix-domain sockets have them");
  }
  const isIPv6 = family === winsock.AF_INET6;
  const pieces: Piece[] = [];
  if (packetInfo !== undefined) {
    const { hostname, interfaceIndex } = packetInfo;
    if (isIPv6) {
      const text = hostname.split("%")[0];
      const address = parseIPv6(parseIPv4(text) === null ? text : `::ffff:${text}`);
      if (address === null) throw notCarried("packetInfo", `${hostname} is no IPv6 address`);
      pieces.push(piece(SOL_IPV6, IPV6_PKTINFO, address, interfaceIndex));
    } else {
      const address = parseIPv4(hostname);
      if (address === null) throw notCarried("packetInfo", `${hostname} is no IPv4 address`);
      // in_pktinfo: where it goes from is the second field, and the third is of what came.
      pieces.push(piece(SOL_IP, IP_PKTINFO, interfaceIndex, address, 0));
    }
  }
  if (hopLimit !== undefined) {
    if (isIPv6) pieces.push(piece(SOL_IPV6, IPV6_HOPLIMIT, hopLimit));
    // What an IPv6 socket sends by IPv4 looks only at this one, and what it sends by IPv6 not at it.
    pieces.push(piece(SOL_IP, IP_TTL, hopLimit));
  }
  return pieces;
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

function notCarried(name: string, why: string): TypeError {
  return new TypeError(`Cannot send ${name} with a message: ${why}`);
}

type Found = { -readonly [K in keyof ControlData]: ControlData[K] };

/** See the contract. What is not known is left out, what is cut off as well. */
export function decodeControl(_family: number, bytes: Bytes): ControlData {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Found = {};
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = Number(fields.getBigUint64(at, true));
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    const level = fields.getInt32(at + 8, true);
    const type = fields.getInt32(at + 12, true);
    const data = bytes.subarray(at + HEADER_BYTES, at + length);
    if (level === SOL_SOCKET) readSocketPiece(type, data, found);
    else if (level === SOL_IP || level === SOL_IPV6) readNetPiece(level, type, data, found);
    at += Math.ceil(length / ALIGN) * ALIGN;
  }
  return found;
}

function readSocketPiece(type: number, data: Bytes, found: Found): void {
  const fields = new DataView(data.buffer, data.byteOffset, data.length);
  if (type === SCM_RIGHTS) {
    const descriptors = [...found.descriptors ?? []];
    for (let at = 0; at + 4 <= data.length; at += 4) descriptors.push(fields.getInt32(at, true));
    found.descriptors = descriptors;
  } else if (type === SCM_CREDENTIALS && data.length >= 12) {
    found.credentials = {
      processId: fields.getInt32(0, true),
      userId: fields.getUint32(4, true),
      groupId: fields.getUint32(8, true),
    };
  }
}

function readNetPiece(level: number, type: number, data: Bytes, found: Found): void {
  const fields = new DataView(data.buffer, data.byteOffset, data.length);
  if (level === SOL_IP && type === IP_PKTINFO && data.length >= 12) {
    const interfaceIndex = fields.getUint32(0, true);
    found.packetInfo = { hostname: formatIPv4(data, 8), interfaceIndex };
  } else if (level === SOL_IPV6 && type === IPV6_PKTINFO && data.length >= 20) {
    const interfaceIndex = fields.getUint32(16, true);
    found.packetInfo = { hostname: formatIPv6(data), interfaceIndex };
  } else if (data.length >= 4 && type === (level === SOL_IP ? IP_TTL : IPV6_HOPLIMIT)) {
    found.hopLimit = fields.getInt32(0, true);
  }
}

/** See the contract. */
function dropControl({ descriptors = [] }: ControlData): void {
  for (const fd of descriptors) libc().close(fd);
}

/** The contract's functions for control data. */
export const control: Pick<SocketSystem, "encodeControl" | "decodeControl" | "dropControl"> = {
  encodeControl,
  decodeControl,
  dropControl,
};
