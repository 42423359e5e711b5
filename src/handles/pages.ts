/**
 * Transfers between a file and many pages of memory.
 *
 * @module
 */

import { setNumber } from "../core/annex.ts";
import { checkBuffer, type NativeBuffer } from "../core/buffer.ts";
import { checkNumber, described } from "../core/errors.ts";
import type { Handle } from "../core/handle.ts";
import { kindOf } from "../core/kinds.ts";
import { MAX_TRANSFER_BYTES, MAX_VECTOR } from "../core/limits.ts";
import type { Operation } from "../core/operation.ts";
import { startWith } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { system } from "../system/system.ts";

const READ_SCATTER = kindOf("ReadFileScatter");
const WRITE_GATHER = kindOf("WriteFileGather");

/** Starts a read into all of `into`; see `FileHandle.readScatter`. */
export function startScatter(
  file: Handle,
  into: readonly NativeBuffer[],
  offset: number,
  tag: number,
): Operation {
  return transferPages(READ_SCATTER, system.readFileScatter, file, into, offset, tag);
}

/** Starts a write of all of `from`; see `FileHandle.writeGather`. */
export function startGather(
  file: Handle,
  from: readonly NativeBuffer[],
  offset: number,
  tag: number,
): Operation {
  return transferPages(WRITE_GATHER, system.writeFileGather, file, from, offset, tag);
}

/** One transfer of whole pages: their addresses lie in the operation's annex, a 0 behind them. */
function transferPages(
  kind: number,
  start: (file: number, segments: number, byteLength: number, overlapped: number) => number,
  file: Handle,
  buffers: readonly NativeBuffer[],
  offset: number,
  tag: number,
): Operation {
  checkNumber(offset, "offset");
  if (!Array.isArray(buffers)) {
    throw new TypeError(`Cannot use ${described(buffers)} as a list of buffers`);
  }
  if (buffers.length === 0 || buffers.length > MAX_VECTOR) {
    throw new RangeError(
      `Cannot transfer ${buffers.length} buffers: it must be 1 to ${MAX_VECTOR}`,
    );
  }
  let byteLength = 0;
  for (const { address, bytes } of buffers.map(checkBuffer)) {
    if (address % codes.SEGMENT_BYTES !== 0 || bytes.length % codes.SEGMENT_BYTES !== 0) {
      throw new RangeError(
        `Cannot transfer a buffer of ${bytes.length} bytes at ${address}: ` +
          `both must be multiples of ${codes.SEGMENT_BYTES}`,
      );
    }
    byteLength += bytes.length;
  }
  checkNumber(byteLength, "the buffers' length", MAX_TRANSFER_BYTES);
  const [buffer, ...further] = buffers;
  const annexBytes = (byteLength / codes.SEGMENT_BYTES + 1) * 8;
  return startWith(
    kind,
    file,
    { buffer, further, annexBytes, offset },
    tag,
    (handle, ov, annex) => {
      let at = annex;
      for (const { address, byteLength } of buffers) {
        const end = address + byteLength;
        for (let page = address; page < end; page += codes.SEGMENT_BYTES) {
          setNumber(at, page);
          at += 8;
        }
      }
      return start(handle, annex, byteLength, ov);
    },
  );
}
