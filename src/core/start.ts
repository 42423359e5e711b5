/**
 * Starting operations: the place in the ledger that holds the OVERLAPPED, what is
 * written there for whoever takes the packet, and what happens when the system
 * refuses.
 *
 * @module
 */

import {
  ERROR_INVALID_HANDLE,
  ERROR_IO_PENDING,
  ERROR_NO_SYSTEM_RESOURCES,
  ERROR_PIPE_CONNECTED,
  STATUS_PENDING,
  statusOfError,
  system,
} from "../system/system.ts";
import { openAnnex } from "./annex.ts";
import { checkBuffer, type NativeBuffer } from "./buffer.ts";
import { isMarkedClosed } from "./calls.ts";
import { checkInteger, checkNumber, Win32Error } from "./errors.ts";
import { countEnd, countStart } from "./flight.ts";
import { checkHandle, dropHandle, type Handle } from "./handle.ts";
import { kindOf, KINDS } from "./kinds.ts";
import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { MAX_TRANSFER_BYTES } from "./limits.ts";
import {
  addressOf,
  finish,
  launch,
  type Operation,
  remember,
  StartedOperation,
} from "./operation.ts";
import { onlookers } from "./onlookers.ts";
import { givePlace, takePlace } from "./places.ts";
import { beginTaking, endTaking } from "./port-life.ts";
import { keepForOperation } from "./spares.ts";
import { enrolled } from "./threads.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  GENERATION,
  H_KEY,
  H_PORT,
  NOT_STARTED,
  O_BUFFER,
  O_HANDLE,
  O_INTERNAL,
  O_KIND,
  O_LENGTH,
  O_OFFSET,
  O_PORT,
  O_POSITION,
  O_REFUSED,
  O_RESULT,
  O_SECOND,
  O_TAG,
  OPERATION_WORDS,
  P_CALLS,
  P_MAX_IN_FLIGHT,
  P_SYSTEM,
  T_STARTING,
  T_STARTING_LIFE,
} = ledgers;

/** Numbers of the kinds that have a way of their own here; all others come by `startWith`. */
export const READ = 0;
export const WRITE = 1;

/** Transfers of one buffer by a socket: the WSABUF, and the flags behind it, lie in the room for results. */
export const SEND: number = kindOf("WSASend");
export const RECEIVE: number = kindOf("WSARecv");

/** Whether calls on a handle are counted at all; see `calls.ts`. */
const COUNTS_CALLS: boolean = system.reusesHandles;

/** The status of an operation until the system has it. */
const UNHEARD: number = system.tellsStarts ? NOT_STARTED : STATUS_PENDING;

/** Where the flags are, in words from `O_RESULT` on. */
const FLAGS = 4;

/**
 * Starts an operation of kind `index` (`READ`, `WRITE`, `SEND`, `RECEIVE`) on one
 * buffer. Either it throws and nothing was started, or one packet will come (promise 1).
 */
export function startOperation(
  index: number,
  handle: Handle,
  buffer: NativeBuffer,
  offset: number,
  tag: number,
  flags: number = 0,
): Operation {
  // The functions that say what is wrong are only called if something is.
  if (!(Number.isSafeInteger(offset) && offset >= 0)) checkNumber(offset, "offset");
  if (!Number.isSafeInteger(tag)) checkInteger(tag, "tag");
  const { length } = checkBuffer(buffer).bytes;
  if (length > MAX_TRANSFER_BYTES) checkNumber(length, "the buffer's length", MAX_TRANSFER_BYTES);
  const { call } = KINDS[index];
  const systemHandle = handle.enter(call);
  try {
    const { words } = ledger();
    const place = acquirePlace(words, handle, call);
    const operation = fillPlace(words, place, index, buffer, length, offset, tag);
    launch(place);
    const code = startTransfer(index, systemHandle, place, buffer.address, length, flags);
    if (code !== ERROR_IO_PENDING && code !== 0) refuse(place, handle, code, call);
    return operation;
  } finally {
    if (COUNTS_CALLS) handle.leave();
  }
}

function startTransfer(
  index: number,
  handle: number,
  place: number,
  address: number,
  byteLength: number,
  flags: number,
): number {
  const overlapped = addressOf(place);
  if (index === READ) return system.readFile(handle, address, byteLength, overlapped);
  if (index === WRITE) return system.writeFile(handle, address, byteLength, overlapped);
  const { words } = ledger();
  words[place + O_RESULT] = byteLength;
  ledgers.writeNumber(words, place + O_RESULT + 2, address);
  words[place + O_RESULT + FLAGS] = flags;
  const buffers = overlapped + O_RESULT * 4;
  return index === SEND
    ? system.wsaSend(handle, buffers, 1, flags, overlapped)
    : system.wsaRecv(handle, buffers, 1, buffers + FLAGS * 4, overlapped);
}

/** What an operation is about, beside its handle. What is absent it has none of. */
export interface Parts {
  /** The buffer that `operation.buffer` is. */
  readonly buffer?: NativeBuffer;
  /** All other buffers it uses: kept until its packet is taken. */
  readonly further?: readonly NativeBuffer[];
  /** Bytes of memory that the kernel may read and write until then. */
  readonly annexBytes?: number;
  /** What goes into the OVERLAPPED's Offset. */
  readonly offset?: number;
  /** A second handle: the system closes it only when the operation is over. */
  readonly second?: Handle | null;
}

/**
 * Starts the operation by a function of the contract, and returns what that says.
 * `overlapped`: its OVERLAPPED. `annex`: its `annexBytes`, zeroed. `result`: 24
 * zeroed bytes that every operation has, for what comes with the packet. `second`: the
 * second handle, 0 if there is none.
 */
export type Starter = (
  handle: number,
  overlapped: number,
  annex: number,
  result: number,
  second: number,
) => number;

/**
 * Starts an operation of any other kind: without a buffer, with several, with
 * memory for more than data. The caller has checked everything but `tag`.
 * Either it throws and nothing was started, or one packet will come (promise 1).
 */
export function startWith(
  index: number,
  handle: Handle,
  parts: Parts,
  tag: number,
  start: Starter,
): Operation {
  const { buffer = null, further = [], annexBytes = 0, offset = 0, second = null } = parts;
  const { call } = KINDS[index];
  checkInteger(tag, "tag");
  for (const one of further) {
    checkNumber(checkBuffer(one).bytes.length, "a buffer's length", MAX_TRANSFER_BYTES);
  }
  const byteLength = buffer === null ? 0 : checkBuffer(buffer).bytes.length;
  checkNumber(byteLength, "the buffer's length", MAX_TRANSFER_BYTES);
  const systemHandle = handle.enter(call);
  let isStarted = false;
  let systemSecond = 0;
  try {
    if (second !== null) systemSecond = checkHandle(second).enter(call);
    const { words } = ledger();
    const place = acquirePlace(words, handle, call);
    const annex = annexFor(place, further, annexBytes);
    const operation = fillPlace(words, place, index, buffer, byteLength, offset, tag);
    words.fill(0, place + O_RESULT, place + OPERATION_WORDS);
    words[place + O_SECOND] = second === null ? 0 : second.place;
    isStarted = true;
    launch(place);
    const overlapped = addressOf(place);
    const result = overlapped + O_RESULT * 4;
    const code = start(systemHandle, overlapped, annex, result, systemSecond);
    if (code !== ERROR_IO_PENDING && code !== 0) refuse(place, handle, code, call);
    return operation;
  } finally {
    if (second !== null && systemSecond !== 0 && !isStarted) second.leave();
    handle.leave();
  }
}

/** The annex of the operation at `place`, if it has one; without room for it nothing is started. */
function annexFor(place: number, further: readonly NativeBuffer[], annexBytes: number): number {
  if (further.length === 0 && annexBytes === 0) return 0;
  try {
    return openAnnex(place, further, annexBytes);
  } catch (error) {
    releasePlace(place);
    throw error;
  }
}

/** Writes down what the operation at `place` is. */
function fillPlace(
  words: Int32Array<ArrayBuffer>,
  place: number,
  index: number,
  buffer: NativeBuffer | null,
  byteLength: number,
  offset: number,
  tag: number,
): StartedOperation {
  const offsetLow = offset | 0;
  const offsetHigh = ledgers.highOf(offset);
  // The rest of the OVERLAPPED word by word: a call of `fill` takes longer than all of this.
  words[place + O_INTERNAL + 1] = 0;
  words[place + O_INTERNAL + 2] = 0;
  words[place + O_INTERNAL + 3] = 0;
  words[place + O_OFFSET] = offsetLow;
  words[place + O_OFFSET + 1] = offsetHigh;
  words[place + O_OFFSET + 2] = 0;
  words[place + O_OFFSET + 3] = 0;
  words[place + O_KIND] = index;
  words[place + O_LENGTH] = byteLength;
  words[place + O_REFUSED] = 0;
  words[place + O_POSITION] = offsetLow;
  words[place + O_POSITION + 1] = offsetHigh;
  words[place + O_TAG] = tag | 0;
  words[place + O_TAG + 1] = ledgers.highOf(tag);
  words[place + O_SECOND] = 0;
  if (buffer === null) words[place + O_BUFFER] = 0;
  else buffer.keep(words, place);
  const generation = words[place + GENERATION];
  const operation = new StartedOperation(place, index, buffer, offset, tag, generation);
  remember(place, operation);
  return operation;
}

/** A place for an operation on `handle`, which it keeps, and so the port that it is for. */
function acquirePlace(words: Int32Array<ArrayBuffer>, handle: Handle, call: string): number {
  // Kept first: what is read of the handle's place then is this handle's.
  const handlePlace = handle.place;
  if (!keepForOperation(words, handlePlace)) throw handle.failure(ERROR_INVALID_HANDLE, call);
  try {
    // It may have been closed, and its place given to another, before it was kept.
    if (!handle.isInLife(words)) throw handle.failure(ERROR_INVALID_HANDLE, call);
    const port = words[handlePlace + H_PORT];
    if (port === 0 || isMarkedClosed(words, port + P_CALLS)) throw noPort(handle, port, call);
    const place = takePlace(words);
    if (place < 0) throw ledger().operations.limitReached();
    if (!countStart(words, port)) {
      givePlace(words, place);
      throw tooMany(handle, words[port + P_MAX_IN_FLIGHT], call);
    }
    noteStart(words, place, port, handlePlace);
    return place;
  } catch (error) {
    dropHandle(handlePlace);
    throw error;
  }
}

/**
 * The place is the operation's. Should the thread end before the system has heard of it, no packet comes:
 * whoever buries the thread gives it back. What is to be given back is noted without a call in between.
 */
function noteStart(
  words: Int32Array<ArrayBuffer>,
  place: number,
  port: number,
  handle: number,
): void {
  const thread = enrolled();
  words[place + O_PORT] = port;
  words[place + O_HANDLE] = handle;
  words[place + O_INTERNAL] = UNHEARD;
  if (thread === 0) return;
  words[thread + T_STARTING_LIFE] = words[place + GENERATION];
  words[thread + T_STARTING] = place;
}

function noPort(handle: Handle, port: number, call: string): Error {
  if (port === 0) {
    return new TypeError(`${call} of ${handle.name} failed: it is not associated with a port`);
  }
  const subject = `${handle.name}, whose port is closed,`;
  return new Win32Error(ERROR_INVALID_HANDLE, call, { subject });
}

function tooMany(handle: Handle, limit: number, call: string): Win32Error {
  const reason = limit < 0
    ? "the pool of the port is closing"
    : `the port's maxInFlight of ${limit} operations in flight is reached`;
  return new Win32Error(ERROR_NO_SYSTEM_RESOURCES, call, { subject: handle.name, reason });
}

/** Nothing is started: what `acquirePlace` has taken is given back. */
function releasePlace(place: number): void {
  const { words } = ledger();
  const handle = words[place + O_HANDLE];
  countEnd(words, words[place + O_PORT]);
  givePlace(words, place);
  dropHandle(handle);
}

/**
 * The system has refused the start. What the caller got wrong is thrown;
 * everything else arrives as a packet, which we then queue ourselves. Meanwhile
 * the operation is nobody else's to recover, and the port's number its own.
 */
function refuse(place: number, handle: Handle, code: number, call: string): void {
  const { words } = ledger();
  const port = words[place + O_PORT];
  const isThrown = code === ERROR_INVALID_HANDLE || code === ERROR_NO_SYSTEM_RESOURCES;
  beginTaking(words, port);
  const failure = isThrown ? code : queueRefusal(place, handle, code);
  if (failure !== 0) {
    if (onlookers !== null) { for (const onlooker of onlookers) onlooker.refused(place); }
    finish(place);
  }
  endTaking(words, port);
  if (failure !== 0) throw handle.failure(failure, call);
}

/** Queues the packet of a refused start. Returns 0, or the code with which nothing was queued. */
function queueRefusal(place: number, handle: Handle, code: number): number {
  const { words } = ledger();
  const port = words[place + O_PORT];
  // It may be gone: then its number is another's, and what has a status is recovered.
  if (isMarkedClosed(words, port + P_CALLS)) return ERROR_INVALID_HANDLE;
  // A client that was faster than the wait for it is no failure (71).
  const reason = code === ERROR_PIPE_CONNECTED ? 0 : code;
  words[place + O_REFUSED] = reason;
  words[place + O_INTERNAL] = statusOfError(reason) | 0;
  const key = ledgers.readNumber(words, handle.place + H_KEY);
  const systemPort = ledgers.readNumber(words, port + P_SYSTEM);
  return system.postQueuedCompletionStatus(systemPort, 0, key, addressOf(place));
}
