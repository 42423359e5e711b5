/**
 * Zeroing a range of a file, and allocating its holes: fallocate(2), which a ring
 * carries out by itself.
 *
 * @module
 */

import { deviceCalls } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, ZERO_DATA_BYTES } from "../controls.ts";
import { statusOfError } from "../status.ts";
import { descriptorOf } from "./descriptors.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import {
  failRequest,
  finishRequest,
  goOn,
  mustEnd,
  readAddress,
  writeAddress,
} from "./requests.ts";
import { define, DEVICES } from "./rules.ts";
import { launch, startOn, WRITABLE } from "./start.ts";

const FALLOCATE = DEVICES + 1;
const IORING_OP_FALLOCATE = 17;
const SEEK_END = 2;

/** The modes: allocate what is a hole, make a hole, write zeros. The last two keep the size. */
const ALLOCATE = 0;
const PUNCH_HOLE = 0x03;
const ZERO_RANGE = 0x11;

/** A part of a file and what is to be done with it; or why nothing can be. */
type Plan = { readonly mode: number; readonly offset: number; readonly length: number } | number;

/** No file system has files that reach further, and numbers are exact to here. */
const END = Number.MAX_SAFE_INTEGER;

function planZeros(input: number, inputLength: number, size: number): Plan {
  if (inputLength < ZERO_DATA_BYTES) return code.ERROR_INVALID_PARAMETER;
  const fields = new DataView(view(input, ZERO_DATA_BYTES));
  const offset = Number(fields.getBigInt64(0, true));
  const beyond = Number(fields.getBigInt64(8, true));
  if (offset < 0 || beyond < offset || offset > END) return code.ERROR_INVALID_PARAMETER;
  // What lies behind the end is zero when it comes to be.
  return { mode: PUNCH_HOLE, offset, length: Math.max(Math.min(beyond, size) - offset, 0) };
}

/** Every file may have holes here; one that is no longer to have any gets its room. */
function planSparse(input: number, inputLength: number, size: number): Plan {
  const isSparse = inputLength === 0 || new Uint8Array(view(input, 1))[0] !== 0;
  return { mode: ALLOCATE, offset: 0, length: isSparse ? 0 : size };
}

const PLANS: ReadonlyMap<number, typeof planZeros> = new Map([
  [FSCTL_SET_SPARSE, planSparse],
  [FSCTL_SET_ZERO_DATA, planZeros],
]);

/** Whether `control` is done here. */
export function isAllocation(control: number): boolean {
  return PLANS.has(control);
}

/** Starts such a control operation. Blocks to ask for the file's size. */
export function startAllocation(
  file: number,
  control: number,
  input: number,
  inputLength: number,
  overlapped: number,
): number {
  return startOn(file, 0, WRITABLE, FALLOCATE, overlapped, (port, request, at) => {
    const { words } = region();
    if (words[at + layout.H_KIND] !== layout.KIND_FILE) {
      return refuse(port, request, code.ERROR_INVALID_FUNCTION);
    }
    const size = Number(deviceCalls().lseek(words[at + layout.H_FD], word(0), SEEK_END));
    const plan = PLANS.get(control)!(input, inputLength, Math.max(size, 0));
    if (typeof plan === "number") return refuse(port, request, plan);
    if (plan.length === 0) return finishRequest(port, request, 0, 0, 0);
    // An entry's address is the length, its length the mode.
    writeAddress(words, request + layout.R_ADDRESS, plan.length);
    words[request + layout.R_LENGTH] = plan.mode;
    writeAddress(words, request + layout.R_OFFSET, plan.offset);
    launch(port, request);
  });
}

function refuse(port: Port, request: number, reason: number): void {
  finishRequest(port, request, statusOfError(reason), 0, 0);
}

function perform(request: number): number {
  const { words } = region();
  const mode = words[request + layout.R_LENGTH];
  const offset = word(readAddress(words, request + layout.R_OFFSET));
  const length = word(readAddress(words, request + layout.R_ADDRESS));
  const done = deviceCalls().fallocate(descriptorOf(request), mode, offset, length);
  return done === 0 ? 0 : -errno.errno();
}

/** A file system without holes may still know how to zero. */
function complete(port: Port, request: number, result: number): void {
  const { words } = region();
  const at = request + layout.R_LENGTH;
  if (result === 0) finishRequest(port, request, 0, 0, 0);
  else if (result === -errno.EOPNOTSUPP && words[at] === PUNCH_HOLE && !mustEnd(request)) {
    words[at] = ZERO_RANGE;
    goOn(port, request);
  } else failRequest(port, request, -result);
}

define(FALLOCATE, { opcode: IORING_OP_FALLOCATE, events: 0, perform, complete });
