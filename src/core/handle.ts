/**
 * What can be associated with a port: the part that all kinds of handles share.
 *
 * @module
 */

import { system } from "../system/system.ts";
import { beginCall, endCall, isMarkedClosed, markClosed, markOpen } from "./calls.ts";
import { described, Win32Error } from "./errors.ts";
import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { MAX_NAME_BYTES } from "./limits.ts";
import { dropSpares, giveSpares, takeSpares } from "./spares.ts";
import { buryEnded, enrolled } from "./threads.ts";
import { isToken } from "./token.ts";
import { addReference } from "./references.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  GENERATION,
  H_CALLBACK,
  H_CALLS,
  H_DETAIL,
  H_KIND,
  H_NAME,
  H_NAME_LENGTH,
  H_PORT,
  H_REFERENCES,
  H_SYSTEM,
  P_REFERENCES,
} = ledgers;

/** The kinds of handles. */
export type HandleKind =
  | "file"
  | "directory"
  | "pipe"
  | "socket"
  | "serial"
  | "device"
  | "mailslot";

const KINDS: readonly HandleKind[] = [
  "file",
  "directory",
  "pipe",
  "socket",
  "serial",
  "device",
  "mailslot",
];

const ERROR_INVALID_HANDLE = 6;
/** ERROR_DISK_FULL and ERROR_IO_DEVICE. */
const LOST_WRITES: readonly number[] = [112, 1117];

/** A handle in the form that `postMessage` can send. */
export interface HandleToken {
  /** What this is a token of. */
  readonly kind: `iocp.${HandleKind}`;
  /** Where it is in the memory that all threads see. */
  readonly place: number;
  /** Which life of that place it is. */
  readonly generation: number;
}

/** The token of a handle that was just opened, with the name that stands in its place. */
class RegisteredHandle implements HandleToken {
  readonly kind: `iocp.${HandleKind}`;
  readonly place: number;
  readonly generation: number;
  readonly name: string;

  constructor(kind: HandleKind, place: number, generation: number, name: string) {
    this.kind = `iocp.${kind}`;
    this.place = place;
    this.generation = generation;
    this.name = name;
  }
}

/**
 * A system object that supports overlapped I/O. It is associated with one port
 * for its life, by {@linkcode CompletionPort.associate}.
 *
 * Every thread that has attached the same token uses the same handle: what one
 * thread closes is closed for all.
 */
export abstract class Handle {
  readonly #place: number;
  readonly #generation: number;
  readonly #isOwner: boolean;
  readonly #system: number;
  #name: string;
  /** What kind of handle this is. */
  readonly kind: HandleKind;

  /** The handle of a token that `register` has made, or, as its owner's twin, `attached` found. */
  protected constructor(kind: HandleKind, token: HandleToken, isOwner: boolean) {
    this.kind = kind;
    this.#place = token.place;
    this.#generation = token.generation;
    this.#isOwner = isOwner;
    this.#system = ledgers.readNumber(ledger().words, token.place + H_SYSTEM);
    this.#name = token instanceof RegisteredHandle ? token.name : nameOfHandle(token.place);
    // What was read of the place is another handle's, if this one was closed meanwhile.
    if (this.isClosed) throw notAttached(kind);
  }

  /** The path or address this handle is of; the end of a very long one. */
  get name(): string {
    return this.#name;
  }

  /** Whether the handle has been closed, by whichever thread. */
  get isClosed(): boolean {
    const { words, handles } = ledger();
    return !handles.isLive(this.#place, this.#generation) ||
      isMarkedClosed(words, this.#place + H_CALLS);
  }

  /** The handle in the form that `postMessage` can send. */
  get token(): HandleToken {
    return { kind: `iocp.${this.kind}`, place: this.#place, generation: this.#generation };
  }

  /** What its kind keeps of the handle, for all threads. @internal */
  protected get detail(): number {
    return Atomics.load(ledger().words, this.#place + H_DETAIL);
  }

  /** Where the handle is in the ledger. @internal */
  get place(): number {
    return this.#place;
  }

  /**
   * Closes the handle, for all threads. Operations in flight complete, as cancelled
   * or otherwise; each one's packet still comes. Does not wait for them. Calling it
   * again does nothing.
   *
   * On Linux the system may say only now that what was written before could not be
   * kept, on network file systems above all: ERROR_IO_DEVICE or ERROR_DISK_FULL. That is thrown
   * once, by the call that has closed the handle, which is closed then. Windows says so in the
   * results of writes and of `sync`, or in its event log. `sync` before it is told everything.
   *
   * Source: CloseHandle; close(2).
   *
   * @throws {Win32Error} if earlier writes are lost; the handle is closed all the same.
   */
  close(): void {
    // Kept, the place is no other handle's when the mark is set.
    if (!this.keep()) return;
    const { words } = ledger();
    const isCloser = markClosed(words, this.#place + H_CALLS);
    const code = isCloser ? closeSystemHandle(this.#place) : 0;
    dropHandle(this.#place, 1 + takeSpares(words, this.#place));
    if (LOST_WRITES.includes(code)) throw this.failure(code, "CloseHandle");
  }

  /**
   * Asks that all operations on the handle be cancelled. Each one's packet still
   * comes: with ERROR_OPERATION_ABORTED (995), or with whatever it came to.
   * Returns whether there was one to ask for.
   *
   * Source: CancelIoEx.
   */
  cancel(): boolean {
    const handle = this.enter("CancelIoEx");
    try {
      const code = system.cancelIoEx(handle, 0);
      if (code !== 0 && code !== 1168) throw this.failure(code, "CancelIoEx");
      return code === 0;
    } finally {
      this.leave();
    }
  }

  /**
   * Begins a call on the handle: until `leave`, its number cannot be closed and
   * used again for something else. Returns the system's handle.
   *
   * @internal
   */
  enter(call: string): number {
    const { words } = ledger();
    const place = this.#place;
    const isOpen = beginCall(words, place + H_CALLS);
    // The place may have been given to another handle: looked at only once that cannot change.
    if (isOpen && words[place + GENERATION] === this.#generation) {
      return this.#system;
    }
    this.leave();
    dropSpares(words, place);
    throw this.failure(ERROR_INVALID_HANDLE, call);
  }

  /**
   * Keeps the handle's place, until `dropHandle`, also when the handle is closed
   * meanwhile; false if that has happened already.
   *
   * @internal
   */
  keep(): boolean {
    const { words } = ledger();
    if (!addReference(words, this.#place + H_REFERENCES)) return false;
    if (words[this.#place + GENERATION] === this.#generation) return true;
    dropHandle(this.#place);
    return false;
  }

  /** Whether the handle's place is still in the life that is this handle's. @internal */
  isInLife(words: Int32Array<ArrayBuffer>): boolean {
    return words[this.#place + GENERATION] === this.#generation;
  }

  /** Ends a call. If the handle was closed meanwhile, the last call closes it. @internal */
  leave(): void {
    leaveHandle(this.#place);
  }

  /** An error of `call` on this handle. @internal */
  failure(code: number, call: string, errno: number = 0, reason?: string): Win32Error {
    return new Win32Error(code, call, { subject: this.#name, errno, reason });
  }

  /**
   * Gives the handle another name, once it has one: an address. Errors of other threads name it so
   * from then on. Called between `enter` and `leave`.
   *
   * @internal
   */
  protected rename(name: string): void {
    writeName(ledger().words, this.#place, name);
    this.#name = name;
  }

  /**
   * Closes the handle if this object is the one that opened it; an attached one
   * leaves it open for the others.
   */
  [Symbol.dispose](): void {
    if (this.#isOwner) this.close();
  }

  /** Enters an opened system handle in the ledger and returns its token. */
  protected static register(
    kind: HandleKind,
    systemHandle: number,
    name: string,
    detail: number = 0,
  ): HandleToken {
    const { words, handles } = ledger();
    let place = handles.tryAcquire();
    if (place < 0) {
      // What threads have over of closed handles keeps these; of other living ones nobody can take it.
      if (enrolled() !== 0) giveSpares(enrolled());
      buryEnded();
      place = handles.tryAcquire();
    }
    if (place < 0) {
      system.closeHandle(systemHandle);
      throw handles.limitReached();
    }
    words[place + H_KIND] = KINDS.indexOf(kind) + 1;
    words[place + H_PORT] = 0;
    words[place + H_CALLBACK] = 0;
    words[place + H_DETAIL] = detail;
    ledgers.writeNumber(words, place + H_SYSTEM, systemHandle);
    const written = writeName(words, place, name);
    markOpen(words, place + H_CALLS);
    Atomics.store(words, place + H_REFERENCES, 1);
    return new RegisteredHandle(kind, place, words[place + GENERATION], written);
  }

  /** The token itself; throws if it is no token of a handle of this kind. */
  protected static attached(kind: HandleKind, token: HandleToken): HandleToken {
    const { words, handles } = ledger();
    if (
      !isToken(token, `iocp.${kind}`) || !handles.isLive(token.place, token.generation) ||
      words[token.place + H_KIND] !== KINDS.indexOf(kind) + 1
    ) {
      throw notAttached(kind);
    }
    return token;
  }
}

/** `handle` if it is one; a program without types may hand over anything. */
export function checkHandle(handle: Handle): Handle {
  if (handle instanceof Handle) return handle;
  throw new TypeError(`Cannot use ${described(handle)} as a handle`);
}

function notAttached(kind: HandleKind): TypeError {
  return new TypeError(`Cannot attach the ${kind}: it is closed, or this is no token of one`);
}

/** The path or address of the handle at `place`. */
export function nameOfHandle(place: number): string {
  const { words } = ledger();
  const length = words[place + H_NAME_LENGTH];
  const start = words.byteOffset + (place + H_NAME) * 4;
  return new TextDecoder().decode(new Uint8Array(words.buffer, start, length));
}

/** Writes the name of the handle at `place`, the end of a very long one. Returns what was written. */
function writeName(words: Int32Array<ArrayBuffer>, place: number, name: string): string {
  if (writeAscii(words, place, name)) return name;
  let written = name;
  let bytes = new TextEncoder().encode(name);
  if (bytes.length > MAX_NAME_BYTES) {
    const end = new TextDecoder().decode(bytes.subarray(bytes.length - MAX_NAME_BYTES + 6));
    written = "…" + end.replace(/^\uFFFD+/, "");
    bytes = new TextEncoder().encode(written);
  }
  new Uint8Array(words.buffer).set(bytes, words.byteOffset + (place + H_NAME) * 4);
  words[place + H_NAME_LENGTH] = bytes.length;
  return written;
}

/** As most names are, a byte a character: many times as fast as an encoder. False if it is not. */
function writeAscii(words: Int32Array<ArrayBuffer>, place: number, name: string): boolean {
  const { length } = name;
  if (length > MAX_NAME_BYTES) return false;
  for (let i = 0, at = place + H_NAME; i < length; i += 4, at++) {
    let word = 0;
    for (let j = Math.min(i + 3, length - 1); j >= i; j--) {
      const char = name.charCodeAt(j);
      if (char > 0x7f) return false;
      word = word << 8 | char;
    }
    words[at] = word;
  }
  words[place + H_NAME_LENGTH] = length;
  return true;
}

/** Ends a call on the handle at `place`; see `Handle.leave`. */
export function leaveHandle(place: number): void {
  if (endCall(ledger().words, place + H_CALLS)) closeSystemHandle(place);
}

/** Returns what the system says. */
function closeSystemHandle(place: number): number {
  const code = system.closeHandle(ledgers.readNumber(ledger().words, place + H_SYSTEM));
  dropHandle(place);
  return code;
}

/** So many references less; the last gives the place back, and the port's reference with it. */
export function dropHandle(place: number, count: number = 1): void {
  const { words, handles } = ledger();
  if (Atomics.sub(words, place + H_REFERENCES, count) !== count) return;
  const port = words[place + H_PORT];
  handles.release(place);
  if (port !== 0) dropPort(port);
}

/** One reference to the port less; the last gives its place back. */
export function dropPort(place: number): void {
  const { words, ports } = ledger();
  if (Atomics.sub(words, place + P_REFERENCES, 1) === 1) ports.release(place);
}
