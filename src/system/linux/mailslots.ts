/**
 * Mail slots on Linux: there are none, and nothing that is like them. A socket of
 * datagrams in a folder would have another name, other rights and no peers on Windows.
 *
 * @module
 */

import { ERROR_NOT_SUPPORTED } from "../codes.ts";
import type { MailslotSystem } from "../contract.ts";
import { refusal } from "./errno.ts";

/** The contract's functions for mail slots. */
export const mailslots: MailslotSystem = {
  createMailslot: (_name, _maxMessageBytes, _readTimeoutMs) => refusal(ERROR_NOT_SUPPORTED),
};
