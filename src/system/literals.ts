/**
 * Addresses of the Internet as text and as bytes: what inet_pton reads and what
 * RFC 5952 writes. Names are none: they are resolved elsewhere.
 *
 * @module
 */

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const IPV6_GROUPS = 8;

/** The character 0, and how far from it the one between two numbers is. */
const ZERO = 48;
const POINT = -2;

/** The four bytes of an IPv4 address, as `192.0.2.1`; `null` if it is none. Source: inet_pton. */
export function parseIPv4(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(new ArrayBuffer(IPV4_BYTES));
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= text.length; i++) {
    const digit = i === text.length ? POINT : text.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9) {
      // A zero in front means base 8 to some and 10 to others.
      if (digits > 0 && value === 0) return null;
      value = value * 10 + digit;
      if (++digits > 3) return null;
    } else {
      if (digit !== POINT || digits === 0 || value > 255 || part === IPV4_BYTES) return null;
      bytes[part++] = value;
      digits = value = 0;
    }
  }
  return part === IPV4_BYTES ? bytes : null;
}

/** The sixteen bytes of an IPv6 address, as `2001:db8::1`; `null` if it is none. Source: inet_pton, RFC 4291. */
export function parseIPv6(text: string): Uint8Array<ArrayBuffer> | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1], true) : [];
  if (head === null || tail === null) return null;
  const missing = IPV6_GROUPS - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const bytes = new Uint8Array(new ArrayBuffer(IPV6_BYTES));
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, index) => {
    bytes[index * 2] = group >>> 8;
    bytes[index * 2 + 1] = group;
  });
  return bytes;
}

/** The groups of one side of a `::`; `null` if they are none. Only the last may be an IPv4 address. */
function groupsOf(text: string, isEnd: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (let i = 0; i < parts.length; i++) {
    if (/^[0-9a-fA-F]{1,4}$/.test(parts[i])) {
      groups.push(parseInt(parts[i], 16));
      continue;
    }
    const last = isEnd && i === parts.length - 1 ? parseIPv4(parts[i]) : null;
    if (last === null) return null;
    groups.push(last[0] << 8 | last[1], last[2] << 8 | last[3]);
  }
  return groups;
}

/** The text of the four bytes of an IPv4 address that begin at `at`. */
export function formatIPv4(bytes: Uint8Array, at: number = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/**
 * The text of the sixteen bytes of an IPv6 address that begin at `at`: the longest run of zeros, the
 * first of two, is `::`; one that stands for an IPv4 address ends in it. Source: RFC 5952.
 */
export function formatIPv6(bytes: Uint8Array, at: number = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < IPV6_BYTES; i += 2) groups.push(bytes[at + i] << 8 | bytes[at + i + 1]);
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${formatIPv4(bytes, at + 12)}`;
  }
  const [start, end] = longestZeros(groups);
  const hex = (from: number, to: number) =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  return end - start < 2 ? hex(0, IPV6_GROUPS) : `${hex(0, start)}::${hex(end, IPV6_GROUPS)}`;
}

/** Where the longest run of zeros begins and ends. */
function longestZeros(groups: readonly number[]): [start: number, end: number] {
  let longest: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > longest[1] - longest[0]) longest = [start, end];
    start = Math.max(start, end - 1);
  }
  return longest;
}
