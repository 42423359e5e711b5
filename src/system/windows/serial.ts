/**
 * Serial lines on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import * as code from "../codes.ts";
import { DCB_BYTES, DCB_LENGTH } from "../comm.ts";
import type { Outcome, SerialSystem } from "../contract.ts";
import { files } from "./files.ts";
import { answer, failure, handleWord, started, success } from "./last-error.ts";

function dword(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(4));
}

function valueOf(error: number, bytes: Uint8Array<ArrayBuffer>): Outcome {
  return error !== 0 ? failure(error) : success(new DataView(bytes.buffer).getUint32(0, true));
}

/** The contract's functions for serial lines. */
export const serial: SerialSystem = {
  openCommPort(path: string): Outcome {
    // COM10 and above have no other name than this one.
    const name = /^COM\d+$/i.test(path) ? `\\\\.\\${path}` : path;
    const access = code.GENERIC_READ | code.GENERIC_WRITE;
    const opened = files.createFile(
      name,
      access,
      0,
      code.OPEN_EXISTING,
      code.FILE_FLAG_OVERLAPPED,
      0,
    );
    if (opened.code !== 0) return opened;
    const error = serial.getCommState(opened.value, new Uint8Array(new ArrayBuffer(DCB_BYTES)));
    if (error === 0) return opened;
    kernel32().CloseHandle(handleWord(opened.value));
    return failure(error);
  },
  getCommState(serial, dcb): number {
    new DataView(dcb.buffer, dcb.byteOffset).setUint32(DCB_LENGTH, DCB_BYTES, true);
    return answer(kernel32().GetCommState(handleWord(serial), dcb));
  },
  setCommState: (serial, dcb) => answer(kernel32().SetCommState(handleWord(serial), dcb)),
  setCommTimeouts: (serial, timeouts) =>
    answer(kernel32().SetCommTimeouts(handleWord(serial), timeouts)),
  getCommMask(serial): Outcome {
    const mask = dword();
    return valueOf(answer(kernel32().GetCommMask(handleWord(serial), mask)), mask);
  },
  setCommMask: (serial, mask) => answer(kernel32().SetCommMask(handleWord(serial), mask)),
  waitCommEvent: (serial, mask, overlapped) =>
    started(kernel32().WaitCommEvent(handleWord(serial), word(mask), word(overlapped))),
  escapeCommFunction: (serial, action) =>
    answer(kernel32().EscapeCommFunction(handleWord(serial), action)),
  purgeComm: (serial, flags) => answer(kernel32().PurgeComm(handleWord(serial), flags)),
  getCommModemStatus(serial): Outcome {
    const status = dword();
    return valueOf(answer(kernel32().GetCommModemStatus(handleWord(serial), status)), status);
  },
};
