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
    const k = kernel32();
    return answer(k.GetCommState(handleWord(serial), dcb), k.GetLastError());
  },
  setCommState: (serial, dcb) => {
    const k = kernel32();
    return answer(k.SetCommState(handleWord(serial), dcb), k.GetLastError());
  },
  setCommTimeouts: (serial, timeouts) => {
    const k = kernel32();
    return answer(k.SetCommTimeouts(handleWord(serial), timeouts), k.GetLastError());
  },
  getCommMask(serial): Outcome {
    const mask = dword();
    const k = kernel32();
    return valueOf(answer(k.GetCommMask(handleWord(serial), mask), k.GetLastError()), mask);
  },
  setCommMask: (serial, mask) => {
    const k = kernel32();
    return answer(k.SetCommMask(handleWord(serial), mask), k.GetLastError());
  },
  waitCommEvent: (serial, mask, overlapped) => {
    const k = kernel32();
    return started(
      k.WaitCommEvent(handleWord(serial), word(mask), word(overlapped)),
      k.GetLastError(),
    );
  },
  escapeCommFunction: (serial, action) => {
    const k = kernel32();
    return answer(k.EscapeCommFunction(handleWord(serial), action), k.GetLastError());
  },
  purgeComm: (serial, flags) => {
    const k = kernel32();
    return answer(k.PurgeComm(handleWord(serial), flags), k.GetLastError());
  },
  getCommModemStatus(serial): Outcome {
    const status = dword();
    const k = kernel32();
    return valueOf(
      answer(k.GetCommModemStatus(handleWord(serial), status), k.GetLastError()),
      status,
    );
  },
};
