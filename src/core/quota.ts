/**
 * The limit of posted packets that a port may have been given for itself.
 *
 * Only packets that are posted are counted: those of operations always have room
 * (promise 1). The count is of what was posted and not taken, not of what is
 * queued, so that it means the same on both systems and is exact in all threads.
 *
 * @module
 */

import {
  type CompletionEntries,
  ERROR_INVALID_HANDLE,
  ERROR_NO_SYSTEM_RESOURCES,
} from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import { ledger, P_MAX_QUEUED, P_UNTAKEN } from "./ledger.ts";
import { MAX_QUEUED } from "./limits.ts";
import { placeOf } from "./operation.ts";
import { COUNTS } from "./port-life.ts";
import { reserve } from "./references.ts";

/** In place of the system's answer: it was not asked, because the port's own limit is reached. */
export const FULL = -1;

/** Room for a packet to post on a port that has a limit; false if there is none. */
export function reservePost(port: number): boolean {
  const { words } = ledger();
  return reserve(words, port + P_UNTAKEN, words[port + P_MAX_QUEUED]);
}

/** The error of a post for which there was no room (`FULL`) or which the system has refused. */
export function postRefused(port: number, code: number): Win32Error {
  const { words } = ledger();
  const call = "PostQueuedCompletionStatus";
  const limit = words[port + P_MAX_QUEUED];
  if (code === FULL) {
    const reason = `the port's maxQueued of ${limit} posted packets is reached`;
    return new Win32Error(ERROR_NO_SYSTEM_RESOURCES, call, { reason });
  }
  // Of a closed port nobody counts any more: its place may be another's already.
  if (limit !== 0 && code !== ERROR_INVALID_HANDLE) Atomics.sub(words, port + P_UNTAKEN, 1);
  const isOurs = code === ERROR_NO_SYSTEM_RESOURCES && COUNTS;
  const reason = `the port holds ${MAX_QUEUED} packets, queued and in flight together`;
  return new Win32Error(code, call, { reason: isOurs ? reason : undefined });
}

/** The posted packets among the first `count` entries have been taken: their room is free again. */
export function freePosted(port: number, entries: CompletionEntries, count: number): void {
  let posted = 0;
  for (let i = 0; i < count; i++) {
    const overlapped = entries.overlapped(i);
    if (overlapped === 0 || placeOf(overlapped) < 0) posted++;
  }
  if (posted > 0) Atomics.sub(ledger().words, port + P_UNTAKEN, posted);
}
