/**
 * The beginning and the end of a port in the ledger.
 *
 * @module
 */

import { processors } from "../ffi/runtime.ts";
import {
  type CompletionEntries,
  ERROR_ABANDONED_WAIT_0,
  ERROR_INVALID_HANDLE,
  INVALID_HANDLE_VALUE,
  type PortState,
  system,
} from "../system/system.ts";
import {
  endLastCall,
  isCloser,
  isLeftOpen,
  isMarkedClosed,
  markClosed,
  markGone,
  markOpen,
} from "./calls.ts";
import { Win32Error } from "./errors.ts";
import { dropHandle, dropPort, type Handle } from "./handle.ts";
import * as ledgers from "./ledger.ts";
import {
  H_KEY,
  H_PORT,
  ledger,
  P_CALLS,
  P_CONCURRENCY,
  P_MAX_IN_FLIGHT,
  P_MAX_QUEUED,
  P_POOL,
  P_POSTED,
  P_REFERENCES,
  P_SYSTEM,
  P_TAKEN,
  P_UNTAKEN,
  T_TAKING,
} from "./ledger.ts";
import type { CheckedOptions } from "./port-options.ts";
import { discard, discardQueued, recover } from "./recovery.ts";
import { readyPlaces } from "./places.ts";
import { lookAtSpares } from "./spares.ts";
import { buryEnded, isTaken, self } from "./threads.ts";
import { addReference } from "./references.ts";

/** Whether the system counts posts and takes itself, under a lock it holds anyway. */
export const COUNTS: boolean = system.countsPackets;

/** The state of a port that nobody has asked. */
export function emptyState(): PortState {
  return { queued: 0, active: null, waiting: null, posted: null, taken: null };
}

/** Makes a port and returns its place. */
export function createPort(options: CheckedOptions): number {
  const { words, ports } = ledger();
  // A port is a good moment to look after what ended threads have kept for themselves.
  buryEnded();
  recover();
  closeLeft();
  const place = ports.acquire();
  let value: number;
  try {
    value = createSystemPort(options);
  } catch (error) {
    ports.release(place);
    throw error;
  }
  const { concurrency } = options;
  ledgers.writeNumber(words, place + P_SYSTEM, value);
  ledgers.writeNumber(words, place + P_POSTED, 0);
  ledgers.writeNumber(words, place + P_TAKEN, 0);
  words[place + P_CONCURRENCY] = concurrency || processors;
  words[place + P_MAX_IN_FLIGHT] = options.maxInFlight;
  words[place + P_MAX_QUEUED] = options.maxQueued;
  words[place + P_UNTAKEN] = 0;
  words[place + P_POOL] = 0;
  markOpen(words, place + P_CALLS);
  Atomics.store(words, place + P_REFERENCES, 1);
  return place;
}

function createSystemPort(options: CheckedOptions): number {
  const call = "CreateIoCompletionPort";
  const { concurrency, engine, submissions, completions } = options;
  const made = system.createIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, concurrency);
  if (made.code !== 0) throw new Win32Error(made.code, call, { errno: made.errno });
  if (engine === "" && submissions === 0 && completions === 0) return made.value;
  const chosen = system.setEngine(made.value, engine, submissions, completions);
  if (chosen.code === 0) return made.value;
  system.closeHandle(made.value);
  const { errno, reason } = chosen;
  throw new Win32Error(chosen.code, call, { subject: `a port on ${engine}`, errno, reason });
}

/**
 * From here to `endTaking` nobody recovers operations of the port at `place`: their
 * packets may be in this thread's hands. Where a handle's number may come again,
 * the port is not closed to the system either; a thread on its way into a wait
 * would else wait on, and take from, whatever gets the number next. Both hold only
 * if the port is still open when that is asked after this.
 */
export function beginTaking(words: Int32Array<ArrayBuffer>, place: number): void {
  const thread = self();
  lookAtSpares(words, thread);
  // Not a plain store: whether the port is closed must be read after it.
  Atomics.exchange(words, thread + T_TAKING, place);
  readyPlaces(words, thread);
}

/** See `beginTaking`. */
export function endTaking(words: Int32Array<ArrayBuffer>, place: number): void {
  const thread = self();
  Atomics.store(words, thread + T_TAKING, 0);
  readyPlaces(words, thread);
  if (system.reusesHandles) closeIfLeft(words, place);
}

/** Ends a call on the port at `place`. */
export function leavePort(words: Int32Array<ArrayBuffer>, place: number): void {
  if (endLastCall(words, place + P_CALLS)) closeIfLeft(words, place);
}

/** Closes the port at `place` for all threads. The caller is in a call on it, and has found it open. */
export function closePort(words: Int32Array<ArrayBuffer>, place: number): void {
  if (markClosed(words, place + P_CALLS)) closeSystemPort(place);
  else if (system.reusesHandles && isTaken(place)) wakeTaker(words, place);
}

/**
 * What a take comes to that has answered `code`, from a port closed meanwhile that
 * is still open to the system. It may have been woken for that: then it wakes the
 * next one, so that all go however many packets each takes.
 */
export function abandonTake(
  words: Int32Array<ArrayBuffer>,
  place: number,
  room: CompletionEntries,
  code: number,
): number {
  wakeTaker(words, place);
  if (code !== 0) return code;
  discard(room);
  return ERROR_ABANDONED_WAIT_0;
}

/** Any packet will do: whoever takes it finds the port closed. */
function wakeTaker(words: Int32Array<ArrayBuffer>, place: number): void {
  system.postQueuedCompletionStatus(ledgers.readNumber(words, place + P_SYSTEM), 0, 0, 0);
}

/** Closes a port that is marked closed to the system, once nobody is in a call on it or takes from it. */
function closeIfLeft(words: Int32Array<ArrayBuffer>, place: number): void {
  const at = place + P_CALLS;
  if (!isMarkedClosed(words, at) || isTaken(place) || !isCloser(words, at)) return;
  closeSystemPort(place);
}

/** The ports that were left so by threads which have ended in the middle of a take. */
function closeLeft(): void {
  if (!system.reusesHandles) return;
  const { words, ports } = ledger();
  const left = [...ports.taken()].filter((place) => isLeftOpen(words, place + P_CALLS));
  if (left.length === 0) return;
  buryEnded();
  for (const place of left) closeIfLeft(words, place);
}

/** Closes the port at `place`, which this thread has marked closed. */
export function closeSystemPort(place: number): void {
  const { words } = ledger();
  const handle = ledgers.readNumber(words, place + P_SYSTEM);
  const state = emptyState();
  if (COUNTS && system.queryIoCompletion(handle, state) === 0) {
    ledgers.writeNumber(words, place + P_POSTED, state.posted ?? 0);
    ledgers.writeNumber(words, place + P_TAKEN, state.taken ?? 0);
  }
  if (!COUNTS) discardQueued(handle);
  system.closeHandle(handle);
  markGone(words, place + P_CALLS);
  recover();
  dropPort(place);
}

/**
 * Associates the open `handle`, which is `file` to the system, with the port at
 * `place`. The reference to the port that is taken here is the handle's.
 */
export function associateHandle(place: number, handle: Handle, file: number, key: number): void {
  const { words } = ledger();
  const call = "CreateIoCompletionPort";
  if (!addReference(words, place + P_REFERENCES)) {
    throw new Win32Error(ERROR_INVALID_HANDLE, call, { reason: "the port is closed" });
  }
  if (!handle.keep()) {
    dropPort(place);
    throw handle.failure(ERROR_INVALID_HANDLE, call);
  }
  const port = ledgers.readNumber(words, place + P_SYSTEM);
  const { code, errno } = system.createIoCompletionPort(file, port, key, 0);
  if (code === 0) {
    ledgers.writeNumber(words, handle.place + H_KEY, key);
    Atomics.store(words, handle.place + H_PORT, place);
  } else {
    dropPort(place);
  }
  const reason = code === 0 || words[handle.place + H_PORT] === 0
    ? undefined
    : "it is associated with a port already";
  dropHandle(handle.place);
  if (code !== 0) throw handle.failure(code, call, errno, reason);
}
