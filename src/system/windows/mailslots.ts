/**
 * Mail slots on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import type { MailslotSystem, Outcome } from "../contract.ts";
import { failure, success, wideString } from "./last-error.ts";

const INVALID_HANDLE = 0xFFFFFFFFFFFFFFFFn;
const MAILSLOT_WAIT_FOREVER = 0xFFFFFFFF;

/** The contract's functions for mail slots. */
export const mailslots: MailslotSystem = {
  createMailslot(name, maxMessageBytes, readTimeoutMs): Outcome {
    const k = kernel32();
    const timeout = readTimeoutMs === Infinity ? MAILSLOT_WAIT_FOREVER : readTimeoutMs;
    const slot = k.CreateMailslotW(wideString(name), maxMessageBytes, timeout, word(0));
    const error = k.GetLastError();
    return BigInt(slot) === INVALID_HANDLE ? failure(error) : success(Number(slot));
  },
};
