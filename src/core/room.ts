/**
 * Where the packets that a thread takes are put.
 *
 * @module
 */

import { CompletionEntries, system } from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import { MAX_BATCH } from "./limits.ts";

/** Native memory of this thread's own, which is never given back. */
let entries: CompletionEntries | undefined;

/** Room for `MAX_BATCH` packets, for one take of the calling thread at a time. */
export function entriesOfThread(): CompletionEntries {
  return entries ??= open();
}

function open(): CompletionEntries {
  const { code, value, errno } = system.virtualAlloc(MAX_BATCH * 32);
  if (code !== 0) throw new Win32Error(code, "VirtualAlloc", { errno });
  return new CompletionEntries(value, MAX_BATCH);
}
