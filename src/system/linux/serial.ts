/**
 * Serial lines on Linux: ttys.
 *
 * @module
 */

import { deviceCalls, libc } from "../../ffi/libc.ts";
import * as code from "../codes.ts";
import * as comm from "../comm.ts";
import type { Outcome, SerialSystem } from "../contract.ts";
import * as errno from "./errno.ts";
import { findHandle, openHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { cancelRequests, readAddress } from "./requests.ts";
import { defineHandle } from "./rules.ts";
import { chooseEvents, modemLines, startWait, statusOfLines } from "./serial-events.ts";
import { stopTimers } from "./serial-limits.ts";
import * as lineTable from "./serial-line.ts";
import { clearLine, ioctlOf, ioctlWith, lineOf, lines, unread } from "./serial-line.ts";
import { SERIAL_READ, SERIAL_WRITE } from "./serial-transfers.ts";
import { READABLE, WRITABLE } from "./start.ts";
import {
  readTermios,
  setRaw,
  TERMIOS_BYTES,
  TIOCM_DTR,
  TIOCM_RTS,
  writeTermios,
} from "./termios.ts";
import { self } from "./threads.ts";

/** O_RDWR, O_NOCTTY, O_NONBLOCK, O_CLOEXEC: every operation asks first whether the line is ready. */
const OPEN_FLAGS = 0o2 | 0o400 | 0o4000 | 0o2000000;
const LOCK_EX_NB = 2 | 4;

const TCGETS2 = 0x802C542A;
const TCSETS2 = 0x402C542B;
const TCXONC = 0x540A;
const TCFLSH = 0x540B;
const TIOCEXCL = 0x540C;
const TIOCNXCL = 0x540D;
const TIOCMBIS = 0x5416;
const TIOCMBIC = 0x5417;
const TIOCSBRK = 0x5427;
const TIOCCBRK = 0x5428;

/** What each function of EscapeCommFunction is: an ioctl, and its argument. */
const ACTIONS: Readonly<Record<number, readonly [number, number]>> = {
  [comm.SETXOFF]: [TCXONC, 0],
  [comm.SETXON]: [TCXONC, 1],
  [comm.SETBREAK]: [TIOCSBRK, 0],
  [comm.CLRBREAK]: [TIOCCBRK, 0],
};
/** Those that change an output of the modem, which are handed a pointer. */
const OUTPUTS: Readonly<Record<number, readonly [number, number]>> = {
  [comm.SETRTS]: [TIOCMBIS, TIOCM_RTS],
  [comm.CLRRTS]: [TIOCMBIC, TIOCM_RTS],
  [comm.SETDTR]: [TIOCMBIS, TIOCM_DTR],
  [comm.CLRDTR]: [TIOCMBIC, TIOCM_DTR],
};

function newTermios(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(TERMIOS_BYTES));
}

/** Makes the descriptor a line that nobody else opens. Returns 0 or an errno. */
function prepareLine(fd: number): number {
  const termios = newTermios();
  const known = ioctlOf(fd, TCGETS2, termios);
  if (known < 0) return -known;
  // Other programs look at one of the two, and the superuser only at the lock.
  if (deviceCalls().flock(fd, LOCK_EX_NB) !== 0) return errno.EBUSY;
  setRaw(termios);
  const set = ioctlOf(fd, TCSETS2, termios);
  if (set < 0) return -set;
  ioctlWith(fd, TIOCEXCL, 0);
  return 0;
}

function openCommPort(path: string): Outcome {
  let fd: number;
  do fd = libc().open(errno.cString(path), OPEN_FLAGS, 0); while (
    fd < 0 && errno.errno() === errno.EINTR
  );
  const reason = fd < 0 ? errno.errno() : prepareLine(fd);
  if (reason === 0) {
    const flags = READABLE | WRITABLE | code.FILE_FLAG_OVERLAPPED;
    const handle = openHandle(layout.KIND_SERIAL, fd, flags);
    if (handle !== 0) {
      clearLine(findHandle(handle));
      return errno.success(handle);
    }
    ioctlWith(fd, TIOCNXCL, 0);
  }
  if (fd >= 0) libc().close(fd);
  if (reason === 0) return errno.refusal(code.ERROR_NO_SYSTEM_RESOURCES);
  // As Windows says of a line that is in use.
  if (reason === errno.EBUSY) return { code: code.ERROR_ACCESS_DENIED, value: 0, errno: reason };
  return errno.failure(reason);
}

/**
 * Does something with an open line, under the lock of its port if it has one. The
 * calls made there do not wait.
 */
function withLine(
  serial: number,
  work: (fd: number, at: number, port: Port | null) => Outcome,
): Outcome {
  const { words } = region();
  const at = findHandle(serial);
  if (at < 0 || words[at + layout.H_KIND] === layout.KIND_PORT) {
    return errno.refusal(code.ERROR_INVALID_HANDLE);
  }
  if (words[at + layout.H_KIND] !== layout.KIND_SERIAL) {
    return errno.refusal(code.ERROR_INVALID_FUNCTION);
  }
  const place = words[at + layout.H_PORT];
  if (place === 0) return work(words[at + layout.H_FD], at, null);
  const port = portAt(place - 1);
  port.lock(self());
  const answer = findHandle(serial) === at
    ? work(words[at + layout.H_FD], at, port)
    : errno.refusal(code.ERROR_INVALID_HANDLE);
  port.queue.release();
  port.unlock();
  return answer;
}

/** The outcome of an ioctl. */
function outcomeOf(answer: number): Outcome {
  return answer < 0 ? errno.failure(-answer) : errno.success(answer);
}

/** What a line without modem lines answers: it has no such thing. */
function outcomeOfModem(answer: number): Outcome {
  return answer < 0
    ? { code: code.ERROR_NOT_SUPPORTED, value: 0, errno: -answer }
    : errno.success(answer);
}

function changeOutput(fd: number, number: number, bits: number): number {
  const argument = new Uint8Array(new ArrayBuffer(8));
  new DataView(argument.buffer).setInt32(0, bits, true);
  return ioctlOf(fd, number, argument);
}

function getCommState(serial: number, dcb: Uint8Array<ArrayBuffer>): number {
  if (dcb.length < comm.DCB_BYTES) return code.ERROR_INVALID_PARAMETER;
  return withLine(serial, (fd) => {
    const termios = newTermios();
    const answer = ioctlOf(fd, TCGETS2, termios);
    if (answer < 0) return outcomeOf(answer);
    const modem = modemLines(fd);
    readTermios(dcb, termios, modem < 0 ? TIOCM_DTR | TIOCM_RTS : modem);
    return errno.success(0);
  }).code;
}

function setCommState(serial: number, dcb: Uint8Array<ArrayBuffer>): number {
  if (dcb.length < comm.DCB_BYTES) return code.ERROR_INVALID_PARAMETER;
  return withLine(serial, (fd) => {
    const termios = newTermios();
    const known = ioctlOf(fd, TCGETS2, termios);
    if (known < 0) return outcomeOf(known);
    const refused = writeTermios(termios, dcb);
    if (refused !== 0) return errno.refusal(refused);
    const answer = ioctlOf(fd, TCSETS2, termios);
    if (answer < 0) return outcomeOf(answer);
    const flags = new DataView(dcb.buffer, dcb.byteOffset).getUint32(comm.DCB_FLAGS, true);
    setOutput(fd, flags >>> comm.DCB_DTR_SHIFT & 3, TIOCM_DTR);
    setOutput(fd, flags >>> comm.DCB_RTS_SHIFT & 3, TIOCM_RTS);
    return errno.success(0);
  }).code;
}

/** A line without modem lines has nothing to set; the driver looks after a handshake. */
function setOutput(fd: number, control: number, bit: number): void {
  if (control === comm.CONTROL_HANDSHAKE) return;
  changeOutput(fd, control === comm.CONTROL_ENABLE ? TIOCMBIS : TIOCMBIC, bit);
}

function setCommTimeouts(serial: number, timeouts: Uint8Array<ArrayBuffer>): number {
  if (timeouts.length < comm.COMMTIMEOUTS_BYTES) return code.ERROR_INVALID_PARAMETER;
  const fields = new DataView(timeouts.buffer, timeouts.byteOffset);
  const values = [0, 1, 2, 3, 4].map((index) => fields.getUint32(index * 4, true));
  // As the driver of Windows: three times all ones mean nothing.
  if (values.slice(0, 3).every((value) => value === comm.MAXDWORD)) {
    return code.ERROR_INVALID_PARAMETER;
  }
  return withLine(serial, (_fd, at) => {
    lines().set(values, lineOf(at) + lineTable.L_INTERVAL);
    return errno.success(0);
  }).code;
}

function waitCommEvent(serial: number, mask: number, overlapped: number): number {
  const mayWait = withLine(serial, (_fd, at) => {
    const line = lineOf(at);
    const isFree = lines()[line + lineTable.L_WAIT] === 0;
    return isFree && lines()[line + lineTable.L_MASK] !== 0
      ? errno.success(0)
      : errno.refusal(code.ERROR_INVALID_PARAMETER);
  });
  return mayWait.code !== 0 ? mayWait.code : startWait(serial, mask, overlapped);
}

function escapeCommFunction(serial: number, action: number): number {
  const [output, value] = [OUTPUTS[action], ACTIONS[action]];
  return withLine(serial, (fd) => {
    if (output !== undefined) return outcomeOfModem(changeOutput(fd, output[0], output[1]));
    if (value === undefined) return errno.refusal(code.ERROR_INVALID_PARAMETER);
    return outcomeOf(ioctlWith(fd, value[0], value[1]));
  }).code;
}

/** Ends the handle's operations of this kind. */
function abort(port: Port, at: number, kind: number): void {
  const { words } = region();
  const all: number[] = [];
  for (let request = words[at + layout.H_NEWEST]; request !== 0;) {
    const isMeant = words[request + layout.R_KIND] === kind;
    if (isMeant) all.push(readAddress(words, request + layout.R_OVERLAPPED));
    request = words[request + layout.R_OLDER];
  }
  for (const overlapped of all) cancelRequests(port, at, overlapped);
}

function purgeComm(serial: number, flags: number): number {
  const isKnown = flags > 0 && flags <= 15;
  return withLine(serial, (fd, at, port) => {
    if (!isKnown) return errno.refusal(code.ERROR_INVALID_PARAMETER);
    if (port !== null && (flags & comm.PURGE_RXABORT) !== 0) abort(port, at, SERIAL_READ);
    if (port !== null && (flags & comm.PURGE_TXABORT) !== 0) abort(port, at, SERIAL_WRITE);
    const drops = [(flags & comm.PURGE_RXCLEAR) !== 0, (flags & comm.PURGE_TXCLEAR) !== 0];
    if (!drops.includes(true)) return errno.success(0);
    const before = unread(fd);
    const answer = ioctlWith(fd, TCFLSH, drops[0] ? drops[1] ? 2 : 0 : 1);
    // What is dropped has come all the same, and is not told again.
    lines()[lineOf(at) + lineTable.L_TAKEN] += Math.max(before - unread(fd), 0);
    return outcomeOf(answer);
  }).code;
}

/** The line may be opened by others again; only the descriptor's end would not say so. */
function closing(handle: number, port: Port | null): void {
  ioctlWith(region().words[handle + layout.H_FD], TIOCNXCL, 0);
  if (port !== null) stopTimers(port, handle);
}

defineHandle(layout.KIND_SERIAL, { read: SERIAL_READ, write: SERIAL_WRITE, closing });

/** The contract's functions for serial lines. */
export const serial: SerialSystem = {
  openCommPort,
  getCommState,
  setCommState,
  setCommTimeouts,
  getCommMask: (serial) =>
    withLine(serial, (_fd, at) => errno.success(lines()[lineOf(at) + lineTable.L_MASK])),
  setCommMask: (serial, mask) =>
    withLine(serial, (fd, at, port) => {
      const answer = chooseEvents(port, at, fd, mask);
      return answer === 0 ? errno.success(0) : errno.refusal(answer);
    }).code,
  waitCommEvent,
  escapeCommFunction,
  purgeComm,
  getCommModemStatus: (serial) =>
    withLine(serial, (fd) => {
      const bits = modemLines(fd);
      return outcomeOfModem(bits < 0 ? bits : statusOfLines(bits));
    }),
};
