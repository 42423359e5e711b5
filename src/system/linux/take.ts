/**
 * Taking packets from a port, and where threads wait for them.
 *
 * @module
 */

import * as code from "../codes.ts";
import type { Outcome } from "../contract.ts";
import type { CompletionEntries } from "../entries.ts";
import { success } from "./errno.ts";
import { isLast, lockPort } from "./found.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { sleep } from "./park.ts";
import type { Port } from "./port.ts";
import { settleStatuses } from "./statuses.ts";
import { ABANDONED, MUST_SLEEP, TIMED_OUT } from "./queue.ts";
import { region } from "./region.ts";
import { submitKept } from "./submission.ts";
import { buryDead, leavePort, self } from "./threads.ts";
import { watch, WATCH_MS } from "./watch.ts";

/** Takes packets, or waits for some; see the contract. */
export function getQueuedCompletionStatusEx(
  handle: number,
  entries: CompletionEntries,
  count: number,
  timeoutMs: number,
): number {
  // Case 41: what 0 does is not documented anywhere.
  if (count < 1 || count > entries.capacity) return code.ERROR_INVALID_PARAMETER;
  if (timeoutMs > 0) submitKept();
  const me = self();
  beginLoan(me, entries);
  leaveOther(me, handle);
  const port = lockPort(handle);
  if (port === null) return code.ERROR_INVALID_HANDLE;
  if (timeoutMs > 0 || port.queue.queued() !== 0) port.reap();
  else port.reapForLook();
  let taken = port.queue.step(me, entries.words, count, timeoutMs <= 0);
  if (taken === MUST_SLEEP) taken = wait(port, me, entries, count, timeoutMs);
  port.queue.release();
  port.unlock();
  if (taken === TIMED_OUT) return code.WAIT_TIMEOUT;
  if (taken === ABANDONED) return code.ERROR_ABANDONED_WAIT_0;
  settleStatuses(entries.words, taken);
  entries.removed = taken;
  return 0;
}

/**
 * The program has got everything that was lent before. What it takes now it gets
 * one by one, if it takes into its room; elsewhere, at once.
 */
function beginLoan(me: number, entries: CompletionEntries): void {
  const { words, address } = region();
  const room = layout.roomOf(me);
  words[me + layout.T_LENT] = 0;
  words[room + layout.ROOM_GIVEN] = entries.address === address + room * 4 ? 0 : 0x7fffffff;
}

/** The calling thread's room; see the contract. */
export function openEntries(_capacity: number): Outcome {
  const { address } = region();
  return success(address + layout.roomOf(self()) * 4);
}

/**
 * Sleeps until there are packets, the time is over or the port is closed; called
 * and left with the lock held. Returns what the last step has answered.
 */
function wait(
  port: Port,
  me: number,
  entries: CompletionEntries,
  count: number,
  timeoutMs: number,
): number {
  const { words } = region();
  const queue = port.queue;
  const deadline = performance.now() + timeoutMs;
  port.addReference();
  words[me + layout.T_HOLDS] = 1;
  if (port.hasEngine()) queue.sendToRing();
  // Beside packets that it may not take, it may be the one to watch those who may.
  queue.release();
  let mustBury = true;
  let isLate = false;
  let state: number = layout.STATE_PARKED;
  for (;;) {
    const answer = queue.step(me, entries.words, count, isLate);
    if (answer !== MUST_SLEEP) {
      port.dropReferenceLater(me + layout.T_HOLDS);
      if (state === layout.STATE_IN_RING) port.promote();
      return answer;
    }
    state = words[me + layout.T_STATE];
    if (state === layout.STATE_IN_RING) words[me + layout.T_IN_RING] = 1;
    const isWatcher = queue.isWatcher(me);
    port.unlock();
    if (mustBury) buryDead();
    mustBury = false;
    const left = Math.max(deadline - performance.now(), 0);
    const time = isWatcher ? Math.min(left, WATCH_MS) : left;
    if (state === layout.STATE_IN_RING) port.engine().wait(me, time);
    else sleep(me, state, time);
    if (isWatcher) watch(port, me);
    port.lock(me);
    if (state === layout.STATE_IN_RING) {
      port.isBackFromRing(me);
      port.reap();
      queue.release();
    }
    isLate = performance.now() >= deadline;
  }
}

/** A thread belongs to one port: before it takes from another, it leaves the first (51). */
function leaveOther(me: number, handle: number): void {
  const { words } = region();
  const bound = words[me + layout.T_PORT];
  if (bound === 0 || isLast(handle, bound - 1)) return;
  const at = findHandle(handle);
  if (at < 0 || words[at + layout.H_KIND] !== layout.KIND_PORT) return;
  if (words[at + layout.H_FD] !== bound) leavePort(bound - 1);
}
