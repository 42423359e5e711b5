/**
 * The head of a request: HTTP/1.1 as RFC 9112 has it, and nothing looser. What two
 * programs could read in two ways is refused.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Refusal } from "./refusal.ts";

/** Bytes that a request's head may have. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** A request, as far as a server of files looks at it. */
export interface Request {
  readonly method: string;
  /** What is asked for, as it was written. */
  readonly target: string;
  /** By their names in small letters; values of several lines of one name are joined by commas. */
  readonly fields: ReadonlyMap<string, string>;
  /** Bytes of the head: what lies behind them is not its. */
  readonly byteLength: number;
  /** Whether the client expects to send further requests here. */
  readonly keepsAlive: boolean;
  /** Whether a body follows the head. */
  readonly hasBody: boolean;
}

/** Names of fields that are kept, and how long they may be for that. */
const MAX_NAMES = 256;
const MAX_NAME_LENGTH = 32;

const CR = 13;
const LF = 10;

// RFC 9110, 5.6.2: the letters of a token.
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(String.raw`^(${TOKEN}) ([!-~]+) HTTP/(\d)\.(\d)$`);
const NAME = new RegExp(`^${TOKEN}$`);
/** What no line may have: of line ends, what is left are halves. */
const STRAY = /[^\t -~\x80-\xff]/;

/** Which of these may be there once at most. */
const SINGLE: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "range",
  "if-range",
  "if-modified-since",
  "if-unmodified-since",
]);

/**
 * Reads the head at the beginning of `bytes`; `null` if its end has not come yet. `seen`: so many
 * of the bytes were there the last time, without an end.
 *
 * @throws {Refusal} if it is no head, or none that this server takes.
 */
export function readRequest(bytes: Uint8Array, seen: number): Request | null {
  // An empty line in front of a request is passed over (RFC 9112, 2.2).
  let start = 0;
  while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
  const end = endOfHead(bytes, Math.max(start, seen - 3));
  if (end < 0) {
    if (bytes.length < MAX_HEAD_BYTES) return null;
    throw new Refusal(431, `the head is longer than ${MAX_HEAD_BYTES} bytes`);
  }
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  const [first, ...lines] = head.toString("latin1").split("\r\n");
  const parts = REQUEST_LINE.exec(first);
  if (parts === null) throw new Refusal(400, "the request's line is none");
  const [, method, target, major, minor] = parts;
  if (major !== "1") throw new Refusal(505, `there is no HTTP/${major}.${minor} here`);
  const fields = readFields(lines);
  const isOld = minor === "0";
  if (!isOld && !fields.has("host")) throw new Refusal(400, "it has no Host");
  return {
    method,
    target,
    fields,
    byteLength: end + 4,
    keepsAlive: keepsAlive(fields, isOld),
    hasBody: hasBody(fields),
  };
}

/** Where the empty line begins that ends the head; -1 if there is none. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at;
  }
  return -1;
}

function readFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = colon < 0 || STRAY.test(line) ? null : nameOf(line.slice(0, colon));
    if (name === null) throw new Refusal(400, "a line of the head is no field");
    const value = trimmed(line.slice(colon + 1));
    const before = fields.get(name);
    if (before !== undefined && SINGLE.has(name)) throw new Refusal(400, `it has ${name} twice`);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}

/** Names that have been seen, and how they are written here: clients use the same few. */
const names = new Map<string, string>();

/** The name of a field in small letters; `null` if it is none. */
function nameOf(text: string): string | null {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (!NAME.test(text)) return null;
  const name = text.toLowerCase();
  if (names.size < MAX_NAMES && name.length < MAX_NAME_LENGTH) names.set(text, name);
  return name;
}

/** Without the spaces and tabs around it. By hand: a pattern may take the square of a text's length. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(letter: string | undefined): boolean {
  return letter === " " || letter === "\t";
}

function keepsAlive(fields: ReadonlyMap<string, string>, isOld: boolean): boolean {
  const wishes = fields.get("connection")?.toLowerCase().split(",").map(trimmed) ?? [];
  return !wishes.includes("close") && (!isOld || wishes.includes("keep-alive"));
}

function hasBody(fields: ReadonlyMap<string, string>): boolean {
  const length = fields.get("content-length");
  const isEncoded = fields.has("transfer-encoding");
  if (length === undefined) return isEncoded;
  if (!/^\d+$/.test(length)) throw new Refusal(400, "its Content-Length is no number");
  // Where the body ends would be a matter of opinion (RFC 9112, 6.1).
  if (isEncoded) throw new Refusal(400, "it has Content-Length and Transfer-Encoding");
  return Number(length) > 0;
}
