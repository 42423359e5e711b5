/**
 * Operations: from their start, through the kernel, to their packet.
 *
 * An operation's place in the ledger begins with its OVERLAPPED, so that the
 * address in a packet *is* the operation. The place and the buffer belong to the
 * kernel from the start until the packet is taken, whatever happens to the
 * handle, the port or the starting thread meanwhile.
 *
 * @module
 */

import {
  ERROR_INVALID_HANDLE,
  ERROR_IO_PENDING,
  ERROR_NO_SYSTEM_RESOURCES,
  ERROR_NOT_FOUND,
  STATUS_PENDING,
  statusOfError,
  system,
} from "../system/system.ts";
import { NativeBuffer } from "./buffer.ts";
import { isMarkedClosed } from "./calls.ts";
import { checkInteger, checkNumber, Win32Error } from "./errors.ts";
import { dropHandle, type Handle } from "./handle.ts";
import { dropBuffer, keepBuffer } from "./holds.ts";
import * as ledgers from "./ledger.ts";
import {
  B_REFERENCES,
  GENERATION,
  H_KEY,
  H_PORT,
  H_SYSTEM,
  ledger,
  O_ADDRESS,
  O_BUFFER,
  O_HANDLE,
  O_INTERNAL,
  O_KIND,
  O_LENGTH,
  O_OFFSET,
  O_PORT,
  O_POSITION,
  O_REFUSED,
  O_STATE,
  O_TAG,
  P_CALLS,
  P_IN_FLIGHT,
  P_SYSTEM,
} from "./ledger.ts";
import { MAX_TRANSFER_BYTES } from "./limits.ts";

/** What an operation does. */
export type OperationKind = "read" | "write";

/** Per kind: its name, and the function it is to the system. */
const CALLS = [
  { kind: "read", call: "ReadFile", start: system.readFile },
  { kind: "write", call: "WriteFile", start: system.writeFile },
] as const;

/** Index of a kind in `CALLS`. */
export const READ = 0;
export const WRITE = 1;

// States of an operation's place.
const IDLE = 0;
/** The kernel has it, or its packet is queued. */
const IN_FLIGHT = 1;
/** As before, and a thread is just asking to cancel it. */
const CANCELLING = 2;
/** Its packet was taken while a thread was asking: that thread gives the place back. */
const TAKEN = 3;

/** One started I/O. */
export interface Operation {
  /** What it does. */
  readonly kind: OperationKind;
  /**
   * The memory it reads into or writes from. Of an operation that another thread
   * has started: the same memory, shown here; throws a TypeError if that has been
   * freed since the packet was taken.
   */
  readonly buffer: NativeBuffer | null;
  /** The position in the file; 0 for what has none. */
  readonly offset: number;
  /** The number the caller has hung on it. */
  readonly tag: number;
  /**
   * Asks that it be cancelled. The packet still comes, and may still be a
   * success (case 64). Returns false if it has completed already.
   */
  cancel(): boolean;
}

/** An operation as the thread that started it holds it, or the one that took its packet. */
class StartedOperation implements Operation {
  readonly #place: number;
  readonly #generation: number;
  readonly #index: number;
  #buffer: NativeBuffer | (() => NativeBuffer);
  readonly offset: number;
  readonly tag: number;

  constructor(
    place: number,
    index: number,
    buffer: NativeBuffer | (() => NativeBuffer),
    offset: number,
    tag: number,
  ) {
    this.#place = place;
    this.#generation = ledger().words[place + GENERATION];
    this.#index = index;
    this.#buffer = buffer;
    this.offset = offset;
    this.tag = tag;
  }

  get buffer(): NativeBuffer {
    if (typeof this.#buffer === "function") this.#buffer = this.#buffer();
    return this.#buffer;
  }

  get kind(): OperationKind {
    return CALLS[this.#index].kind;
  }

  /** Whether this object is of the life the place is in. */
  get isCurrent(): boolean {
    return ledger().words[this.#place + GENERATION] === this.#generation;
  }

  cancel(): boolean {
    const { words, operations } = ledger();
    const place = this.#place;
    if (!this.isCurrent) return false;
    // Held back like this, the place cannot be given to another operation while we ask.
    const state = Atomics.compareExchange(words, place + O_STATE, IN_FLIGHT, CANCELLING);
    if (state === CANCELLING) return true;
    if (state !== IN_FLIGHT) return false;
    let code: number = ERROR_NOT_FOUND;
    if (this.isCurrent) {
      const handle = ledgers.readNumber(words, words[place + O_HANDLE] + H_SYSTEM);
      code = system.cancelIoEx(handle, addressOf(place));
    }
    const after = Atomics.compareExchange(words, place + O_STATE, CANCELLING, IN_FLIGHT);
    if (after === TAKEN) {
      Atomics.store(words, place + O_STATE, IDLE);
      operations.release(place);
    }
    return code === 0;
  }
}

/**
 * What this thread has started, by place. The taker finds the caller's own
 * objects here if it is the same thread; entries of earlier lives do no harm.
 */
const started: (StartedOperation | undefined)[] = [];

/** Without gaps, because an array with large ones turns into a slow table in V8. */
function remember(index: number, operation: StartedOperation): void {
  while (started.length <= index) started.push(undefined);
  started[index] = operation;
}

/** The address of the OVERLAPPED of the operation at `place`. */
function addressOf(place: number): number {
  return ledger().address + place * 4;
}

/**
 * The place of the operation whose packet carries `overlapped`; -1 if it is
 * none. Any number may be asked for: only addresses of this module's own memory
 * are looked at.
 */
export function placeOf(overlapped: number): number {
  const { address, operations } = ledger();
  const place = (overlapped - address) / 4;
  return operations.isPlace(place) && isInFlight(place) ? place : -1;
}

/** Started, and its packet not taken. */
function isInFlight(place: number): boolean {
  const state = Atomics.load(ledger().words, place + O_STATE);
  return state === IN_FLIGHT || state === CANCELLING;
}

/**
 * Whether the operation at `place` was started and the kernel has written its
 * status. Only asked where no packet will come: a packet may be there before the
 * status is written (31).
 */
export function isDone(place: number): boolean {
  return isInFlight(place) && ledger().words[place + O_INTERNAL] !== STATUS_PENDING;
}

/** Whether an address lies in this module's memory, where nothing posted may point. */
export function isOwnAddress(overlapped: number): boolean {
  const { address, byteLength } = ledger();
  return overlapped >= address && overlapped < address + byteLength;
}

/**
 * Starts an operation of kind `index` (`READ`, `WRITE`). Either it throws and
 * nothing was started, or one packet will come (promise 1).
 */
export function startOperation(
  index: number,
  handle: Handle,
  buffer: NativeBuffer,
  offset: number,
  tag: number,
): Operation {
  const { call, start } = CALLS[index];
  checkNumber(offset, "offset");
  checkInteger(tag, "tag");
  const { byteLength } = buffer.bytes;
  checkNumber(byteLength, "the buffer's length", MAX_TRANSFER_BYTES);
  const systemHandle = handle.enter(call);
  try {
    const place = acquirePlace(handle, call);
    const { words, operations } = ledger();
    words.fill(0, place + O_INTERNAL + 1, place + GENERATION);
    words[place + O_INTERNAL] = STATUS_PENDING;
    ledgers.writeNumber(words, place + O_OFFSET, offset);
    words[place + O_KIND] = index;
    words[place + O_BUFFER] = buffer.place;
    ledgers.writeNumber(words, place + O_ADDRESS, buffer.address);
    words[place + O_LENGTH] = byteLength;
    words[place + O_REFUSED] = 0;
    ledgers.writeNumber(words, place + O_POSITION, offset);
    ledgers.writeNumber(words, place + O_TAG, tag);
    const operation = new StartedOperation(place, index, buffer, offset, tag);
    remember(operations.indexOf(place), operation);
    keepBuffer(buffer.place, words[buffer.place + GENERATION]);
    Atomics.add(words, words[place + O_PORT] + P_IN_FLIGHT, 1);
    Atomics.store(words, place + O_STATE, IN_FLIGHT);
    const code = start(systemHandle, buffer.address, byteLength, addressOf(place));
    if (code !== ERROR_IO_PENDING && code !== 0) refuse(place, handle, code, call);
    return operation;
  } finally {
    handle.leave();
  }
}

/** A place for an operation on `handle`, which it keeps, and so the port that it is for. */
function acquirePlace(handle: Handle, call: string): number {
  const { words, operations } = ledger();
  // Kept first: what is read of the handle's place then is this handle's.
  if (!handle.keep()) throw handle.failure(ERROR_INVALID_HANDLE, call);
  try {
    const port = words[handle.place + H_PORT];
    if (port === 0) {
      throw new TypeError(`${call} of ${handle.name} failed: it is not associated with a port`);
    }
    if (isMarkedClosed(words, port + P_CALLS)) {
      throw new Win32Error(ERROR_INVALID_HANDLE, call, {
        subject: `${handle.name}, whose port is closed,`,
      });
    }
    const place = operations.acquire();
    words[place + O_PORT] = port;
    words[place + O_HANDLE] = handle.place;
    return place;
  } catch (error) {
    dropHandle(handle.place);
    throw error;
  }
}

/**
 * The system has refused the start. What the caller got wrong is thrown;
 * everything else arrives as a packet, which we then queue ourselves.
 */
function refuse(place: number, handle: Handle, code: number, call: string): void {
  const { words } = ledger();
  if (code !== ERROR_INVALID_HANDLE && code !== ERROR_NO_SYSTEM_RESOURCES) {
    words[place + O_REFUSED] = code;
    words[place + O_INTERNAL] = statusOfError(code) | 0;
    const port = ledgers.readNumber(words, words[place + O_PORT] + P_SYSTEM);
    const key = ledgers.readNumber(words, handle.place + H_KEY);
    if (system.postQueuedCompletionStatus(port, 0, key, addressOf(place)) === 0) return;
  }
  finish(place);
  throw handle.failure(code, call);
}

/**
 * The operation's packet has been taken, or none will come: handle, buffer and
 * place are given back.
 */
export function finish(place: number): void {
  const { words, operations } = ledger();
  const handle = words[place + O_HANDLE];
  const buffer = words[place + O_BUFFER];
  Atomics.sub(words, words[place + O_PORT] + P_IN_FLIGHT, 1);
  // Until it has a port again nobody takes the place for one of an operation that was left behind.
  words[place + O_PORT] = 0;
  const state = Atomics.compareExchange(words, place + O_STATE, IN_FLIGHT, IDLE);
  if (state === IN_FLIGHT) operations.release(place);
  else if (Atomics.compareExchange(words, place + O_STATE, CANCELLING, TAKEN) !== CANCELLING) {
    // The asking thread was done in between.
    Atomics.store(words, place + O_STATE, IDLE);
    operations.release(place);
  }
  dropHandle(handle);
  dropBuffer(buffer);
}

/** The operation at `place`, whose packet this thread has taken: the caller's own object if it is here. */
export function operationAt(place: number): Operation {
  const { words, operations } = ledger();
  const own = started[operations.indexOf(place)];
  if (own !== undefined && own.isCurrent) return own;
  const offset = ledgers.readNumber(words, place + O_POSITION);
  const tag = ledgers.readNumber(words, place + O_TAG);
  return new StartedOperation(place, words[place + O_KIND], bufferAt(place), offset, tag);
}

/**
 * The buffer of an operation that another thread has started. If that is all that
 * keeps the memory, this thread keeps it from here on; else it is only looked
 * up when somebody asks, so that a thread which does not ask holds nothing.
 */
function bufferAt(place: number): NativeBuffer | (() => NativeBuffer) {
  const { words } = ledger();
  const buffer = words[place + O_BUFFER];
  const generation = words[buffer + GENERATION];
  const address = ledgers.readNumber(words, place + O_ADDRESS);
  const length = words[place + O_LENGTH];
  const find = () => NativeBuffer.ofOperation(buffer, generation, address, length);
  return Atomics.load(words, buffer + B_REFERENCES) === 1 ? find() : find;
}

/** The error of the operation at `place` that has ended with this Win32 code. */
export function errorOfOperation(
  place: number,
  code: number,
  errno: number,
  nameOfHandle: (place: number) => string,
): Win32Error {
  const { words } = ledger();
  const { call } = CALLS[words[place + O_KIND]];
  return new Win32Error(code, call, { subject: nameOfHandle(words[place + O_HANDLE]), errno });
}
