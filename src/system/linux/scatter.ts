/**
 * ReadFileScatter and WriteFileGather: one transfer between a file and many pages
 * of memory, as readv and writev of whole runs of pages.
 *
 * @module
 */

import { plain, pwritev2At } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import type { ScatterSystem } from "../contract.ts";
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
import { define, IN, OUT, READ_VECTOR, type Rules, WRITE_VECTOR } from "./rules.ts";
import { launch, READABLE, startOn, WRITABLE } from "./start.ts";
import { RWF_APPEND, setPosition, STATUS_END_OF_FILE } from "./transfers.ts";
import {
  advanceVector,
  closeVector,
  openVector,
  setBuffer,
  vectorAddress,
  vectorLength,
} from "./vectors.ts";

const IORING_OP_READV = 1;
const IORING_OP_WRITEV = 2;

// In the request's annex: bytes asked for, and bytes of earlier submissions.
const LENGTH = layout.X_OWN;
const DONE: number = layout.X_OWN + 2;

/** Memory that lies together. */
interface Run {
  readonly address: number;
  length: number;
}

/** The pages of FILE_SEGMENT_ELEMENTs, `byteLength` bytes in all, as runs of neighbours. */
function runsOf(segments: number, byteLength: number): Run[] {
  const runs: Run[] = [];
  let end = -1;
  for (let done = 0; done < byteLength; done += code.SEGMENT_BYTES) {
    const at = segments + done / code.SEGMENT_BYTES * 8;
    const words = wordsAround(at);
    const index = wordIndex(at);
    const address = words[index] + words[index + 1] * 0x100000000;
    const length = Math.min(code.SEGMENT_BYTES, byteLength - done);
    if (address === end) runs[runs.length - 1].length += length;
    else runs.push({ address, length });
    end = address + length;
  }
  return runs;
}

function start(
  kind: number,
  file: number,
  segments: number,
  byteLength: number,
  overlapped: number,
): number {
  if (segments === 0) return code.ERROR_INVALID_PARAMETER;
  const runs = runsOf(segments, byteLength);
  if (runs.length > layout.MAX_VECTOR_LENGTH) return code.ERROR_INVALID_PARAMETER;
  const right = kind === READ_VECTOR ? READABLE : WRITABLE;
  return startOn(file, layout.KIND_FILE, right, kind, overlapped, (port, request, handle) => {
    if (!openVector(request, runs.length)) return failRequest(port, request, errno.ENOBUFS);
    runs.forEach(({ address, length }, index) => setBuffer(request, index, address, length));
    const { words } = region();
    const annex = layout.annexOf(request);
    writeAddress(words, annex + LENGTH, byteLength);
    writeAddress(words, annex + DONE, 0);
    setPosition(request, handle, overlapped);
    writeAddress(words, request + layout.R_ADDRESS, vectorAddress(request));
    words[request + layout.R_LENGTH] = runs.length;
    launch(port, request);
  });
}

/** Carries out what is left of it. */
function perform(request: number, isRead: boolean): number {
  const { words } = region();
  const fd = descriptorOf(request);
  const vector = word(vectorAddress(request));
  const count = vectorLength(request);
  const isAppend = words[request + layout.R_FLAGS] === RWF_APPEND;
  const offset = isAppend ? 0 : readAddress(words, request + layout.R_OFFSET);
  for (;;) {
    const result = isRead
      ? plain().preadv(fd, vector, count, word(offset))
      : isAppend
      ? pwritev2At().syscall(errno.SYS_pwritev2, fd, vector, count, word(0), word(0), RWF_APPEND)
      : plain().pwritev(fd, vector, count, word(offset));
    if (result >= 0) return Number(result);
    const reason = errno.errno();
    if (reason !== errno.EINTR) return -reason;
  }
}

/** As of a read or write of one buffer: what comes short goes on, until the file ends. */
function complete(port: Port, request: number, result: number, isRead: boolean): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  const done = readAddress(words, annex + DONE);
  const bytes = done + Math.max(result, 0);
  const isWhole = bytes === readAddress(words, annex + LENGTH);
  if (result > 0 && !isWhole && !mustEnd(request)) {
    writeAddress(words, annex + DONE, bytes);
    advanceVector(request, result);
    if (words[request + layout.R_FLAGS] !== RWF_APPEND) {
      const offset = readAddress(words, request + layout.R_OFFSET) + result;
      writeAddress(words, request + layout.R_OFFSET, offset);
    }
    return goOn(port, request);
  }
  closeVector(request);
  if (result < 0 && !(isRead && done > 0)) failRequest(port, request, -result, bytes);
  else if (isWhole || bytes > 0) finishRequest(port, request, 0, bytes, 0);
  else if (isRead) finishRequest(port, request, STATUS_END_OF_FILE, 0, 0);
  else failRequest(port, request, errno.ENOSPC);
}

function vectorRules(opcode: number, events: number, isRead: boolean): Rules {
  return {
    opcode,
    events,
    perform: (request) => perform(request, isRead),
    complete: (port, request, result) => complete(port, request, result, isRead),
  };
}

define(READ_VECTOR, vectorRules(IORING_OP_READV, IN, true));
define(WRITE_VECTOR, vectorRules(IORING_OP_WRITEV, OUT, false));

/** The contract's functions for transfers of many pages. */
export const scatter: ScatterSystem = {
  readFileScatter: (file, segments, byteLength, overlapped) =>
    start(READ_VECTOR, file, segments, byteLength, overlapped),
  writeFileGather: (file, segments, byteLength, overlapped) =>
    start(WRITE_VECTOR, file, segments, byteLength, overlapped),
};
