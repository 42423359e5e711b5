/**
 * The plain calls by which datagrams and messages go and come. A datagram goes or comes by one call,
 * and the kernel notes that it has: a thread may end right behind it.
 *
 * @module
 */

import { sockets } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import type { Word } from "../../ffi/signature.ts";
import * as winsock from "../winsock.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";
import { readAddress } from "./requests.ts";
import { countOf, NOT_YET } from "./socket-headers.ts";
import { familyOf, hasState, IS_DATAGRAM } from "./socket-state.ts";

const MSG_DONTWAIT = 0x40;

const NOTHING = word(0);

/** Carries out what is left of it. A datagram goes or comes once, whichever thread ends meanwhile. */
export function perform(request: number, isSend: boolean): number {
  const { words } = region();
  if (countOf(request) !== NOT_YET) return countOf(request);
  const fd = descriptorOf(request);
  const message = word(readAddress(words, request + layout.R_ADDRESS));
  const flags = words[request + layout.R_FLAGS] | MSG_DONTWAIT;
  const isDatagram = hasState(words[request + layout.R_HANDLE], IS_DATAGRAM);
  for (;;) {
    const count = isDatagram
      ? exchangeDatagram(request, isSend, fd, message, flags)
      : exchangePart(isSend, fd, message, flags);
    if (count >= 0) return count;
    const reason = errno.errno();
    // Without a ring nothing else would tell that this one must be looked at from time to time.
    if (reason === errno.EAGAIN && isSend && isLocal(request)) return -errno.EBUSY;
    if (reason !== errno.EINTR) return -reason;
  }
}

/** The kernel writes the count before the call comes back. */
function exchangeDatagram(
  request: number,
  isSend: boolean,
  fd: number,
  message: Word,
  flags: number,
): number {
  const c = sockets();
  const done = isSend
    ? c.sendmmsg(fd, message, 1, flags)
    : c.recvmmsg(fd, message, 1, flags, NOTHING);
  return done < 0 ? done : countOf(request);
}

/** Of a stream recvmmsg(2) would tell an error before what has come before it. */
function exchangePart(isSend: boolean, fd: number, message: Word, flags: number): number {
  const c = sockets();
  return Number(isSend ? c.sendmsg(fd, message, flags) : c.recvmsg(fd, message, flags));
}

/** What a request comes to that was asked to end: its datagram may have gone or come before that. */
export function resultOf(request: number, result: number): number {
  const hasCount = result === -errno.ECANCELED && countOf(request) !== NOT_YET;
  return hasCount ? countOf(request) : result;
}

/** Whether its datagram has gone or come already. */
export function hasBegun(request: number): boolean {
  return countOf(request) !== NOT_YET;
}

/** Whether it is a datagram for another process here: nothing tells when the receiver has room for more. */
export function isLocal(request: number): boolean {
  const handle = region().words[request + layout.R_HANDLE];
  return familyOf(handle) === winsock.AF_UNIX && hasState(handle, IS_DATAGRAM);
}
