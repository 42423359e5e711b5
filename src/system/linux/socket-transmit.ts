/**
 * Sending a file with what goes before and after it: TransmitFile.
 *
 * A thread carries it out, without the port's lock: by calls that do not wait for the
 * other end, of which sendfile does not copy the file's bytes. When the other end takes no more, the
 * engine tells when it does; what of the file is not in memory a ring reads first, into memory that nobody
 * looks at, so that no thread waits for a disk. The file's descriptor is the request's own, so
 * that the file may be closed meanwhile. What is done so far is in `transmit-progress.ts`.
 *
 * @module
 */

import { libc, sockets, streams } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { TF_DISCONNECT } from "../winsock.ts";
import { cachedBytes } from "./cached.ts";
import { adoptCarried, carry, endCarrying } from "./carried.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import { files, setNonBlocking } from "./files.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { isBehind } from "./order.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { finishRequest, goOn, mustEnd, writeAddress } from "./requests.ts";
import { define, OUT, POLL, SOCKETS } from "./rules.ts";
import { continueAsDisconnect } from "./socket-connect.ts";
import { endSendingIfDone } from "./socket-ends.ts";
import {
  addState,
  failSocket,
  findSocket,
  hasState,
  NEVER_WAITS,
  refuseRequest,
  sendRefusal,
} from "./socket-state.ts";
import { READABLE, startOn } from "./start.ts";
import * as progress from "./transmit-progress.ts";

const TRANSMIT: number = SOCKETS + 8;

const IORING_OP_READ = 22;

const F_DUPFD_CLOEXEC = 1030;
const O_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;

/** Bytes of a file that go by one call. */
const PART_BYTES = 0x100000;
/** Bytes that go before others have their turn. */
const TURN_BYTES = 0x200000;

/** What comes next is not in memory. */
const COLD = 1;

/** Starts sending a file. Source: TransmitFile. */
export function transmitFile(
  socket: number,
  file: number,
  byteLength: number,
  head: number,
  headBytes: number,
  tail: number,
  tailBytes: number,
  flags: number,
  overlapped: number,
): number {
  const at = findSocket(socket);
  if (at < 0) return -at;
  const refusal = sendRefusal(at);
  if (refusal !== 0) return refusal;
  const fields = wordsAround(overlapped);
  const index = wordIndex(overlapped);
  const position = fields[index + 4] + fields[index + 5] * 0x100000000;
  const source = openSource(file, position, byteLength);
  if (source.code !== 0) return source.code;
  const what: progress.Transmission = {
    flags,
    source: source.fd,
    position,
    end: position + source.left,
    isToEnd: byteLength === 0,
    head,
    headBytes,
    tail,
    tailBytes,
  };
  const answer = startOn(socket, layout.KIND_SOCKET, 0, TRANSMIT, overlapped, (port, request) => {
    progress.begin(request, what);
    if (isBehind(request)) region().words[request + layout.R_STATE] = layout.REQUEST_WAITING;
    else carry(port, request, send);
  });
  if (answer !== code.ERROR_IO_PENDING && source.fd >= 0) libc().close(source.fd);
  return answer;
}

/** A descriptor of the file for the request alone, and how many bytes of it are to be sent. */
interface Source {
  readonly code: number;
  readonly fd: number;
  readonly left: number;
}

function openSource(file: number, position: number, byteLength: number): Source {
  if (file === 0) return { code: 0, fd: -1, left: 0 };
  const { words } = region();
  const at = findHandle(file);
  if (at < 0) return { code: code.ERROR_INVALID_HANDLE, fd: -1, left: 0 };
  if (words[at + layout.H_KIND] !== layout.KIND_FILE) {
    return { code: code.ERROR_INVALID_PARAMETER, fd: -1, left: 0 };
  }
  if ((words[at + layout.H_FLAGS] & READABLE) === 0) {
    return { code: code.ERROR_ACCESS_DENIED, fd: -1, left: 0 };
  }
  let left = byteLength;
  if (byteLength === 0) {
    const size = files.getFileSizeEx(file);
    if (size.code !== 0) return { code: size.code, fd: -1, left: 0 };
    left = Math.max(size.value - position, 0);
  }
  if (left > 0x7ffffffe) return { code: code.ERROR_INVALID_PARAMETER, fd: -1, left: 0 };
  const fd = descriptorForReading(at);
  return fd < 0 ? { ...errno.failure(), fd, left } : { code: 0, fd, left };
}

/** Another descriptor of the same file; never one that reads past the system's memory, and whole sectors only. */
function descriptorForReading(file: number): number {
  const { words } = region();
  const fd = words[file + layout.H_FD];
  if ((words[file + layout.H_FLAGS] & code.FILE_FLAG_NO_BUFFERING) !== 0) {
    const again = libc().open(errno.cPath(`/proc/self/fd/${fd}`), O_CLOEXEC, 0);
    if (again >= 0) return again;
  }
  return libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

function fail(port: Port, request: number, reason: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  progress.closeSource(request);
  failSocket(port, request, reason, progress.totalOf(request));
  endSendingIfDone(handle);
}

/** All of it has been sent. */
function end(port: Port, request: number): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  const flags = progress.flagsOf(request);
  const total = progress.totalOf(request);
  progress.closeSource(request);
  if ((flags & TF_DISCONNECT) !== 0) return continueAsDisconnect(port, request, flags, total);
  finishRequest(port, request, 0, total, 0);
  endSendingIfDone(handle);
}

/** The file has no more bytes, though they were promised. */
function endCut(port: Port, request: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  progress.closeSource(request);
  refuseRequest(port, request, code.ERROR_HANDLE_EOF, progress.totalOf(request));
  endSendingIfDone(handle);
}

/** Sends what can be sent now, without the lock, and says what comes of that. */
function send(port: Port, request: number): void {
  const result = sendParts(request, port.isRing());
  endCarrying(port, request, () => {
    if (result === COLD && !mustEnd(request)) read(port, request);
    else if (result === -errno.EAGAIN && !mustEnd(request)) wait(port, request);
    else if (result === COLD || result === -errno.EAGAIN) fail(port, request, errno.ECANCELED);
    else if (result < 0) fail(port, request, -result);
    else if (progress.isCut(request)) endCut(port, request);
    else end(port, request);
  });
}

/** The engine tells when the other end takes more. */
function wait(port: Port, request: number): void {
  region().words[request + layout.R_OPCODE] = POLL;
  goOn(port, request);
}

/** The ring has what comes next of the file read. */
function read(port: Port, request: number): void {
  const { words, address } = region();
  const { position, left } = progress.rest(request);
  words[request + layout.R_OPCODE] = IORING_OP_READ;
  words[request + layout.R_FLAGS] = 0;
  words[request + layout.R_LENGTH] = Math.min(left, layout.WASTE_BYTES);
  writeAddress(words, request + layout.R_ADDRESS, address + layout.WASTE * 4);
  writeAddress(words, request + layout.R_OFFSET, position);
  goOn(port, request);
}

/** Its entry is not about the socket but about the file. */
function fill(request: number, entries: Int32Array<ArrayBuffer>, at: number): void {
  entries[at + 1] = progress.sourceOf(request);
}

/** 0 at the end, `COLD`, or a negated errno: -EAGAIN if the other end takes no more, or it is others' turn. */
function sendParts(request: number, isRing: boolean): number {
  const fd = descriptorOf(request);
  neverWait(request, fd);
  for (let left = TURN_BYTES; left > 0;) {
    if (mustEnd(request)) return -errno.ECANCELED;
    const part = progress.next(request);
    if (part === progress.END) return 0;
    const limit = part === progress.FILE ? fileBytes(request, isRing) : 0;
    if (part === progress.FILE && limit === 0) return COLD;
    const count = part === progress.FILE
      ? sendFile(request, fd, limit)
      : sendBytes(request, fd, part);
    if (count >= 0) left -= count;
    else {
      const reason = errno.errno();
      if (reason !== errno.EINTR) return -reason;
    }
  }
  return -errno.EAGAIN;
}

/** sendfile waits for the other end unless the socket itself never does. */
function neverWait(request: number, fd: number): void {
  const handle = region().words[request + layout.R_HANDLE];
  if (hasState(handle, NEVER_WAITS)) return;
  setNonBlocking(fd);
  addState(handle, NEVER_WAITS);
}

/** How many bytes of the file may go by the next call; 0: they would have to be read first. */
function fileBytes(request: number, isRing: boolean): number {
  const { position, left, known } = progress.rest(request);
  const wanted = Math.min(left, PART_BYTES);
  // Without a ring there is nobody else to read them.
  if (!isRing) return wanted;
  if (known > 0) return Math.min(wanted, known);
  const vector = layout.annexOf(request) + layout.X_SHORT_VECTOR;
  return cachedBytes(progress.sourceOf(request), position, wanted, vector);
}

/** Sends bytes of the file. The kernel itself moves the position on in the annex. */
function sendFile(request: number, fd: number, limit: number): number {
  const offset = word(progress.positionAddress(request));
  const count = Number(
    streams().sendfile(fd, progress.sourceOf(request), offset, word(limit)),
  );
  if (count === 0) progress.endFile(request);
  return count;
}

/** Sends bytes of the head or the tail. The kernel itself writes their number into the annex. */
function sendBytes(request: number, fd: number, part: number): number {
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const message = word(progress.sending(request, part));
  const more = part === progress.HEAD && progress.hasMore(request) ? MSG_MORE : 0;
  const answer = sockets().sendmmsg(fd, message, 1, flags | more);
  const count = progress.sent(request);
  return answer < 0 ? -1 : count;
}

/** Whether the other end takes more. */
function perform(request: number): number {
  return progress.isWritable(descriptorOf(request)) ? 0 : -errno.EAGAIN;
}

function complete(port: Port, request: number, result: number): void {
  const { words } = region();
  if (result < 0) return fail(port, request, -result);
  if (words[request + layout.R_OPCODE] === IORING_OP_READ) progress.hasRead(request, result);
  words[request + layout.R_OPCODE] = POLL;
  if (mustEnd(request)) fail(port, request, errno.ECANCELED);
  else carry(port, request, send);
}

define(TRANSMIT, {
  opcode: POLL,
  events: OUT,
  perform,
  complete,
  fill,
  isCarried: true,
  hasBegun: progress.hasBegun,
  follow: (port, request) => carry(port, request, send),
  orphaned: (request, thread) => adoptCarried(request, thread, send),
});
