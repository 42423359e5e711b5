/**
 * What comes beside a message on Windows: a row of WSACMSGHDRs, each with its data
 * behind it, aligned to 8.
 *
 * @module
 */

import type { ControlData, SocketSystem } from "../contract-sockets.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "../literals.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IP_PKTINFO,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
} from "../winsock.ts";

/** WSACMSGHDR: its length with the data at 0, eight bytes; the level at 8; the type at 12. */
const HEADER_BYTES = 16;
const ALIGNMENT = 8;
/** IN_PKTINFO: the address, then the interface. IN6_PKTINFO is alike. */
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const INTEGER_BYTES = 4;
/** How an IPv6 address begins that stands for an IPv4 address. */
const MAPPED = "::ffff:";

interface Item {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
}

function integer(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(INTEGER_BYTES));
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The four bytes of an IPv4 address, also of one that IPv6 stands for; `null` if it is none. */
function ipv4In(family: number, hostname: string): Uint8Array<ArrayBuffer> | null {
  if (family === AF_INET) return parseIPv4(hostname);
  return parseIPv4(
    hostname.toLowerCase().startsWith(MAPPED) ? hostname.slice(MAPPED.length) : hostname,
  );
}

function packetInfo(family: number, hostname: string, interfaceIndex: number): Item {
  // What an IPv6 socket sends by IPv4 takes IPv4's.
  const ipv4 = ipv4In(family, hostname);
  const isIPv6 = ipv4 === null && family === AF_INET6;
  const address = isIPv6 ? parseIPv6(hostname.split("%")[0]) : ipv4;
  if (address === null) {
    const kind = family === AF_INET6 ? "IPv6" : "IPv4";
    throw notCarried("packetInfo", `${hostname} is no ${kind} address`);
  }
  const data = new Uint8Array(new ArrayBuffer(address.length + INTEGER_BYTES));
  data.set(address);
  data.set(integer(interfaceIndex), address.length);
  return isIPv6
    ? { level: IPPROTO_IPV6, type: IPV6_PKTINFO, data }
    : { level: IPPROTO_IP, type: IP_PKTINFO, data };
}

function notCarried(name: string, why: string): TypeError {
  return new TypeError(`Cannot send ${name} with a message: ${why}`);
}

function itemsOf(family: number, control: ControlData): Item[] {
  const { packetInfo: info, hopLimit, descriptors, credentials } = control;
  if (descriptors !== undefined) throw notCarried("descriptors", "Windows has none");
  if (credentials !== undefined) throw notCarried("credentials", "Windows has none");
  const items: Item[] = [];
  if (info !== undefined) {
    if (family === AF_UNIX) throw notCarried("packetInfo", "a Unix-domain socket has none");
    items.push(packetInfo(family, info.hostname, info.interfaceIndex));
  }
  if (hopLimit !== undefined) {
    if (family === AF_UNIX) throw notCarried("hopLimit", "a Unix-domain socket has none");
    const data = integer(hopLimit);
    items.push(
      family === AF_INET6
        ? { level: IPPROTO_IPV6, type: IPV6_HOPLIMIT, data }
        : { level: IPPROTO_IP, type: IP_TTL, data },
    );
  }
  return items;
}

function encodeControl(family: number, control: ControlData): Uint8Array<ArrayBuffer> {
  const items = itemsOf(family, control);
  const sizes = items.map(({ data }) => HEADER_BYTES + aligned(data.length));
  const bytes = new Uint8Array(new ArrayBuffer(sizes.reduce((sum, size) => sum + size, 0)));
  const fields = new DataView(bytes.buffer);
  let at = 0;
  items.forEach(({ level, type, data }, index) => {
    fields.setUint32(at, HEADER_BYTES + data.length, true);
    fields.setInt32(at + 8, level, true);
    fields.setInt32(at + 12, type, true);
    bytes.set(data, at + HEADER_BYTES);
    at += sizes[index];
  });
  return bytes;
}

/** The items, as far as they are whole. */
function itemsIn(bytes: Uint8Array<ArrayBuffer>): Item[] {
  const items: Item[] = [];
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = fields.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    const level = fields.getInt32(at + 8, true);
    const type = fields.getInt32(at + 12, true);
    items.push({ level, type, data: bytes.subarray(at + HEADER_BYTES, at + length) });
    at += aligned(length);
  }
  return items;
}

/** What an item says; nothing if it is none that is known. */
function meaningOf({ level, type, data }: Item): ControlData {
  const fields = new DataView(data.buffer, data.byteOffset, data.length);
  const isIPv6 = level === IPPROTO_IPV6;
  if (level !== IPPROTO_IP && !isIPv6) return {};
  if (type === (isIPv6 ? IPV6_PKTINFO : IP_PKTINFO)) {
    const addressBytes = isIPv6 ? IPV6_BYTES : IPV4_BYTES;
    if (data.length < addressBytes + INTEGER_BYTES) return {};
    const hostname = isIPv6 ? formatIPv6(data) : formatIPv4(data);
    return { packetInfo: { hostname, interfaceIndex: fields.getUint32(addressBytes, true) } };
  }
  // What IP_RECVTTL asks for comes as IP_TTL; newer headers call it IP_HOPLIMIT, which is 21.
  const isHopLimit = isIPv6 ? type === IPV6_HOPLIMIT : type === IP_TTL || type === IP_RECVTTL;
  return isHopLimit && data.length >= INTEGER_BYTES ? { hopLimit: fields.getInt32(0, true) } : {};
}

function decodeControl(family: number, bytes: Uint8Array<ArrayBuffer>): ControlData {
  const found = Object.assign({}, ...itemsIn(bytes).map(meaningOf)) as ControlData;
  const { packetInfo: info } = found;
  // What an IPv6 socket has received by IPv4 comes with IPv4's item.
  const isMapped = family === AF_INET6 && info !== undefined && !info.hostname.includes(":");
  return isMapped ? { ...found, packetInfo: { ...info, hostname: MAPPED + info.hostname } } : found;
}

/** The contract's functions for control data. */
export const control: Pick<SocketSystem, "encodeControl" | "decodeControl" | "dropControl"> = {
  encodeControl,
  decodeControl,
  // Nothing of it has to be given back.
  dropControl: (_control) => {},
};
