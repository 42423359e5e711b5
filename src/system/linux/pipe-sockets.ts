/**
 * The sockets that pipes are made of: how they listen, find each other, and carry
 * messages. None of these calls waits.
 *
 * A message travels as one or more packets of a SOCK_SEQPACKET socket, each with
 * a word in front that says whether it is the first and the last of its message.
 * So a message may be longer than the socket's buffer, an empty one is not the
 * end, and one whose writer gave up in the middle is recognised by what follows.
 *
 * @module
 */

import { folders, libc, sockets } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import type { Word } from "../../ffi/signature.ts";
import * as errno from "./errno.ts";
import { addressOf } from "./lost-sockets.ts";
import { entryPath, removeEntry } from "./pipe-folders.ts";
import { virtualAlloc } from "./process-memory.ts";
import { region } from "./region.ts";
import { writeAddress } from "./requests.ts";
import { IN } from "./rules.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK_CLOEXEC = 0x80800;
const O_CLOEXEC = 0o2000000;
const SHUT_RD = 0;
const SHUT_RDWR = 2;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const POLLHUP = 0x10;
const MSG_PEEK = 0x2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** The word in front of a packet: "PI", then these. */
const MARK = 0x49500000;
export const FIRST = 1;
export const LAST = 2;
const HEAD_BYTES = 4;
const NOTHING = word(0);
/** Bytes of a message in one packet. */
export const PACKET_BYTES = 65536 - HEAD_BYTES;

/** Memory of this thread's own for what these calls take: msghdr at 0, iovecs at 64, the word at 128. */
interface Scratch {
  readonly message: Word;
  readonly head: Word;
  readonly fields: DataView;
  readonly address: number;
}

const VECTOR = 64;
const HEAD = 128;
const PASSWD = 256;
const RESULT = 384;
const TEXT = 1024;
const TEXT_BYTES = 3072;
/** Where bytes go that were read before. */
const SKIPPED = 4096;
const SCRATCH_BYTES: number = SKIPPED + 65536;

let scratch: Scratch | undefined;

function openScratch(): Scratch {
  const { code, value } = virtualAlloc(SCRATCH_BYTES);
  if (code !== 0) throw new RangeError("Reserving 68 KiB of native memory failed");
  const fields = new DataView(view(value, SCRATCH_BYTES));
  fields.setBigUint64(16, BigInt(value + VECTOR), true);
  fields.setBigUint64(VECTOR, BigInt(value + HEAD), true);
  fields.setBigUint64(VECTOR + 8, BigInt(HEAD_BYTES), true);
  return scratch = { message: word(value), head: word(value + HEAD), fields, address: value };
}

function buffer(fields: DataView, index: number, address: number, byteLength: number): void {
  fields.setBigUint64(VECTOR + index * 16, BigInt(address), true);
  fields.setBigUint64(VECTOR + index * 16 + 8, BigInt(byteLength), true);
}

function address(path: string): Uint8Array<ArrayBuffer> {
  const text = errno.cString(path);
  const bytes = new Uint8Array(new ArrayBuffer(2 + text.length));
  bytes[0] = AF_UNIX;
  bytes.set(text, 2);
  return bytes;
}

function openSocket(isMessage: boolean): number {
  const type = (isMessage ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK_CLOEXEC;
  const fd = sockets().socket(AF_UNIX, type, 0);
  return fd < 0 ? -errno.errno() : fd;
}

/**
 * A socket that one client can find in the folder as `L.` and the entry's name.
 * Returns its descriptor or a negated errno.
 */
export function listenIn(folder: number, entry: string, isMessage: boolean, mode: number): number {
  const fd = openSocket(isMessage);
  if (fd < 0) return fd;
  const making = entryPath(folder, `T.${entry}`);
  const name = address(making);
  // It appears under its name once it listens: a client need not tell "not yet" from "no more".
  const isDone = folders().fchmod(fd, mode) === 0 &&
    sockets().bind(fd, name, name.length) === 0 && sockets().listen(fd, 0) === 0 &&
    folders().rename(errno.cString(making), errno.cString(entryPath(folder, `L.${entry}`))) === 0;
  if (isDone) return fd;
  const reason = errno.errno();
  removeEntry(making);
  libc().close(fd);
  return -reason;
}

/** Connects to a listening entry. Returns the descriptor or a negated errno; -EAGAIN: it is taken. */
export function connectTo(folder: number, entry: string, isMessage: boolean): number {
  const fd = openSocket(isMessage);
  if (fd < 0) return fd;
  const path = entryPath(folder, entry);
  const name = address(path);
  let reason = 0;
  while (sockets().connect(fd, name, name.length) !== 0) {
    reason = errno.errno();
    if (reason !== errno.EINTR) break;
    reason = 0;
  }
  if (reason === 0) {
    // Taken: the next client need not try it, nor wait for it in vain.
    removeEntry(path);
    return fd;
  }
  libc().close(fd);
  return -reason;
}

/** Which of the events of poll(2) the socket is ready for, now or within some time. */
function readiness(fd: number, events: number, milliseconds: number = 0): number {
  const bytes = new Uint8Array(new ArrayBuffer(8));
  const fields = new DataView(bytes.buffer);
  fields.setInt32(0, fd, true);
  fields.setInt16(4, events, true);
  return sockets().poll(bytes, word(1), milliseconds) > 0 ? fields.getInt16(6, true) : 0;
}

/** Blocks until the descriptor is readable, at most so long. */
export function waitReadable(fd: number, milliseconds: number): void {
  readiness(fd, IN, milliseconds);
}

/** Whether the other end of a connection is closed. */
export function isHungUp(fd: number): boolean {
  return (readiness(fd, 0) & POLLHUP) !== 0;
}

/** Whether a client has come to the listening socket. */
export function hasClient(fd: number): boolean {
  return (readiness(fd, IN) & IN) !== 0;
}

/**
 * Puts the client that has come to the listening socket in that socket's place.
 * Returns 0, or a negated errno. It can be tried again.
 */
export function acceptOnto(fd: number): number {
  // From here on no second client gets in, whom the closing of the socket would cut off.
  sockets().shutdown(fd, SHUT_RD);
  const client = sockets().accept4(fd, word(0), word(0), SOCK_NONBLOCK_CLOEXEC);
  if (client < 0) return -errno.errno();
  replace(fd, client);
  return 0;
}

/** Puts the socket `from` in the place of `fd`. */
export function replace(fd: number, from: number): void {
  sockets().dup3(from, fd, O_CLOEXEC);
  libc().close(from);
}

/** Whether the socket has listened as `entry`, or is the server's end of a client that came to it. */
export function isEntry(fd: number, entry: string): boolean {
  const name = addressOf(fd, "getsockname");
  if (name === null || name[0] !== AF_UNIX) return false;
  return new TextDecoder().decode(name.subarray(2)).endsWith(`/T.${entry}\0`);
}

/** Ends the connection for both ends; the descriptor stays. */
export function hangUp(fd: number): void {
  sockets().shutdown(fd, SHUT_RDWR);
}

/** A packet that is there: its bytes without the head, and the head's flags. */
export interface Head {
  byteLength: number;
  flags: number;
}

/**
 * Looks at the next packet. Returns 1 and fills `head`; 0 at the end; or a negated errno,
 * among them -EBADMSG for what is no packet.
 */
export function peekHead(fd: number, head: Head): number {
  const { head: address, fields } = scratch ?? openScratch();
  for (;;) {
    const flags = MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT;
    const count = Number(sockets().recv(fd, address, word(HEAD_BYTES), flags));
    if (count === 0) return 0;
    if (count < 0) {
      const reason = errno.errno();
      // A peer that has left something unread is reported once, before what it has sent.
      if (reason === errno.EINTR || reason === errno.ECONNRESET) continue;
      return -reason;
    }
    const value = count < HEAD_BYTES ? 0 : fields.getUint32(HEAD, true);
    head.byteLength = count - HEAD_BYTES;
    head.flags = value & (FIRST | LAST);
    const isPacket = (value & ~(FIRST | LAST)) === MARK && head.byteLength <= PACKET_BYTES;
    return isPacket ? 1 : -errno.EBADMSG;
  }
}

/** Takes away what is next, whatever it is. */
export function dropPacket(fd: number): void {
  const { head } = scratch ?? openScratch();
  while (sockets().recv(fd, head, word(HEAD_BYTES), MSG_DONTWAIT) < 0 && mayAgain());
}

/** Copies `byteLength` bytes of the packet that `peekHead` has seen, from its `offset` on. */
export function peekPacket(fd: number, offset: number, to: number, byteLength: number): void {
  const { message, fields } = scratch ?? openScratch();
  fillPacket(offset, to, byteLength);
  fields.setBigUint64(24, 3n, true);
  while (sockets().recvmsg(fd, message, MSG_DONTWAIT | MSG_PEEK) < 0 && mayAgain());
}

/** As `peekPacket`, and takes the packet. `message` is of a step; see `pipe-steps.ts`. */
export function receivePacket(
  fd: number,
  message: number,
  offset: number,
  to: number,
  byteLength: number,
): void {
  fillPacket(offset, to, byteLength);
  const header = fillMessage(message, 0, 3);
  while (sockets().recvmmsg(fd, header, 1, MSG_DONTWAIT, NOTHING) < 0 && mayAgain());
}

function fillPacket(offset: number, to: number, byteLength: number): void {
  const { fields, address } = scratch ?? openScratch();
  buffer(fields, 1, address + SKIPPED, offset);
  buffer(fields, 2, to, byteLength);
}

/** Gives the `struct mmsghdr` at word `message` so many of the buffers, from `first` on. Returns its address. */
function fillMessage(message: number, first: number, count: number): Word {
  const { words, address } = region();
  const vector = (scratch ?? openScratch()).address + VECTOR + first * 16;
  writeAddress(words, message + 4, vector);
  words[message + 6] = count;
  return word(address + message * 4);
}

/** Whether the call that has just failed was only disturbed; see `peekHead`. */
function mayAgain(): boolean {
  const reason = errno.errno();
  return reason === errno.EINTR || reason === errno.ECONNRESET;
}

/** Sends a packet, whole. Returns 0 or a negated errno. */
export function sendPacket(
  fd: number,
  message: number,
  from: number,
  byteLength: number,
  flags: number,
): number {
  const { fields } = scratch ?? openScratch();
  fields.setUint32(HEAD, MARK | flags, true);
  buffer(fields, 1, from, byteLength);
  return send(fd, fillMessage(message, 0, 2));
}

/** Sends bytes of a stream; `message` has the count. Returns 0 or a negated errno. */
export function sendBytes(fd: number, message: number, from: number, byteLength: number): number {
  buffer((scratch ?? openScratch()).fields, 1, from, byteLength);
  return send(fd, fillMessage(message, 1, 1));
}

function send(fd: number, header: Word): number {
  for (;;) {
    if (sockets().sendmmsg(fd, header, 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

/** Receives bytes of a stream; `message` has the count, 0 at the end. Returns 0 or a negated errno. */
export function receiveBytes(fd: number, message: number, to: number, byteLength: number): number {
  buffer((scratch ?? openScratch()).fields, 1, to, byteLength);
  const header = fillMessage(message, 1, 1);
  while (sockets().recvmmsg(fd, header, 1, MSG_DONTWAIT, NOTHING) < 0) {
    const reason = errno.errno();
    if (reason !== errno.EINTR && reason !== errno.ECONNRESET) return -reason;
  }
  return 0;
}

/**
 * Copies bytes of a stream that stay there. Returns the count, 0 at the end, or a negated
 * errno. Of nothing to copy one byte is looked at: the end must not be taken for nothing.
 */
export function peekBytes(fd: number, to: number, byteLength: number): number {
  const address = byteLength === 0 ? (scratch ?? openScratch()).head : word(to);
  const length = word(Math.max(byteLength, 1));
  for (;;) {
    const count = Number(sockets().recv(fd, address, length, MSG_DONTWAIT | MSG_PEEK));
    if (count >= 0) return count;
    const reason = errno.errno();
    if (reason !== errno.EINTR && reason !== errno.ECONNRESET) return -reason;
  }
}

/** Bytes that wait in the socket, with the heads of packets. */
export function queuedBytes(fd: number): number {
  const FIONREAD = 0x541B;
  const { head, fields } = scratch ?? openScratch();
  return sockets().ioctl(fd, word(FIONREAD), head) === 0 ? fields.getUint32(HEAD, true) : 0;
}

/** Who is at the other end: the process that has connected, or has listened. */
export function peerOf(fd: number): { pid: number; uid: number } {
  const credentials = new Uint8Array(new ArrayBuffer(12));
  const length = new Uint8Array(new ArrayBuffer(4));
  length[0] = 12;
  sockets().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length);
  const fields = new DataView(credentials.buffer);
  return { pid: fields.getInt32(0, true), uid: fields.getUint32(4, true) };
}

/** The name of a user; the number itself if the machine knows none. */
export function userName(uid: number): string {
  const { address, fields } = scratch ?? openScratch();
  fields.setBigUint64(RESULT, 0n, true);
  const text = word(address + TEXT);
  const size = word(TEXT_BYTES);
  folders().getpwuid_r(uid, word(address + PASSWD), text, size, word(address + RESULT));
  if (fields.getBigUint64(RESULT, true) === 0n) return String(uid);
  // struct passwd begins with pw_name.
  const name = Number(fields.getBigUint64(PASSWD, true));
  return new TextDecoder().decode(new Uint8Array(view(name, Number(libc().strlen(word(name))))));
}
