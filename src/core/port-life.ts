/**
 * The beginning and the end of a port in the ledger.
 *
 * @module
 */

import { processors } from "../ffi/runtime.ts";
import {
  ERROR_INVALID_HANDLE,
  INVALID_HANDLE_VALUE,
  type PortState,
  system,
} from "../system/system.ts";
import { markGone, markOpen } from "./calls.ts";
import { checkNumber, Win32Error } from "./errors.ts";
import { dropHandle, dropPort, type Handle } from "./handle.ts";
import * as ledgers from "./ledger.ts";
import {
  H_KEY,
  H_PORT,
  ledger,
  P_CALLS,
  P_CONCURRENCY,
  P_IN_FLIGHT,
  P_POSTED,
  P_REFERENCES,
  P_SYSTEM,
  P_TAKEN,
} from "./ledger.ts";
import { discardQueued, recover } from "./recovery.ts";

/** Whether the system counts posts and takes itself, under a lock it holds anyway. */
export const COUNTS: boolean = system.countsPackets;

/** The state of a port that nobody has asked. */
export function emptyState(): PortState {
  return { queued: 0, active: null, waiting: null, posted: null, taken: null };
}

/** Makes a port and returns its place. */
export function createPort(concurrency: number): number {
  checkNumber(concurrency, "concurrency", 0xffff_ffff);
  const { words, ports } = ledger();
  recover();
  const place = ports.acquire();
  const { code, value, errno } = system.createIoCompletionPort(
    INVALID_HANDLE_VALUE,
    0,
    0,
    concurrency,
  );
  if (code !== 0) {
    ports.release(place);
    throw new Win32Error(code, "CreateIoCompletionPort", { errno });
  }
  ledgers.writeNumber(words, place + P_SYSTEM, value);
  ledgers.writeNumber(words, place + P_POSTED, 0);
  ledgers.writeNumber(words, place + P_TAKEN, 0);
  words[place + P_CONCURRENCY] = concurrency || processors;
  words[place + P_IN_FLIGHT] = 0;
  markOpen(words, place + P_CALLS);
  Atomics.store(words, place + P_REFERENCES, 1);
  return place;
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
  if (!ledgers.addReference(words, place + P_REFERENCES)) {
    throw new Win32Error(ERROR_INVALID_HANDLE, call);
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
  dropHandle(handle.place);
  if (code !== 0) throw handle.failure(code, call, errno);
}
