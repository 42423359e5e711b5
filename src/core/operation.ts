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

import { ERROR_NOT_FOUND, STATUS_PENDING, system } from "../system/system.ts";
import { annexOf, closeAnnex } from "./annex.ts";
import { NativeBuffer } from "./buffer.ts";
import { Win32Error } from "./errors.ts";
import { countEnd } from "./flight.ts";
import { dropHandle, leaveHandle } from "./handle.ts";
import { dropBuffer } from "./holds.ts";
import {
  dropperOf,
  KINDS,
  type OperationKind,
  readerOf,
  type ResultReader,
  targetOf,
} from "./kinds.ts";
import { onlookers } from "./onlookers.ts";
import { givePlace } from "./places.ts";
import { leaveSpare } from "./spares.ts";
import { emptyHand } from "./threads.ts";
import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  B_REFERENCES,
  GENERATION,
  H_SYSTEM,
  NOT_STARTED,
  O_ADDRESS,
  O_ANNEX,
  O_ASKING,
  O_BUFFER,
  O_HANDLE,
  O_INTERNAL,
  O_KIND,
  O_LENGTH,
  O_PORT,
  O_POSITION,
  O_RESULT,
  O_SECOND,
  O_STATE,
  O_TAG,
} = ledgers;

// States of an operation's place.
const IDLE = 0;
/** The kernel has it, or its packet is queued. */
const IN_FLIGHT = 1;

/** The NTSTATUS of ERROR_MORE_DATA (234), a warning. */
const STATUS_BUFFER_OVERFLOW = 0x80000005 | 0;

/** One started I/O. */
export interface Operation {
  /** What it does. */
  readonly kind: OperationKind;
  /**
   * The memory it reads into or writes from. Of an operation that another thread
   * has started: the same memory, shown here; throws a TypeError if that has been
   * freed since the packet was taken. Of several, the first; `null` if it has none.
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
export class StartedOperation implements Operation {
  readonly #place: number;
  readonly #generation: number;
  readonly #index: number;
  #buffer: NativeBuffer | null | (() => NativeBuffer);
  readonly offset: number;
  readonly tag: number;
  /** What the kernel has left beside the count, once the packet was taken; see `resultOf`. */
  result: unknown = undefined;

  constructor(
    place: number,
    index: number,
    buffer: NativeBuffer | null | (() => NativeBuffer),
    offset: number,
    tag: number,
    generation: number,
  ) {
    this.#place = place;
    this.#generation = generation;
    this.#index = index;
    this.#buffer = buffer;
    this.offset = offset;
    this.tag = tag;
  }

  get buffer(): NativeBuffer | null {
    if (typeof this.#buffer === "function") this.#buffer = this.#buffer();
    return this.#buffer;
  }

  get kind(): OperationKind {
    return KINDS[this.#index].kind;
  }

  /** The number of its kind. */
  get index(): number {
    return this.#index;
  }

  /** Whether this object is of that life of its place. */
  isOf(generation: number): boolean {
    return this.#generation === generation;
  }

  /** The operation no longer uses its buffer. Only called by the thread that has started it. */
  giveBackBuffer(): void {
    const buffer = this.#buffer;
    if (buffer !== null && typeof buffer !== "function") buffer.giveBack();
  }

  cancel(): boolean {
    return cancelOperation(this.#place, this.#generation);
  }
}

/** Asks that the operation at `place` be cancelled, in that life of it; see `Operation.cancel`. */
export function cancelOperation(place: number, generation: number): boolean {
  const { words } = ledger();
  const isCurrent = () => words[place + GENERATION] === generation;
  if (!isCurrent()) return false;
  // Held back like this, the place cannot be given to another operation while we ask.
  Atomics.add(words, place + O_ASKING, 1);
  let code: number = ERROR_NOT_FOUND;
  if (isCurrent() && isInFlight(place)) {
    const handle = ledgers.readNumber(words, words[place + O_HANDLE] + H_SYSTEM);
    code = system.cancelIoEx(handle, addressOf(place));
  }
  Atomics.sub(words, place + O_ASKING, 1);
  return code === 0;
}

/**
 * What this thread has started, by place. The taker finds the caller's own
 * objects here if it is the same thread; entries of earlier lives do no harm.
 */
const started: (StartedOperation | undefined)[] = [];

/** Without gaps, because an array with large ones turns into a slow table in V8. */
export function remember(place: number, operation: StartedOperation): void {
  const index = ledger().operations.indexOf(place);
  while (started.length <= index) started.push(undefined);
  started[index] = operation;
}

/** The address of the OVERLAPPED of the operation at `place`. */
export function addressOf(place: number): number {
  return ledger().address + place * 4;
}

/**
 * The place of the operation whose packet carries `overlapped`; -1 if it is
 * none. Any number may be asked for: only addresses of this module's own memory
 * are looked at.
 */
export function placeOf(overlapped: number): number {
  const { address, operations } = ledger();
  const exact = (overlapped - address) / 4;
  // An integer to the compilers too: a number of any other kind costs at each use as an index.
  const place = exact | 0;
  return place === exact && operations.isPlace(place) && isInFlight(place) ? place : -1;
}

/** Started, and its packet not taken. */
export function isInFlight(place: number): boolean {
  return ledger().words[place + O_STATE] === IN_FLIGHT;
}

/**
 * Whether the operation at `place` was started and the kernel has written its
 * status. Only asked where no packet will come: a packet may be there before the
 * status is written (31).
 */
export function isDone(place: number): boolean {
  const status = ledger().words[place + O_INTERNAL];
  return isInFlight(place) && status !== STATUS_PENDING && status !== NOT_STARTED;
}

/** Whether an address lies in this module's memory, where nothing posted may point. */
export function isOwnAddress(overlapped: number): boolean {
  const { address, byteLength } = ledger();
  return overlapped >= address && overlapped < address + byteLength;
}

/** The operation belongs to the kernel from here on: a packet will come. */
export function launch(place: number): void {
  // Seen by whoever takes the packet: the system hands it over by atomic instructions of its own.
  ledger().words[place + O_STATE] = IN_FLIGHT;
  if (onlookers !== null) { for (const onlooker of onlookers) onlooker.started(place); }
}

/**
 * No packet of the operation will come, or it goes to nobody: handle, buffer and place are
 * given back.
 */
export function finish(place: number): void {
  const { words } = ledger();
  const handle = words[place + O_HANDLE];
  const buffer = words[place + O_BUFFER];
  giveParts(words, place);
  words[place + O_BUFFER] = 0;
  if (buffer !== 0) dropBuffer(buffer);
  words[place + O_HANDLE] = 0;
  if (handle !== 0) dropHandle(handle);
  endLife(words, place);
}

/**
 * As `finish`, when the calling thread has taken the operation's packet; what it may need for its
 * next operation it keeps. `own` is what `startedHere` has found.
 */
export function finishTaken(place: number, own: StartedOperation | undefined): void {
  const { words } = ledger();
  const handle = words[place + O_HANDLE];
  const buffer = words[place + O_BUFFER];
  giveParts(words, place);
  words[place + O_BUFFER] = 0;
  if (own !== undefined) own.giveBackBuffer();
  else if (buffer !== 0) dropBuffer(buffer);
  words[place + O_HANDLE] = 0;
  leaveSpare(words, handle);
  endLife(words, place);
}

/**
 * What is about to be given back is forgotten first: if the thread ends in between, `finish` for
 * it gives nothing back twice. And nobody takes the place for one that was left behind.
 */
function giveParts(words: Int32Array<ArrayBuffer>, place: number): void {
  const port = words[place + O_PORT];
  const second = words[place + O_SECOND];
  if (words[place + O_ANNEX] !== 0) closeAnnex(place);
  words[place + O_PORT] = 0;
  if (port !== 0) countEnd(words, port);
  words[place + O_SECOND] = 0;
  if (second !== 0) leaveHandle(second);
}

/** The operation has nothing any more, and its place is free. */
function endLife(words: Int32Array<ArrayBuffer>, place: number): void {
  emptyHand();
  words[place + O_STATE] = IDLE;
  givePlace(words, place);
}

/** The caller's own object of the operation at `place`, if this thread has started it. */
export function startedHere(place: number): StartedOperation | undefined {
  const { words, operations } = ledger();
  const own = started[operations.indexOf(place)];
  return own !== undefined && own.isOf(words[place + GENERATION]) ? own : undefined;
}

/** Reads what the operation at `place` has left beside its count of `bytes` bytes. */
export function readResult(place: number, operation: StartedOperation, bytes: number): void {
  const read = readerOf(ledger().words[place + O_KIND]);
  if (read !== undefined) operation.result = resultAt(place, read, bytes);
}

function resultAt(place: number, read: ResultReader, bytes: number): unknown {
  const status = ledger().words[place + O_INTERNAL];
  const isDone = status >= 0 || status === STATUS_BUFFER_OVERFLOW;
  return read(addressOf(place) + O_RESULT * 4, annexOf(place), bytes, isDone);
}

/** As `finish`, of an operation that has completed and whose packet nobody is given. */
export function finishDropped(place: number): void {
  const kind = ledger().words[place + O_KIND];
  const [read, drop] = [readerOf(kind), dropperOf(kind)];
  if (read !== undefined && drop !== undefined) drop(resultAt(place, read, 0));
  finish(place);
}

/** One that another thread has started. */
export function foundOperation(place: number): StartedOperation {
  const { words } = ledger();
  const offset = ledgers.readNumber(words, place + O_POSITION);
  const tag = ledgers.readNumber(words, place + O_TAG);
  const buffer = words[place + O_BUFFER] === 0 ? null : bufferAt(place);
  const generation = words[place + GENERATION];
  return new StartedOperation(place, words[place + O_KIND], buffer, offset, tag, generation);
}

/** The number of the operation's kind in `KINDS`. */
export function kindNumberOf(operation: Operation): number {
  if (operation instanceof StartedOperation) return operation.index;
  throw new TypeError("The operation was not started by this module");
}

/** What the reader of its kind has read when the operation's packet was taken; before, `undefined`. */
export function resultOf(operation: Operation): unknown {
  return operation instanceof StartedOperation ? operation.result : undefined;
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
  const kind = words[place + O_KIND];
  const [name, target] = [nameOfHandle(words[place + O_HANDLE]), targetOf(kind, annexOf(place))];
  const subject = target === "" ? name : `${name} to ${target}`;
  return new Win32Error(code, KINDS[kind].call, { subject, errno });
}
