/**
 * Setting a port right after a thread has ended where no thread should: with
 * packets in its hands, or in the middle of a change under the lock.
 *
 * The queue itself is right after every single store (`fifo.ts`). What can be
 * wrong are the counts, which are made anew, a thread on its way from the stack to
 * its packet, and the request that was just being seen to (`journal.ts`). Under the
 * port's lock.
 *
 * @module
 */

import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { settleStatuses } from "./statuses.ts";
import { region } from "./region.ts";
import { replay } from "./replay.ts";

/**
 * Packets were handed or lent to a thread that has ended: those that its program
 * has not got are the oldest again. On a closed port they go nowhere.
 */
export function takeBack(port: Port, thread: number): void {
  const { words } = region();
  const lent = words[thread + layout.T_LENT];
  const room = layout.roomOf(thread);
  const given = lent === 0 ? 0 : words[room + layout.ROOM_GIVEN];
  const first = lent === 0 ? thread + layout.T_PACKET : room;
  // What is put back is forgotten first: should this thread end too, nothing is there twice.
  Atomics.store(words, thread + layout.T_STATE, layout.STATE_RUNNING);
  for (let index = Math.max(lent, 1) - 1; index >= given; index--) {
    words[thread + layout.T_LENT] = index;
    const at = first + index * layout.PACKET_WORDS;
    const packet = words.subarray(at, at + layout.PACKET_WORDS);
    if (port.isOpen()) port.queue.putBack(packet);
    else settleStatuses(packet, 1);
  }
  words[thread + layout.T_LENT] = 0;
}

/** The lock was inherited from a thread that has ended. */
export function repair(port: Port): void {
  const { words, threads } = region();
  const waiting = new Set(waiters(port));
  let active = 0;
  for (const place of threads.taken()) {
    const thread = layout.threadAt(place);
    if (!port.queue.isBound(thread)) continue;
    port.queue.settleLoan(thread);
    if (isAstray(port, thread, waiting)) sendOn(port, thread, waiting);
    if (words[thread + layout.T_COUNTED] === layout.COUNTED_YES) active++;
  }
  words[port.at + layout.P_ACTIVE] = active;
  words[port.at + layout.P_WAITING] = waiting.size;
  words[port.at + layout.P_WATCHER] = 0;
  replay(port);
  // It may have ended with the tail, too.
  port.queue.openTail(port.queue.closeTail());
  port.queue.release();
  port.revive();
}

/** The threads on the stack, newest first. */
function* waiters(port: Port): Generator<number> {
  const { words } = region();
  for (let place = words[port.at + layout.P_NEWEST]; place !== 0;) {
    const thread = layout.threadAt(place - 1);
    yield thread;
    place = words[thread + layout.T_OLDER];
  }
}

/** It believes that it waits, and is not on the stack. */
function isAstray(port: Port, thread: number, waiting: Set<number>): boolean {
  const state = region().words[thread + layout.T_STATE];
  return !waiting.has(thread) && port.queue.isBound(thread) &&
    (state === layout.STATE_PARKED || state === layout.STATE_IN_RING ||
      state === layout.STATE_WATCHING);
}

/** Its packet has left the queue for it: it is let go. Or not: it waits again. */
function sendOn(port: Port, thread: number, waiting: Set<number>): void {
  const { words } = region();
  const hasPacket = words[thread + layout.T_HANDING] !== 0 &&
    words[thread + layout.T_HANDING_HEAD] === words[port.at + layout.P_HEAD];
  words[thread + layout.T_HANDING] = 0;
  words[thread + layout.T_COUNTED] = hasPacket ? layout.COUNTED_YES : layout.COUNTED_NO;
  if (hasPacket) {
    const state = Atomics.exchange(words, thread + layout.T_STATE, layout.STATE_HANDED);
    port.queue.released.push({ thread, state });
  } else {
    words[thread + layout.T_OLDER] = words[port.at + layout.P_NEWEST];
    words[port.at + layout.P_NEWEST] = layout.placeOf(thread) + 1;
    waiting.add(thread);
  }
}
