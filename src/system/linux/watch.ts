/**
 * Looking after running threads while packets wait for them (promise 4).
 *
 * The kernel of Windows knows when a thread of a port blocks and lets another
 * run. Here the oldest waiter looks, every few milliseconds and only while
 * packets are queued that no thread may take: at the scheduler's state of the
 * threads that count as running (proc(5), `/proc/self/task/TID/stat`). One that
 * sleeps twice in a row stops counting; one that runs again counts again.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { cString } from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { buryDead } from "./threads.ts";

/** Milliseconds between two looks. Two of them see a blocked thread within 10 ms. */
export const WATCH_MS = 4;

/** Looks in a row that must find a thread asleep: one may hit it at a lock of the runtime. */
const ASLEEP_LOOKS = 2;

/** One look by the calling thread, the watcher of `port`; without the lock. */
export function watch(port: Port, me: number): void {
  buryDead();
  const { words, threads } = region();
  const seen: { thread: number; tid: number; isAsleep: boolean }[] = [];
  for (const place of threads.taken()) {
    const thread = layout.threadAt(place);
    const counted = words[thread + layout.T_COUNTED];
    if (counted !== layout.COUNTED_YES && counted !== layout.COUNTED_ASLEEP) continue;
    if (!port.queue.isBound(thread)) continue;
    const tid = words[thread + layout.T_TID];
    seen.push({ thread, tid, isAsleep: isAsleep(tid) });
  }
  port.lock(me);
  for (const { thread, tid, isAsleep } of seen) {
    if (words[thread + layout.T_TID] === tid) judge(port, thread, isAsleep);
  }
  port.queue.release();
  port.queue.dismissIfIdle(me);
  port.unlock();
}

function judge(port: Port, thread: number, isAsleep: boolean): void {
  const { words } = region();
  // It was looked at without the lock, and may be counted at another port by now.
  if (!port.queue.isBound(thread)) return;
  if (!isAsleep) {
    words[thread + layout.T_ASLEEP] = 0;
    port.queue.resume(thread, layout.COUNTED_ASLEEP);
  } else if (++words[thread + layout.T_ASLEEP] >= ASLEEP_LOOKS) {
    port.queue.suspend(thread, layout.COUNTED_ASLEEP);
  }
}

const bytes = new Uint8Array(new ArrayBuffer(512));

/** Whether the scheduler has the thread asleep; a thread that has ended is not. */
function isAsleep(tid: number): boolean {
  const { open, read, close } = libc();
  const O_CLOEXEC = 0x80000;
  const file = open(cString(`/proc/self/task/${tid}/stat`), O_CLOEXEC, 0);
  if (file < 0) return false;
  const count = Number(read(file, bytes, word(bytes.length)));
  close(file);
  // The state follows the name, which stands in parentheses and may have any in it.
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(count, 0)));
  const state = text[text.lastIndexOf(")") + 2];
  return state === "S" || state === "D" || state === "T" || state === "t";
}
