/**
 * How a serial line works, in words, and as a DCB and a COMMTIMEOUTS.
 *
 * @module
 */

import { checkNumber } from "../core/errors.ts";
import * as comm from "../system/system.ts";

/** How the bytes of a serial line travel. */
export interface SerialSettings {
  /** Bits a second; 9600 by default. Linux takes any number the driver can make. */
  speed?: number;
  /** Data bits; 8 by default. */
  dataBits?: 5 | 6 | 7 | 8;
  /** The parity bit; "none" by default. */
  parity?: "none" | "odd" | "even" | "mark" | "space";
  /** Stop bits; 1 by default. 1.5 go with five data bits, 2 with all others. */
  stopBits?: 1 | 1.5 | 2;
  /** Who says that there is no room: nobody (the default), RTS and CTS, or XON and XOFF. */
  flowControl?: "none" | "hardware" | "software";
  /** Whether DTR is on; true by default. */
  dtr?: boolean;
  /** Whether RTS is on; true by default. Of no meaning with "hardware". */
  rts?: boolean;
}

/**
 * When a read or a write ends before its buffer is full or empty, in milliseconds
 * up to 4294967295 (`MAXDWORD`). 0 is no limit. An operation that has run out of time is
 * a success with the bytes there were.
 *
 * Two forms of reads are Windows' own: interval and multiplier `MAXDWORD` with a
 * constant below it: what there is, or what comes first within the constant (the
 * default, with a constant that is for ever); interval `MAXDWORD` and the others 0:
 * what there is, at once.
 *
 * Source: COMMTIMEOUTS.
 */
export interface SerialTimeouts {
  /** The longest pause between two bytes of a read. */
  readInterval?: number;
  /** A read's time for each byte of its buffer. */
  readMultiplier?: number;
  /** A read's time beside that. */
  readConstant?: number;
  /** A write's time for each byte. */
  writeMultiplier?: number;
  /** A write's time beside that. */
  writeConstant?: number;
}

/** The largest number of 32 bits, for `SerialTimeouts`. */
export const MAXDWORD: number = comm.MAXDWORD;

const PARITIES = ["none", "odd", "even", "mark", "space"] as const;
const STOP_BITS = [1, 1.5, 2] as const;
const FLOW_CONTROLS = ["none", "hardware", "software"] as const;
const XON = 0x11;
const XOFF = 0x13;

function indexIn<T>(values: readonly T[], value: T, name: string): number {
  const index = values.indexOf(value);
  if (index >= 0) return index;
  throw new TypeError(`Cannot use ${String(value)} as ${name}: it is none of ${values.join(", ")}`);
}

/**
 * Changes `dcb` to what `settings` say; what they do not say stays.
 *
 * @throws {RangeError} if a number is not usable.
 * @throws {TypeError} if a word is none of those there are.
 */
export function writeSettings(dcb: Uint8Array<ArrayBuffer>, settings: SerialSettings): void {
  const fields = new DataView(dcb.buffer, dcb.byteOffset, dcb.byteLength);
  const all = { ...readSettings(dcb), ...withoutAbsent(settings) };
  checkNumber(all.speed, "the speed of a serial line", comm.MAXDWORD);
  if (all.speed === 0) throw new RangeError("Cannot use 0 as the speed of a serial line");
  indexIn([5, 6, 7, 8], all.dataBits, "the number of data bits");
  const parity = indexIn(PARITIES, all.parity, "the parity");
  const stopBits = indexIn(STOP_BITS, all.stopBits, "the number of stop bits");
  if (all.stopBits === (all.dataBits === 5 ? 2 : 1.5)) {
    throw new RangeError(
      `Cannot use ${all.stopBits} stop bits with ${all.dataBits} data bits: 1.5 go with 5, 2 with all others`,
    );
  }
  indexIn(FLOW_CONTROLS, all.flowControl, "the flow control");
  fields.setUint32(comm.DCB_LENGTH, comm.DCB_BYTES, true);
  fields.setUint32(comm.DCB_BAUD_RATE, all.speed, true);
  fields.setUint32(comm.DCB_FLAGS, flagsOf(all), true);
  dcb[comm.DCB_BYTE_SIZE] = all.dataBits;
  dcb[comm.DCB_PARITY] = parity;
  dcb[comm.DCB_STOP_BITS] = stopBits;
  dcb[comm.DCB_XON_CHAR] = XON;
  dcb[comm.DCB_XOFF_CHAR] = XOFF;
}

function withoutAbsent(settings: SerialSettings): SerialSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function flagsOf({ parity, flowControl, dtr, rts }: Required<SerialSettings>): number {
  const control = flowControl === "hardware"
    ? comm.CONTROL_HANDSHAKE
    : rts
    ? comm.CONTROL_ENABLE
    : comm.CONTROL_DISABLE;
  return comm.DCB_F_BINARY | (parity === "none" ? 0 : comm.DCB_F_PARITY) |
    (flowControl === "hardware" ? comm.DCB_F_OUTX_CTS_FLOW : 0) |
    (flowControl === "software"
      ? comm.DCB_F_OUT_X | comm.DCB_F_IN_X | comm.DCB_F_TX_CONTINUE_ON_XOFF
      : 0) |
    (dtr ? comm.CONTROL_ENABLE : comm.CONTROL_DISABLE) << comm.DCB_DTR_SHIFT |
    control << comm.DCB_RTS_SHIFT;
}

/** What `dcb` says. */
export function readSettings(dcb: Uint8Array<ArrayBuffer>): Required<SerialSettings> {
  const fields = new DataView(dcb.buffer, dcb.byteOffset, dcb.byteLength);
  const flags = fields.getUint32(comm.DCB_FLAGS, true);
  const hasSoftware = (flags & (comm.DCB_F_OUT_X | comm.DCB_F_IN_X)) !== 0;
  return {
    speed: fields.getUint32(comm.DCB_BAUD_RATE, true),
    dataBits: dcb[comm.DCB_BYTE_SIZE] as 5 | 6 | 7 | 8,
    parity: PARITIES[dcb[comm.DCB_PARITY]] ?? "none",
    stopBits: STOP_BITS[dcb[comm.DCB_STOP_BITS]] ?? 1,
    flowControl: (flags & comm.DCB_F_OUTX_CTS_FLOW) !== 0
      ? "hardware"
      : hasSoftware
      ? "software"
      : "none",
    dtr: (flags >>> comm.DCB_DTR_SHIFT & 3) !== comm.CONTROL_DISABLE,
    rts: (flags >>> comm.DCB_RTS_SHIFT & 3) !== comm.CONTROL_DISABLE,
  };
}

/**
 * The COMMTIMEOUTS that `timeouts` are. Without any of those of reads, a read ends as
 * soon as there is anything.
 *
 * @throws {RangeError} if a number is not usable, or all three of reads are `MAXDWORD`.
 */
export function timeoutBytes(timeouts: SerialTimeouts): Uint8Array<ArrayBuffer> {
  const { readInterval, readMultiplier, readConstant } = timeouts;
  const isDefault = readInterval === undefined && readMultiplier === undefined &&
    readConstant === undefined;
  const values = [
    readInterval ?? (isDefault ? comm.MAXDWORD : 0),
    readMultiplier ?? (isDefault ? comm.MAXDWORD : 0),
    readConstant ?? (isDefault ? comm.MAXDWORD - 1 : 0),
    timeouts.writeMultiplier ?? 0,
    timeouts.writeConstant ?? 0,
  ];
  for (const value of values) checkNumber(value, "a time limit", comm.MAXDWORD);
  if (values.slice(0, 3).every((value) => value === comm.MAXDWORD)) {
    throw new RangeError("Cannot use MAXDWORD for all three time limits of reads");
  }
  const bytes = new Uint8Array(new ArrayBuffer(comm.COMMTIMEOUTS_BYTES));
  const fields = new DataView(bytes.buffer);
  values.forEach((value, index) => fields.setUint32(index * 4, value, true));
  return bytes;
}
