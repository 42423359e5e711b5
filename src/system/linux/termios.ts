/**
 * A DCB and a `struct termios2`: the same settings of a serial line as Windows and
 * as Linux write them. Source: ioctl_tty(2), termios(3).
 *
 * @module
 */

import * as code from "../codes.ts";
import * as comm from "../comm.ts";

/** Bytes of a `struct termios2`: four words of flags, line, 19 characters, two speeds. */
export const TERMIOS_BYTES = 44;

const IFLAG = 0;
const OFLAG = 4;
const CFLAG = 8;
const LFLAG = 12;
const CHARACTERS = 17;
const INPUT_SPEED = 36;
const OUTPUT_SPEED = 40;
const VTIME = 5;
const VMIN = 6;
const VSTART = 8;
const VSTOP = 9;

const IGNBRK = 0x1;
const INPCK = 0x10;
const IXON = 0x400;
const IXOFF = 0x1000;

const CBAUD_BOTHER = 0x100f;
const BOTHER = 0x1000;
const CIBAUD = 0x100f0000;
const CSIZE = 0x30;
const CSTOPB = 0x40;
const CREAD = 0x80;
const PARENB = 0x100;
const PARODD = 0x200;
const CLOCAL = 0x800;
const CMSPAR = 0x40000000;
const CRTSCTS = 0x80000000;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * No byte is changed, answered or waited for: what comes is what was sent. Speed,
 * size and parity stay, and so does flow control.
 */
export function setRaw(termios: Uint8Array): void {
  const fields = viewOf(termios);
  const input = fields.getUint32(IFLAG, true);
  // A break is nothing that could be read.
  fields.setUint32(IFLAG, input & (INPCK | IXON | IXOFF) | IGNBRK, true);
  fields.setUint32(OFLAG, 0, true);
  fields.setUint32(LFLAG, 0, true);
  fields.setUint32(CFLAG, (fields.getUint32(CFLAG, true) | CREAD | CLOCAL) >>> 0, true);
  termios[CHARACTERS + VMIN] = 1;
  termios[CHARACTERS + VTIME] = 0;
}

/** Fills `dcb` by what `termios` and the modem's two outputs say. */
export function readTermios(dcb: Uint8Array, termios: Uint8Array, lines: number): void {
  const [to, from] = [viewOf(dcb), viewOf(termios)];
  const input = from.getUint32(IFLAG, true);
  const control = from.getUint32(CFLAG, true);
  const isHardware = (control & CRTSCTS) !== 0;
  const dtr = (lines & TIOCM_DTR) !== 0 ? comm.CONTROL_ENABLE : comm.CONTROL_DISABLE;
  const rts = (lines & TIOCM_RTS) !== 0 ? comm.CONTROL_ENABLE : comm.CONTROL_DISABLE;
  dcb.fill(0);
  to.setUint32(comm.DCB_LENGTH, comm.DCB_BYTES, true);
  to.setUint32(comm.DCB_BAUD_RATE, from.getUint32(OUTPUT_SPEED, true), true);
  to.setUint32(
    comm.DCB_FLAGS,
    comm.DCB_F_BINARY | ((input & INPCK) !== 0 ? comm.DCB_F_PARITY : 0) |
      (isHardware ? comm.DCB_F_OUTX_CTS_FLOW : 0) |
      ((input & IXON) !== 0 ? comm.DCB_F_OUT_X : 0) |
      ((input & IXOFF) !== 0 ? comm.DCB_F_IN_X : 0) | dtr << comm.DCB_DTR_SHIFT |
      (isHardware ? comm.CONTROL_HANDSHAKE : rts) << comm.DCB_RTS_SHIFT,
    true,
  );
  dcb[comm.DCB_BYTE_SIZE] = 5 + ((control & CSIZE) >>> 4);
  dcb[comm.DCB_PARITY] = parityOf(control);
  dcb[comm.DCB_STOP_BITS] = (control & CSTOPB) === 0
    ? comm.ONESTOPBIT
    : (control & CSIZE) === 0
    ? comm.ONE5STOPBITS
    : comm.TWOSTOPBITS;
  dcb[comm.DCB_XON_CHAR] = termios[CHARACTERS + VSTART];
  dcb[comm.DCB_XOFF_CHAR] = termios[CHARACTERS + VSTOP];
}

/** The outputs of a modem, as TIOCMGET tells them. */
export const TIOCM_DTR = 0x2;
export const TIOCM_RTS = 0x4;

function parityOf(control: number): number {
  if ((control & PARENB) === 0) return comm.NOPARITY;
  const isOdd = (control & PARODD) !== 0;
  if ((control & CMSPAR) !== 0) return isOdd ? comm.MARKPARITY : comm.SPACEPARITY;
  return isOdd ? comm.ODDPARITY : comm.EVENPARITY;
}

const PARITIES: readonly number[] = [
  0,
  PARENB | PARODD,
  PARENB,
  PARENB | PARODD | CMSPAR,
  PARENB | CMSPAR,
];

/** What a driver here does not know. */
const UNKNOWN = comm.DCB_F_OUTX_DSR_FLOW | comm.DCB_F_DSR_SENSITIVITY | comm.DCB_F_ERROR_CHAR |
  comm.DCB_F_NULL | comm.DCB_F_ABORT_ON_ERROR;

/** Changes `termios` to what `dcb` says. Returns 0, or why it cannot be. */
export function writeTermios(termios: Uint8Array, dcb: Uint8Array): number {
  const [to, from] = [viewOf(termios), viewOf(dcb)];
  const flags = from.getUint32(comm.DCB_FLAGS, true);
  const speed = from.getUint32(comm.DCB_BAUD_RATE, true);
  const size = dcb[comm.DCB_BYTE_SIZE];
  const stop = dcb[comm.DCB_STOP_BITS];
  const parity = PARITIES[dcb[comm.DCB_PARITY]];
  const isFive = size === 5;
  if (speed === 0 || size < 5 || size > 8 || parity === undefined || stop > comm.TWOSTOPBITS) {
    return code.ERROR_INVALID_PARAMETER;
  }
  // As on Windows: one and a half for five bits only, two for all others only.
  if (stop === (isFive ? comm.TWOSTOPBITS : comm.ONE5STOPBITS)) return code.ERROR_INVALID_PARAMETER;
  if ((flags & comm.DCB_F_BINARY) === 0) return code.ERROR_INVALID_PARAMETER;
  const rts = flags >>> comm.DCB_RTS_SHIFT & 3;
  const dtr = flags >>> comm.DCB_DTR_SHIFT & 3;
  const isHardware = (flags & comm.DCB_F_OUTX_CTS_FLOW) !== 0;
  // The driver looks after both directions or after none.
  if (isHardware !== (rts === comm.CONTROL_HANDSHAKE) || rts > 2 || dtr > 1) {
    return code.ERROR_NOT_SUPPORTED;
  }
  if ((flags & UNKNOWN) !== 0) return code.ERROR_NOT_SUPPORTED;
  setRaw(termios);
  const input = to.getUint32(IFLAG, true) & ~(INPCK | IXON | IXOFF);
  to.setUint32(
    IFLAG,
    input | ((flags & comm.DCB_F_PARITY) !== 0 ? INPCK : 0) |
      ((flags & comm.DCB_F_OUT_X) !== 0 ? IXON : 0) | ((flags & comm.DCB_F_IN_X) !== 0 ? IXOFF : 0),
    true,
  );
  const all = CBAUD_BOTHER | CIBAUD | CSIZE | CSTOPB | PARENB | PARODD | CMSPAR | CRTSCTS;
  const control = to.getUint32(CFLAG, true) & ~all;
  const stopBit = stop === comm.ONESTOPBIT ? 0 : CSTOPB;
  const chosen = BOTHER | (size - 5) << 4 | parity | stopBit | (isHardware ? CRTSCTS : 0);
  to.setUint32(CFLAG, (control | chosen) >>> 0, true);
  to.setUint32(INPUT_SPEED, speed, true);
  to.setUint32(OUTPUT_SPEED, speed, true);
  termios[CHARACTERS + VSTART] = dcb[comm.DCB_XON_CHAR];
  termios[CHARACTERS + VSTOP] = dcb[comm.DCB_XOFF_CHAR];
  return 0;
}
