/**
 * Where the packets that a thread takes are put.
 *
 * @module
 */

import { CompletionEntries, system } from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import * as ledgers from "./ledger.ts";
import { ledger, T_ROOM } from "./ledger.ts";
import { MAX_BATCH } from "./limits.ts";
import { self } from "./threads.ts";

/** The room of this thread, which goes with it. */
let entries: CompletionEntries | undefined;

/** Room for `MAX_BATCH` packets, for one take of the calling thread at a time. */
export function entriesOfThread(): CompletionEntries {
  return entries ??= open();
}

function open(): CompletionEntries {
  const { code, value, errno } = system.openEntries(MAX_BATCH);
  if (code !== 0) throw new Win32Error(code, "VirtualAlloc", { errno });
  ledgers.writeNumber(ledger().words, self() + T_ROOM, value);
  return new CompletionEntries(value, MAX_BATCH, true);
}
