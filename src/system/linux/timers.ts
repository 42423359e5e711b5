/**
 * The timers of the engine without io_uring: a timerfd each, which epoll waits for.
 *
 * @module
 */

import { libc, plain } from "../../ffi/libc.ts";
import * as errno from "./errno.ts";
import * as layout from "./layout.ts";
import { region } from "./region.ts";

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0x80000;

/** Sets the time after which a request's timer completes it with -ETIME; at least 1 ms. */
export function setTimer(request: number, milliseconds: number): void {
  const { words } = region();
  const at = layout.annexOf(request) + layout.X_TIMESPEC;
  const time = Math.max(Math.ceil(milliseconds), 1);
  words[at] = Math.floor(time / 1000);
  words[at + 1] = 0;
  words[at + 2] = time % 1000 * 1e6;
  words[at + 3] = 0;
}

/** Starts the request's timer. Returns its descriptor, or a negated errno. */
export function startTimer(request: number): number {
  const { words } = region();
  const annex = layout.annexOf(request);
  const fd = plain().timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (fd < 0) return -errno.errno();
  // struct itimerspec: an interval of nothing, then the time.
  const setting = new Uint8Array(new ArrayBuffer(32));
  const time = annex + layout.X_TIMESPEC;
  new Int32Array(setting.buffer).set(words.subarray(time, time + 4), 4);
  plain().timerfd_settime(fd, 0, setting, null);
  words[annex + layout.X_TIMER] = fd + 1;
  return fd;
}

/** Ends the request's timer, whether it has come to its end or not. */
export function endTimer(request: number): void {
  const { words } = region();
  const at = layout.annexOf(request) + layout.X_TIMER;
  if (words[at] === 0) return;
  libc().close(words[at] - 1);
  words[at] = 0;
}
