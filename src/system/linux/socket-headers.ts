/**
 * The `mmsghdr` of a request, which lies in its annex, and what it is made of.
 *
 * Addresses are Winsock's for the caller and Linux' for the kernel, which differ in the
 * number of IPv6: what is sent is copied to the annex for that, what is received is
 * put right where it is.
 *
 * @module
 */

import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as winsock from "../winsock.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { readAddress, writeAddress } from "./requests.ts";
import { toLinuxFamily, toWinsockFamily } from "./socket-names.ts";
import { setBuffer, vectorAddress, vectorLength } from "./vectors.ts";

const MSG_CTRUNC = 0x8;
/** No call has been made. */
export const NOT_YET = -1;
/** Linux' number: what came was longer. */
export const MSG_TRUNC = 0x20;

// In the request's annex: the mmsghdr, in words.
const NAME = layout.X_OWN;
const NAME_BYTES: number = NAME + 2;
const BUFFERS: number = NAME + 4;
const BUFFER_COUNT: number = NAME + 6;
const CONTROL: number = NAME + 8;
/** Bytes of control data: how many there is room for, then how many there are. */
export const CONTROL_BYTES: number = NAME + 10;
/** Flags that came. */
export const FLAGS: number = NAME + 12;
/** How long the datagram was, which recvmmsg(2) and sendmmsg(2) write; `NOT_YET` until then. */
const COUNT: number = NAME + 14;
/** Which life of the request all of this is of. */
const LIFE: number = NAME + 15;
/** A SOCKADDR_IN6 with Linux' number. */
const IPV6: number = NAME + 16;
/** Where the caller wants the length of the address, or the WSAMSG it wants filled in, and flags; 0: nowhere. */
const TO_LENGTH: number = IPV6 + 8;
const TO_MESSAGE: number = TO_LENGTH + 2;
const TO_FLAGS: number = TO_MESSAGE + 2;
/** Bytes that earlier submissions have sent. */
export const DONE: number = TO_FLAGS + 2;
/** Bytes of all buffers. */
export const LENGTH: number = DONE + 2;
/** Milliseconds after which a send that had to wait is tried again; 0 before that. */
export const DELAY: number = LENGTH + 2;
/** How often it was tried again because what failed was another datagram. */
export const TRIES: number = LENGTH + 3;

// A WSAMSG, in bytes.
const MESSAGE_NAME_BYTES = 8;
/** The WSABUFs. */
export const MESSAGE_BUFFERS = 16;
/** How many there are. */
export const MESSAGE_COUNT = 24;
const MESSAGE_CONTROL_BYTES = 32;
const MESSAGE_CONTROL = 40;
/** Flags, asked for or come. */
export const MESSAGE_FLAGS = 48;

/** What goes with the data, as the caller has it. What is absent is 0. */
export interface Parts {
  readonly address?: number;
  readonly addressBytes?: number;
  readonly control?: number;
  readonly controlBytes?: number;
  readonly toLength?: number;
  readonly toMessage?: number;
  readonly toFlags?: number;
}

/** A word of the caller's memory. */
export function wordOf(address: number): number {
  return wordsAround(address)[wordIndex(address)];
}

function setWordOf(address: number, value: number): void {
  wordsAround(address)[wordIndex(address)] = value;
}

/** A pointer in the caller's memory. */
export function numberOf(address: number): number {
  return wordOf(address) + wordOf(address + 4) * 0x100000000;
}

/** Writes the request's vector of the `count` WSABUFs at `buffers`, for which there is room. */
export function fillVector(request: number, buffers: number, count: number): number {
  let length = 0;
  for (let i = 0; i < count; i++) {
    const at = buffers + i * winsock.WSABUF_BYTES;
    setBuffer(request, i, numberOf(at + 8), wordOf(at));
    length += wordOf(at);
  }
  return length;
}

/**
 * Writes the request's msghdr around its vector, of `length` bytes in all, and notes where the results
 * go. Its entry on a ring is that of sendmsg or recvmsg with these `flags`.
 */
export function fillHeader(request: number, length: number, parts: Parts, flags: number): void {
  const { words, address } = region();
  const annex = layout.annexOf(request);
  words.fill(0, annex + NAME, annex + TRIES + 1);
  writeAddress(words, annex + NAME, parts.address ?? 0);
  words[annex + NAME_BYTES] = parts.addressBytes ?? 0;
  writeAddress(words, annex + BUFFERS, vectorAddress(request));
  writeAddress(words, annex + BUFFER_COUNT, vectorLength(request));
  writeAddress(words, annex + CONTROL, parts.control ?? 0);
  writeAddress(words, annex + CONTROL_BYTES, parts.controlBytes ?? 0);
  writeAddress(words, annex + TO_LENGTH, parts.toLength ?? 0);
  writeAddress(words, annex + TO_MESSAGE, parts.toMessage ?? 0);
  writeAddress(words, annex + TO_FLAGS, parts.toFlags ?? 0);
  writeAddress(words, annex + LENGTH, length);
  writeAddress(words, request + layout.R_ADDRESS, address + (annex + NAME) * 4);
  words[request + layout.R_LENGTH] = 1;
  words[request + layout.R_OFFSET] = 0;
  words[request + layout.R_OFFSET + 1] = 0;
  words[request + layout.R_FLAGS] = flags;
  words[annex + COUNT] = NOT_YET;
  words[annex + LIFE] = words[request + layout.R_GENERATION];
}

/**
 * How long the datagram is that a plain call has taken or given, or `NOT_YET`. It is the kernel that
 * has noted it: a thread that made the call may have ended right behind it.
 */
export function countOf(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const isOfThisLife = words[annex + LIFE] === words[request + layout.R_GENERATION];
  return isOfThisLife ? words[annex + COUNT] : NOT_YET;
}

/** An address of IPv6 gets Linux' number, in a copy of its own. */
export function translateName(request: number): void {
  const { words, address } = region();
  const annex = layout.annexOf(request);
  const name = readAddress(words, annex + NAME);
  const length = words[annex + NAME_BYTES];
  if (length < winsock.SOCKADDR_IN6_BYTES) return;
  const first = wordOf(name);
  const there = toLinuxFamily(first);
  if (there === first) return;
  words[annex + IPV6] = there;
  for (let i = 1; i < winsock.SOCKADDR_IN6_BYTES / 4; i++) {
    words[annex + IPV6 + i] = wordOf(name + i * 4);
  }
  writeAddress(words, annex + NAME, address + (annex + IPV6) * 4);
}

/** Tells the caller what has come beside the data. The memory is the request's until its packet is taken. */
export function report(request: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  const flags = words[annex + FLAGS];
  const name = readAddress(words, annex + NAME);
  const length = words[annex + NAME_BYTES];
  if (name !== 0 && length >= winsock.SOCKADDR_IN6_BYTES) {
    setWordOf(name, toWinsockFamily(wordOf(name)));
  }
  const toLength = readAddress(words, annex + TO_LENGTH);
  if (toLength !== 0) setWordOf(toLength, length);
  const toFlags = readAddress(words, annex + TO_FLAGS);
  if (toFlags !== 0) setWordOf(toFlags, (flags & MSG_TRUNC) !== 0 ? winsock.MSG_PARTIAL : 0);
  const message = readAddress(words, annex + TO_MESSAGE);
  if (message === 0) return;
  setWordOf(message + MESSAGE_NAME_BYTES, length);
  setWordOf(message + MESSAGE_CONTROL_BYTES, words[annex + CONTROL_BYTES]);
  setWordOf(
    message + MESSAGE_FLAGS,
    ((flags & MSG_TRUNC) !== 0 ? winsock.MSG_TRUNC : 0) |
      ((flags & MSG_CTRUNC) !== 0 ? winsock.MSG_CTRUNC : 0),
  );
}

/** What a WSAMSG says of the address and the control data. */
export function partsOf(message: number): Parts {
  return {
    address: numberOf(message),
    addressBytes: wordOf(message + MESSAGE_NAME_BYTES),
    control: numberOf(message + MESSAGE_CONTROL),
    controlBytes: wordOf(message + MESSAGE_CONTROL_BYTES),
  };
}
