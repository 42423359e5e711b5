/**
 * ioctl(2), by number.
 *
 * @module
 */

import { deviceCalls, ioctlValue } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import { errorOfErrno } from "../status.ts";
import type { Call, Result } from "./controls.ts";
import * as errno from "./errno.ts";

/** The most that an ioctl's number can say its argument is long, and one byte more. */
const ARGUMENT_BYTES = 1 << 14;

/** The result of a call that has set errno. */
export function failed(reason: number = errno.errno()): Result {
  return { code: errorOfErrno(reason), bytes: 0, errno: reason };
}

/**
 * Makes an ioctl. Its argument is the input, or the output, or both at once. The
 * kernel is lent a copy with room behind it, so that an ioctl whose argument is
 * longer than the caller's buffer writes into nobody's memory. The count is what
 * ioctl has returned.
 */
export function ioctl(number: number, call: Call): Result {
  const { fd, input, inputLength, output, outputLength } = call;
  if (number > 0xffffffff) return { code: code.ERROR_INVALID_FUNCTION, bytes: 0, errno: 0 };
  const request = word(number);
  let answer: number;
  if (inputLength === 0 && outputLength === 0) {
    do answer = ioctlValue().ioctl(fd, request, word(input)); while (isInterrupted(answer));
  } else {
    const length = Math.max(inputLength, outputLength);
    const argument = new Uint8Array(new ArrayBuffer(length + ARGUMENT_BYTES));
    if (inputLength > 0) argument.set(new Uint8Array(view(input, inputLength)));
    else argument.set(new Uint8Array(view(output, outputLength)));
    do answer = deviceCalls().ioctl(fd, request, argument); while (isInterrupted(answer));
    if (answer >= 0 && outputLength > 0) {
      new Uint8Array(view(output, outputLength)).set(argument.subarray(0, outputLength));
    }
  }
  return answer < 0 ? failed() : { code: 0, bytes: answer, errno: 0 };
}

function isInterrupted(answer: number): boolean {
  return answer < 0 && errno.errno() === errno.EINTR;
}
