/**
 * Byte-range locks: LockFileEx and UnlockFileEx.
 *
 * A lock that must wait is a parked request. It is served when a lock of this
 * process is given back; while one of another process is in its way, which says
 * nothing when it goes, a timer looks again: one a file, less and less often.
 * No thread waits for any of them.
 *
 * The guard of the table is taken under a port's lock, never the other way
 * round. Whose turn has come is written down under the guard, and told on its
 * own port, whose lock is then taken, by `tell`.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { wordIndex, wordsAround } from "../../ffi/memory.ts";
import * as code from "../codes.ts";
import type { LockSystem } from "../contract.ts";
import { statusOfError } from "../status.ts";
import * as errno from "./errno.ts";
import { findHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import * as table from "./lock-table.ts";
import { guarded } from "./lock-table.ts";
import type { Range } from "./ranges.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { failRequest, finishRequest, goOn, mustEnd, park, unpark } from "./requests.ts";
import { define, LOCK, TIMER } from "./rules.ts";
import { READABLE, startOn, WRITABLE } from "./start.ts";
import { self } from "./threads.ts";
import { endTimer, setTimer } from "./timers.ts";

/** Milliseconds between two looks at what another process holds: from the first to the last. */
const FIRST_LOOK_MS = 1;
const LAST_LOOK_MS = 50;
/** How many times as long as a look the time between two is at least: for thousands that wait. */
const LOOK_SHARE = 40;

const EVERYTHING: Range = { offset: -1, length: Infinity, isExclusive: true };

/** A request to be told that its turn has come, or to look for the others: its life, its port. */
interface Call {
  readonly request: number;
  readonly life: number;
  readonly port: number;
}

function callOf(request: number): Call {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  return {
    request,
    life: words[request + layout.R_GENERATION],
    port: words[handle + layout.H_PORT] - 1,
  };
}

/** Serves those that wait for `range`. Under the guard; `tell` the calls without any lock. */
function serve(file: number, range: Range): Call[] {
  const { served, kept } = table.serve(file, range);
  const needsProber = kept !== 0 && region().words[file + layout.F_PROBER] === 0;
  return [...served, ...needsProber ? [kept] : []].map(callOf);
}

/** The request waits no longer: those behind it may go on. Under its port's lock. */
function leave(port: Port, request: number): void {
  const { words } = region();
  const handle = words[request + layout.R_HANDLE];
  const calls = guarded(() => {
    const file = words[layout.annexOf(request) + layout.W_FILE];
    const isProber = words[file + layout.F_PROBER] === request;
    const range = isProber ? EVERYTHING : table.waitingRange(request);
    if (!table.dequeue(request)) return [];
    const calls = serve(file, range);
    table.forgetLockedFile(handle, file);
    return calls;
  });
  if (calls.length > 0) port.later(() => tell(calls));
}

/** Without any lock: what has changed for these requests is done on their own ports. */
function tell(calls: readonly Call[]): void {
  const { words } = region();
  for (const { request, life, port: place } of calls) {
    const port = portAt(place);
    port.lock(self());
    // It keeps its port; if it is not what it was, somebody else has told it.
    if (words[request + layout.R_GENERATION] === life) {
      const annex = layout.annexOf(request);
      if (words[annex + layout.W_TURN] === layout.TURN_CAME) end(port, request);
      else if (words[request + layout.R_STATE] === layout.REQUEST_PARKED) probe(port, request);
    }
    port.queue.release();
    port.unlock();
  }
}

/** The request's turn has come: its packet is queued. Under the port's lock. */
function end(port: Port, request: number): void {
  const reason = region().words[layout.annexOf(request) + layout.W_ERRNO];
  leave(port, request);
  endTimer(request);
  if (reason === 0) finishRequest(port, request, 0, 0, 0);
  else failRequest(port, request, reason);
}

/** The parked request has a timer from now on, if no other of its file has. */
function probe(port: Port, request: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  const isProber = guarded(() => {
    const file = words[annex + layout.W_FILE];
    if (words[annex + layout.W_TURN] !== layout.TURN_WAITS) return false;
    if (words[file + layout.F_PROBER] !== 0) return false;
    words[file + layout.F_PROBER] = request;
    return true;
  });
  if (!isProber) return;
  unpark(request);
  words[annex + layout.W_DELAY] = FIRST_LOOK_MS;
  setTimer(request, FIRST_LOOK_MS);
  goOn(port, request);
}

/** The prober's time is over: whoever may have its lock by now gets it. Under the port's lock. */
function look(port: Port, request: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  let mustGoOn = false;
  const begin = performance.now();
  const calls = guarded(() => {
    const file = words[annex + layout.W_FILE];
    const { served, kept } = table.serve(file, EVERYTHING);
    mustGoOn = kept !== 0 && words[annex + layout.W_TURN] === layout.TURN_WAITS;
    // If it goes itself while others are kept, `leave` finds another one.
    if (!mustGoOn && kept === 0) words[file + layout.F_PROBER] = 0;
    return served.map(callOf);
  });
  if (calls.length > 0) port.later(() => tell(calls));
  if (!mustGoOn) return park(request);
  const delay = Math.min(words[annex + layout.W_DELAY] * 2, LAST_LOOK_MS);
  words[annex + layout.W_DELAY] = delay;
  setTimer(request, Math.max(delay, (performance.now() - begin) * LOOK_SHARE));
  goOn(port, request);
}

/** The request has been asked to end, and no engine has it. Under the port's lock. */
function abort(port: Port, request: number): void {
  const annex = layout.annexOf(request);
  // It was asked too late.
  if (region().words[annex + layout.W_TURN] === layout.TURN_CAME) return end(port, request);
  leave(port, request);
  failRequest(port, request, errno.ECANCELED);
}

define(LOCK, {
  opcode: TIMER,
  events: 0,
  perform: () => -errno.EINVAL,
  complete(port, request, result) {
    const turn = region().words[layout.annexOf(request) + layout.W_TURN];
    const isTime = result === -errno.ETIME && turn === layout.TURN_WAITS;
    if (isTime && !mustEnd(request)) look(port, request);
    else abort(port, request);
  },
  cancel: abort,
});

/** Which file the handle is of, for the table; 0 or an errno. Under the port's lock. */
function identify(handle: number): number {
  const { words } = region();
  const identity = handle + layout.H_OWN;
  // No inode has the number 0.
  if ((words[identity + 2] | words[identity + 3]) !== 0) return 0;
  const status = new Uint8Array(new ArrayBuffer(256));
  const [AT_EMPTY_PATH, STATX_INO] = [0x1000, 0x100];
  const fd = words[handle + layout.H_FD];
  if (libc().statx(fd, errno.cString(""), AT_EMPTY_PATH, STATX_INO, status) !== 0) {
    return errno.errno();
  }
  // struct statx: stx_ino at byte 32, stx_dev_major and _minor at 136.
  const fields = new Int32Array(status.buffer);
  words[identity] = fields[34];
  words[identity + 1] = fields[35];
  words[identity + 3] = fields[9];
  words[identity + 2] = fields[8];
  return 0;
}

/** Gets the lock, fails, or waits: what there is to do under the guard. */
function ask(request: number, handle: number, range: Range, mustWait: boolean): number {
  const file = table.needLockedFile(handle);
  if (file < 0) return errno.ENOBUFS;
  const isBehind = mustWait && table.isBehindOthers(file, range);
  const answer = isBehind ? table.HELD_HERE : table.grant(file, handle, range);
  const isKept = answer === table.HELD_HERE || answer === table.HELD_ELSEWHERE;
  if (isKept && mustWait) table.enqueue(file, request, range);
  else if (answer !== table.GRANTED) table.forgetLockedFile(handle, file);
  return answer;
}

function prepare(port: Port, request: number, handle: number, range: Range, flags: number): void {
  const mustWait = (flags & code.LOCKFILE_FAIL_IMMEDIATELY) === 0;
  const { words } = region();
  words[layout.annexOf(request) + layout.W_TURN] = layout.TURN_NONE;
  const unknown = identify(handle);
  if (unknown !== 0) return failRequest(port, request, unknown);
  const answer = guarded(() => ask(request, handle, range, mustWait));
  if (answer === table.GRANTED) return finishRequest(port, request, 0, 0, 0);
  if (answer > 0) return failRequest(port, request, answer);
  if (!mustWait) {
    const status = statusOfError(code.ERROR_LOCK_VIOLATION);
    return finishRequest(port, request, status, 0, errno.EAGAIN);
  }
  park(request);
  if (answer === table.HELD_ELSEWHERE) probe(port, request);
}

/**
 * The handle is being closed, under its port's lock: what it holds is given back,
 * and what still waits on it is served no more.
 */
export function closeLocks(handle: number, port: Port | null): void {
  const { words } = region();
  const identity = handle + layout.H_OWN;
  if (port === null || (words[identity + 2] | words[identity + 3]) === 0) return;
  const calls = guarded(() => {
    const file = table.findLockedFile(handle);
    if (file < 0) return [];
    for (const request of table.waiting(file)) {
      if (words[request + layout.R_HANDLE] === handle) table.dequeue(request);
    }
    table.releaseAll(file, handle);
    const calls = serve(file, EVERYTHING);
    table.forgetLockedFile(handle, file);
    return calls;
  });
  if (calls.length > 0) port.later(() => tell(calls));
}

/** The contract's functions for locks. */
export const locks: LockSystem = {
  lockFileEx(file: number, flags: number, byteLength: number, overlapped: number): number {
    const isExclusive = (flags & code.LOCKFILE_EXCLUSIVE_LOCK) !== 0;
    const right = isExclusive ? WRITABLE : READABLE;
    return startOn(file, layout.KIND_FILE, right, LOCK, overlapped, (port, request, handle) => {
      const fields = wordsAround(overlapped);
      const at = wordIndex(overlapped);
      const offset = fields[at + 4] + fields[at + 5] * 0x100000000;
      prepare(port, request, handle, { offset, length: byteLength, isExclusive }, flags);
    });
  },

  unlockFileEx(file: number, offset: number, byteLength: number): number {
    const { words } = region();
    const handle = findHandle(file);
    if (handle < 0 || words[handle + layout.H_KIND] === layout.KIND_PORT) {
      return code.ERROR_INVALID_HANDLE;
    }
    const calls = guarded(() => {
      // Closed meanwhile, and the place given to another handle: it holds what it holds.
      if (findHandle(file) !== handle) return null;
      const isFile = words[handle + layout.H_KIND] === layout.KIND_FILE;
      const known = isFile ? table.findLockedFile(handle) : -1;
      if (known < 0 || !table.release(known, handle, offset, byteLength)) return null;
      const calls = serve(known, { offset, length: byteLength, isExclusive: true });
      table.forgetLockedFile(handle, known);
      return calls;
    });
    if (calls === null) return code.ERROR_NOT_LOCKED;
    tell(calls);
    return 0;
  },
};
