/**
 * The control codes of Windows that have a twin on Linux, with Windows' own
 * structures in their buffers.
 *
 * @module
 */

import { deviceCalls } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import * as controls from "../controls.ts";
import * as errno from "./errno.ts";
import { findHandle } from "./handles.ts";
import { failed } from "./ioctl.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";

/** A control operation that the calling thread carries out. */
export interface Call {
  /** The handle's descriptor. */
  fd: number;
  readonly input: number;
  readonly inputLength: number;
  readonly output: number;
  readonly outputLength: number;
}

/** What it came to. */
export interface Result {
  readonly code: number;
  /** Bytes in the output. */
  readonly bytes: number;
  readonly errno: number;
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const FICLONERANGE = 0x4020940D;
const BLKGETSIZE64 = 0x80081272;
/** Past the last data: there is only a hole, or nothing. */
const ENXIO = 6;
/** What the kernel has instead of a longest link. */
const LINK_BYTES = 4096;

function done(bytes: number): Result {
  return { code: 0, bytes, errno: 0 };
}

function refused(reason: number, bytes: number = 0): Result {
  return { code: reason, bytes, errno: 0 };
}

/** A number of 64 bits that is not negative; NaN if it is more than a number can hold. */
function numberAt(fields: DataView, at: number): number {
  const value = Number(fields.getBigInt64(at, true));
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : NaN;
}

/** The next part with data from `from` to before `end`, where there is one. */
function nextData(fd: number, from: number, end: number): readonly [number, number] | number {
  const { lseek } = deviceCalls();
  const data = Number(lseek(fd, word(from), SEEK_DATA));
  if (data < 0) return errno.errno();
  if (data >= end) return ENXIO;
  const hole = Number(lseek(fd, word(data), SEEK_HOLE));
  return hole < 0 ? errno.errno() : [data, Math.min(hole, end)];
}

function queryAllocatedRanges(call: Call): Result {
  const { fd, input, inputLength, output, outputLength } = call;
  const size = controls.ALLOCATED_RANGE_BYTES;
  if (inputLength < size) return refused(code.ERROR_INVALID_PARAMETER);
  const asked = new DataView(view(input, size));
  const offset = numberAt(asked, 0);
  const end = offset + Math.min(numberAt(asked, 8), Number.MAX_SAFE_INTEGER - offset);
  if (Number.isNaN(end)) return refused(code.ERROR_INVALID_PARAMETER);
  const room = Math.floor(outputLength / size);
  const fields = room === 0 ? null : new DataView(view(output, room * size));
  let count = 0;
  for (let at = offset; at < end;) {
    const part = nextData(fd, at, end);
    if (part === ENXIO) break;
    if (typeof part === "number") return failed(part);
    if (fields === null) return refused(code.ERROR_INSUFFICIENT_BUFFER);
    if (count === room) return refused(code.ERROR_MORE_DATA, count * size);
    fields.setBigInt64(count * size, BigInt(part[0]), true);
    fields.setBigInt64(count * size + 8, BigInt(part[1] - part[0]), true);
    count++;
    at = part[1];
  }
  return done(count * size);
}

/** The caller keeps the source open until the call is over. */
function duplicateExtents({ fd, input, inputLength }: Call): Result {
  if (inputLength < controls.DUPLICATE_EXTENTS_BYTES) return refused(code.ERROR_INVALID_PARAMETER);
  const fields = new DataView(view(input, controls.DUPLICATE_EXTENTS_BYTES));
  const source = findHandle(numberAt(fields, 0));
  const { words } = region();
  if (source < 0 || words[source + layout.H_KIND] !== layout.KIND_FILE) {
    return refused(code.ERROR_INVALID_HANDLE);
  }
  // struct file_clone_range: src_fd, src_offset, src_length, dest_offset
  const range = new Uint8Array(new ArrayBuffer(32));
  const clone = new DataView(range.buffer);
  clone.setBigInt64(0, BigInt(words[source + layout.H_FD]), true);
  clone.setBigUint64(8, fields.getBigUint64(8, true), true);
  clone.setBigUint64(16, fields.getBigUint64(24, true), true);
  clone.setBigUint64(24, fields.getBigUint64(16, true), true);
  // To the kernel a length of nothing means all the rest.
  if (clone.getBigUint64(16, true) === 0n) return done(0);
  return deviceCalls().ioctl(fd, word(FICLONERANGE), range) === 0 ? done(0) : failed();
}

function getReparsePoint({ fd, output, outputLength }: Call): Result {
  const link = new Uint8Array(new ArrayBuffer(LINK_BYTES));
  const path = errno.cString("");
  const length = Number(deviceCalls().readlinkat(fd, path, link, word(LINK_BYTES)));
  if (length < 0) {
    const reason = errno.errno();
    const isNone = reason === errno.ENOENT || reason === errno.EINVAL;
    return isNone ? refused(code.ERROR_NOT_A_REPARSE_POINT) : failed(reason);
  }
  if (outputLength < controls.REPARSE_HEADER_BYTES) return refused(code.ERROR_INSUFFICIENT_BUFFER);
  const bytes = linkBuffer(new TextDecoder().decode(link.subarray(0, length)));
  const fitting = Math.min(bytes.length, outputLength);
  new Uint8Array(view(output, fitting)).set(bytes.subarray(0, fitting));
  return fitting < bytes.length ? refused(code.ERROR_MORE_DATA, fitting) : done(fitting);
}

/** REPARSE_DATA_BUFFER of a symbolic link: the name twice, to use and to show. */
function linkBuffer(target: string): Uint8Array {
  const nameBytes = target.length * 2;
  const bytes = new Uint8Array(controls.REPARSE_LINK_BYTES + nameBytes * 2);
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, controls.IO_REPARSE_TAG_SYMLINK, true);
  fields.setUint16(4, bytes.length - controls.REPARSE_HEADER_BYTES, true);
  fields.setUint16(8, 0, true);
  fields.setUint16(10, nameBytes, true);
  fields.setUint16(12, nameBytes, true);
  fields.setUint16(14, nameBytes, true);
  fields.setUint32(16, target.startsWith("/") ? 0 : controls.SYMLINK_FLAG_RELATIVE, true);
  for (let i = 0; i < target.length; i++) {
    fields.setUint16(controls.REPARSE_LINK_BYTES + i * 2, target.charCodeAt(i), true);
    fields.setUint16(controls.REPARSE_LINK_BYTES + nameBytes + i * 2, target.charCodeAt(i), true);
  }
  return bytes;
}

function getLength({ fd, output, outputLength }: Call): Result {
  const size = new Uint8Array(new ArrayBuffer(8));
  if (deviceCalls().ioctl(fd, word(BLKGETSIZE64), size) < 0) return failed();
  if (outputLength < 8) return refused(code.ERROR_INSUFFICIENT_BUFFER);
  new Uint8Array(view(output, 8)).set(size);
  return done(8);
}

const CONTROLS: Map<number, (call: Call) => Result> = new Map([
  [controls.FSCTL_QUERY_ALLOCATED_RANGES, queryAllocatedRanges],
  [controls.FSCTL_DUPLICATE_EXTENTS_TO_FILE, duplicateExtents],
  [controls.FSCTL_GET_REPARSE_POINT, getReparsePoint],
  // Nothing turns a file into a link here: a link is made as one.
  [controls.FSCTL_SET_REPARSE_POINT, () => refused(code.ERROR_NOT_SUPPORTED)],
  [controls.IOCTL_DISK_GET_LENGTH_INFO, getLength],
]);

/** The twin of a control code; one that says so for a code that has none. */
export function controlOf(control: number): (call: Call) => Result {
  return CONTROLS.get(control) ?? (() => refused(code.ERROR_INVALID_FUNCTION));
}
