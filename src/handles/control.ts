/**
 * Control operations: DeviceIoControl for every kind of handle, the codes that
 * both systems know, and what their buffers hold.
 *
 * @module
 */

import { setNumber, setWord } from "../core/annex.ts";
import { checkBuffer, type NativeBuffer } from "../core/buffer.ts";
import { checkNumber } from "../core/errors.ts";
import { checkHandle, type Handle } from "../core/handle.ts";
import { kindOf } from "../core/kinds.ts";
import type { Operation } from "../core/operation.ts";
import { startWith } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { system } from "../system/system.ts";

export {
  FSCTL_DUPLICATE_EXTENTS_TO_FILE,
  FSCTL_GET_REPARSE_POINT,
  FSCTL_PIPE_PEEK,
  FSCTL_PIPE_WAIT,
  FSCTL_QUERY_ALLOCATED_RANGES,
  FSCTL_SET_REPARSE_POINT,
  FSCTL_SET_SPARSE,
  FSCTL_SET_ZERO_DATA,
  IOCTL_DISK_GET_LENGTH_INFO,
} from "../system/system.ts";

const CALL = "DeviceIoControl";
const CONTROL = kindOf(CALL);

/** A part of a file. */
export interface FileRange {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** How long it is, in bytes. */
  readonly length: number;
}

/** What a link says. */
export interface ReparsePoint {
  /** Its tag: what kind of reparse point it is, as 0xA000000C for a symbolic link. */
  readonly tag: number;
  /** Where a symbolic link leads; `null` for every other kind. */
  readonly target: string | null;
  /** Whether that begins where the link is. */
  readonly isRelative: boolean;
}

/**
 * The code of a Linux ioctl, for `control`: `number` as in the kernel's headers. On
 * Windows it ends with ERROR_INVALID_FUNCTION (1).
 *
 * The argument of the ioctl is a copy of the input, or of the output if there is no
 * input, that is at least 16 KiB long; what the ioctl leaves there is in the
 * output afterwards. Without a buffer the argument is the number that was given as
 * input, or 0. The packet's count is what ioctl has returned. The thread that
 * starts it makes the call, and waits with it.
 *
 * Source: ioctl(2).
 *
 * @throws {RangeError} if `number` does not fit 32 bits.
 */
export function ioctl(number: number): number {
  return codes.IOCTL_BASE + checkNumber(number, "the number of an ioctl", 0xffffffff);
}

/** Starts any control operation on `handle`; see `DeviceHandle.control`. @internal */
export function startControl(
  handle: Handle,
  code: number,
  input: NativeBuffer | number | null,
  output: NativeBuffer | null,
  tag: number,
): Operation {
  checkNumber(code, "a control code", codes.IOCTL_BASE + 0xffffffff);
  if (typeof input === "number") {
    checkNumber(input, "the argument of an ioctl");
    if (code < codes.IOCTL_BASE || output !== null) {
      throw new TypeError(
        `Cannot use a number as input: it is the argument of an ioctl, without any buffer`,
      );
    }
  }
  const isBuffer = typeof input !== "number" && input !== null;
  if (isBuffer) checkBuffer(input);
  if (output !== null) checkBuffer(output);
  const buffer = output ?? (isBuffer ? input : null);
  const parts = {
    ...(buffer === null ? {} : { buffer }),
    ...(isBuffer && output !== null ? { further: [input] } : {}),
  };
  const [address, length] = isBuffer ? [input.address, input.bytes.length] : [input ?? 0, 0];
  const [into, room] = output === null ? [0, 0] : [output.address, output.bytes.length];
  return startWith(
    CONTROL,
    checkHandle(handle),
    parts,
    tag,
    (device, overlapped) =>
      system.deviceIoControl(device, code, address, length, into, room, overlapped),
  );
}

/** Starts one whose input is `byteLength` bytes, which `fill` writes at an address. */
function startFilled(
  handle: Handle,
  code: number,
  byteLength: number,
  fill: (address: number) => void,
  output: NativeBuffer | null,
  tag: number,
): Operation {
  if (output !== null) checkBuffer(output);
  const [into, room] = output === null ? [0, 0] : [output.address, output.bytes.length];
  const parts = { annexBytes: byteLength, ...(output === null ? {} : { buffer: output }) };
  return startWith(CONTROL, checkHandle(handle), parts, tag, (device, overlapped, annex) => {
    fill(annex);
    return system.deviceIoControl(device, code, annex, byteLength, into, room, overlapped);
  });
}

function checkRange({ offset, length }: FileRange): number {
  checkNumber(offset, "the offset of a range");
  return offset + checkNumber(length, "the length of a range", Number.MAX_SAFE_INTEGER - offset);
}

/**
 * Starts marking a file as one whose zeros need no room, or no longer.
 *
 * Source: FSCTL_SET_SPARSE. Linux: every file is; `false` gives its holes room by
 * fallocate(2).
 *
 * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
 */
export function setSparse(file: Handle, isSparse: boolean = true, tag: number = 0): Operation {
  const fill = (at: number) => setWord(at, isSparse ? 1 : 0);
  return startFilled(file, codes.FSCTL_SET_SPARSE, 1, fill, null, tag);
}

/**
 * Starts filling a part of a file with zeros. The size stays. In a sparse file it
 * takes no room afterwards; on Linux it never does, where the file system can.
 *
 * Source: FSCTL_SET_ZERO_DATA; fallocate(2).
 *
 * @throws {RangeError} if the range is none.
 * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
 */
export function zeroRange(file: Handle, range: FileRange, tag: number = 0): Operation {
  const end = checkRange(range);
  const fill = (at: number) => {
    setNumber(at, range.offset);
    setNumber(at + 8, end);
  };
  return startFilled(file, codes.FSCTL_SET_ZERO_DATA, codes.ZERO_DATA_BYTES, fill, null, tag);
}

/**
 * Starts asking which parts of `range` take room; `allocatedRangesIn` reads them
 * from the packet. 16 bytes of `into` hold one part; if there are more than fit, the
 * packet's error is ERROR_MORE_DATA (234) and its count still right.
 *
 * Source: FSCTL_QUERY_ALLOCATED_RANGES; lseek(2) with SEEK_DATA.
 *
 * @throws {RangeError} if the range is none.
 * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
 */
export function queryAllocatedRanges(
  file: Handle,
  range: FileRange,
  into: NativeBuffer,
  tag: number = 0,
): Operation {
  checkRange(range);
  const fill = (at: number) => {
    setNumber(at, range.offset);
    setNumber(at + 8, range.length);
  };
  const bytes = codes.ALLOCATED_RANGE_BYTES;
  return startFilled(file, codes.FSCTL_QUERY_ALLOCATED_RANGES, bytes, fill, checkBuffer(into), tag);
}

/**
 * Starts giving `target` a part of `source` without copying it: both share the
 * blocks until one is written to. Offsets and length must be multiples of the file
 * system's block size; the length may instead reach the end of the source.
 *
 * Where the file system cannot: ERROR_NOT_SUPPORTED (50) or ERROR_INVALID_FUNCTION (1).
 *
 * Source: FSCTL_DUPLICATE_EXTENTS_TO_FILE; FICLONERANGE of ioctl_ficlonerange(2).
 *
 * @throws {RangeError} if the range or the offset is none.
 * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if one of the files is closed.
 */
export function cloneRange(
  target: Handle,
  source: Handle,
  range: FileRange,
  targetOffset: number,
  tag: number = 0,
): Operation {
  checkRange(range);
  checkNumber(targetOffset, "the offset in the target", Number.MAX_SAFE_INTEGER - range.length);
  const from = checkHandle(source).enter(CALL);
  try {
    const fill = (at: number) => {
      [from, range.offset, targetOffset, range.length].forEach((value, index) =>
        setNumber(at + index * 8, value)
      );
    };
    const bytes = codes.DUPLICATE_EXTENTS_BYTES;
    return startFilled(target, codes.FSCTL_DUPLICATE_EXTENTS_TO_FILE, bytes, fill, null, tag);
  } finally {
    source.leave();
  }
}

/**
 * Starts asking what the link says that `link` was opened as (`isLink` of
 * `DeviceHandle.open`); `reparsePointIn` reads it from the packet. 16384 bytes hold
 * every answer. What is no link: ERROR_NOT_A_REPARSE_POINT (4390).
 *
 * Source: FSCTL_GET_REPARSE_POINT; readlink(2).
 *
 * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the handle is closed.
 */
export function getReparsePoint(link: Handle, into: NativeBuffer, tag: number = 0): Operation {
  return startControl(link, codes.FSCTL_GET_REPARSE_POINT, null, checkBuffer(into), tag);
}

/** The parts that `queryAllocatedRanges` has written: `bytes` as far as the packet's count says. */
export function allocatedRangesIn(bytes: Uint8Array): FileRange[] {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ranges: FileRange[] = [];
  const size = codes.ALLOCATED_RANGE_BYTES;
  for (let at = 0; at + size <= bytes.length; at += size) {
    const offset = Number(fields.getBigInt64(at, true));
    ranges.push({ offset, length: Number(fields.getBigInt64(at + 8, true)) });
  }
  return ranges;
}

/**
 * What `getReparsePoint` has written: `bytes` as far as the packet's count says.
 *
 * @throws {RangeError} if the bytes are no whole REPARSE_DATA_BUFFER.
 */
export function reparsePointIn(bytes: Uint8Array): ReparsePoint {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole = bytes.length >= codes.REPARSE_HEADER_BYTES &&
    bytes.length >= codes.REPARSE_HEADER_BYTES + fields.getUint16(4, true);
  const broken = () => new RangeError("Cannot read the link: its data are cut off or broken");
  if (!isWhole) throw broken();
  const tag = fields.getUint32(0, true);
  if (tag !== codes.IO_REPARSE_TAG_SYMLINK) return { tag, target: null, isRelative: false };
  if (bytes.length < codes.REPARSE_LINK_BYTES) throw broken();
  const start = codes.REPARSE_LINK_BYTES + fields.getUint16(8, true);
  const length = fields.getUint16(10, true);
  if (start + length > bytes.length) throw broken();
  let target = "";
  for (let at = 0; at + 1 < length; at += 2) {
    target += String.fromCharCode(fields.getUint16(start + at, true));
  }
  const isRelative = (fields.getUint32(16, true) & codes.SYMLINK_FLAG_RELATIVE) !== 0;
  return { tag, target, isRelative };
}
