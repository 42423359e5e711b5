/**
 * Control codes on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { ERROR_INVALID_FUNCTION } from "../codes.ts";
import type { DeviceSystem } from "../contract.ts";
import { IOCTL_BASE } from "../controls.ts";
import { handleWord, started } from "./last-error.ts";

const NOTHING = word(0);

/** The contract's functions for devices. */
export const devices: DeviceSystem = {
  deviceIoControl(device, control, input, inputLength, output, outputLength, overlapped): number {
    // An ioctl of Linux: no code that a device here could know.
    if (control >= IOCTL_BASE) return ERROR_INVALID_FUNCTION;
    const k = kernel32();
    return started(
      k.DeviceIoControl(
        handleWord(device),
        control,
        word(input),
        inputLength,
        word(output),
        outputLength,
        NOTHING,
        word(overlapped),
      ),
      k.GetLastError(),
    );
  },
};
