/**
 * Memory that the kernel may write to.
 *
 * @module
 */

import { detach, view } from "../ffi/memory.ts";
import { system } from "../system/system.ts";
import { checkNumber, described, Win32Error } from "./errors.ts";
import { dropBuffer, hasHolds, holdBuffer, keepBuffer, letGo } from "./holds.ts";
import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { buryEnded, self } from "./threads.ts";
import { isToken } from "./token.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { B_ADDRESS, B_LENGTH, B_REFERENCES, GENERATION, O_ADDRESS, O_BUFFER } = ledgers;

/** A buffer in the form that `postMessage` can send. */
export interface BufferToken {
  /** What this is a token of. */
  readonly kind: "iocp.buffer";
  /** Where the allocation is in the memory that all threads see. */
  readonly place: number;
  /** Which life of that place it is. */
  readonly generation: number;
  /** Where the buffer begins in the allocation. */
  readonly byteOffset: number;
  /** How long it is. */
  readonly byteLength: number;
}

/** The memory of one allocation, as one thread shows it. */
interface Memory {
  readonly place: number;
  readonly generation: number;
  readonly array: ArrayBuffer;
  isFreed: boolean;
  /**
   * References that operations of this thread have had and the next ones will have. They go
   * when the memory is freed, and so never keep it. Below 0 there can be none: it is freed, or it is
   * only shown, and they would be lost with the thread, which its holds are not.
   */
  spare: number;
}

/** References that a thread takes together. */
const SPARES = 64;

/**
 * Holds of memory shown without anybody having asked for it by `attach`: each is
 * let go when no typed array over the memory is left in this thread.
 */
const forgotten = new FinalizationRegistry<number>((hold) => letGo(hold));
const shown: Map<number, WeakRef<Memory>> = new Map();

/**
 * Native memory for operations: page-aligned, at an address that never changes,
 * zeroed. It is outside the runtime's heap, so that the kernel may write to it
 * whatever the garbage collector does, and it is shared: another thread that is
 * handed the token sees the same bytes.
 *
 * Memory is given back when every object that shows it has been freed *and*
 * every operation that uses it has had its packet taken, so that `free()` may be
 * called at any time.
 *
 * Source: VirtualAlloc; mmap(2).
 *
 * @example
 * ```ts
 * import { NativeBuffer } from "@iocp/iocp";
 *
 * using buffer = NativeBuffer.allocate(4096);
 * buffer.bytes.set(new TextEncoder().encode("hello"));
 * const half = buffer.subarray(2048);
 * console.log(buffer.byteLength, half.byteLength); // 4096 2048
 * ```
 */
export class NativeBuffer {
  readonly #memory: Memory;
  readonly #isPart: boolean;
  readonly #byteOffset: number;
  readonly #addressLow: number;
  readonly #addressHigh: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** The length in bytes. */
  readonly byteLength: number;
  /** The address of the first byte. Only for calls of one's own; it is not checked. */
  readonly address: number;

  private constructor(memory: Memory, byteOffset: number, byteLength: number, isPart: boolean) {
    this.#memory = memory;
    this.#isPart = isPart;
    this.#byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.#bytes = new Uint8Array(memory.array, byteOffset, byteLength);
    this.address = ledgers.readNumber(ledger().words, memory.place + B_ADDRESS) + byteOffset;
    this.#addressHigh = ledgers.highOf(this.address);
    this.#addressLow = this.address | 0;
  }

  /**
   * Allocates `byteLength` bytes; at least one.
   *
   * @throws {RangeError} if `byteLength` is not a whole number from 1 on, or too many buffers are allocated.
   * @throws {Win32Error} ERROR_NOT_ENOUGH_MEMORY (8) if the system has not that much memory.
   */
  static allocate(byteLength: number): NativeBuffer {
    checkNumber(byteLength, "byteLength");
    if (byteLength === 0) throw new RangeError("Cannot allocate a buffer of 0 bytes");
    const { words, buffers } = ledger();
    if (hasHolds()) buryEnded();
    const place = buffers.acquire();
    const { code, value, errno } = system.virtualAlloc(byteLength);
    if (code !== 0) {
      buffers.release(place);
      throw new Win32Error(code, "VirtualAlloc", { subject: `${byteLength} bytes`, errno });
    }
    ledgers.writeNumber(words, place + B_ADDRESS, value);
    ledgers.writeNumber(words, place + B_LENGTH, byteLength);
    Atomics.store(words, place + B_REFERENCES, 1);
    const generation = words[place + GENERATION];
    const array = view(value, byteLength);
    const memory = { place, generation, array, isFreed: false, spare: 0 };
    shown.set(place, new WeakRef(memory));
    return new NativeBuffer(memory, 0, byteLength, false);
  }

  /**
   * The buffer of `token`, from another thread. It is freed like one that was
   * allocated here.
   *
   * @throws {TypeError} if the token is none, or its buffer has been freed.
   */
  static attach(token: BufferToken): NativeBuffer {
    const { words, buffers } = ledger();
    if (
      !isToken(token, "iocp.buffer") || !buffers.isLive(token.place, token.generation) ||
      !keepBuffer(token.place, token.generation)
    ) {
      throw new TypeError(
        "Cannot attach the buffer: it has been freed, or this is no token of one",
      );
    }
    const { place, generation, byteOffset, byteLength } = token;
    const length = ledgers.readNumber(words, place + B_LENGTH);
    const isRange = Number.isSafeInteger(byteOffset) && Number.isSafeInteger(byteLength) &&
      byteOffset >= 0 && byteLength >= 0 && byteOffset + byteLength <= length;
    if (!isRange) {
      dropBuffer(place);
      throw new RangeError("Cannot attach the buffer: the token's range lies outside it");
    }
    const array = view(ledgers.readNumber(words, place + B_ADDRESS), length);
    const memory = { place, generation, array, isFreed: false, spare: 0 };
    shown.set(place, new WeakRef(memory));
    return new NativeBuffer(memory, byteOffset, byteLength, false);
  }

  /**
   * What an operation of another thread has used, to be read from its packet.
   * The memory stays until no array over it is reachable here, or this thread has ended.
   *
   * @internal
   */
  static ofOperation(
    place: number,
    generation: number,
    address: number,
    byteLength: number,
  ): NativeBuffer {
    const { words } = ledger();
    let memory = shown.get(place)?.deref();
    if (memory === undefined || memory.isFreed || memory.generation !== generation) {
      const hold = holdBuffer(self(), place, generation);
      if (hold === 0) {
        throw new TypeError("Cannot show the operation's buffer: it has been freed");
      }
      const start = ledgers.readNumber(words, place + B_ADDRESS);
      const array = view(start, ledgers.readNumber(words, place + B_LENGTH));
      memory = { place, generation, array, isFreed: false, spare: -1 };
      forgotten.register(array, hold);
      shown.set(place, new WeakRef(memory));
    }
    const start = ledgers.readNumber(words, place + B_ADDRESS);
    return new NativeBuffer(memory, address - start, byteLength, true);
  }

  /** The bytes. After `free()` a typed array kept from here reads as empty. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#memory.isFreed) throw new TypeError("Cannot use the buffer: it has been freed");
    return this.#bytes;
  }

  /** Whether it has been freed in this thread. */
  get isFreed(): boolean {
    return this.#memory.isFreed;
  }

  /** The buffer in the form that `postMessage` can send. */
  get token(): BufferToken {
    const { place, generation } = this.#memory;
    const { byteLength } = this;
    return { kind: "iocp.buffer", place, generation, byteOffset: this.#byteOffset, byteLength };
  }

  /** The place of the allocation in the ledger. @internal */
  get place(): number {
    return this.#memory.place;
  }

  /**
   * The operation at `at` in the ledger, which this thread is about to start, keeps the
   * memory. It must not be freed here.
   *
   * @internal
   */
  keep(words: Int32Array<ArrayBuffer>, at: number): void {
    const memory = this.#memory;
    words[at + O_BUFFER] = memory.place;
    words[at + O_ADDRESS] = this.#addressLow;
    words[at + O_ADDRESS + 1] = this.#addressHigh;
    if (memory.spare > 0) {
      memory.spare--;
      return;
    }
    const more = memory.spare < 0 ? 1 : SPARES;
    Atomics.add(words, memory.place + B_REFERENCES, more);
    if (more > 1) memory.spare = more - 1;
  }

  /** This thread has taken the packet of an operation that it had started. @internal */
  giveBack(): void {
    const memory = this.#memory;
    if (memory.spare < 0) dropBuffer(memory.place);
    else memory.spare++;
  }

  /**
   * A part of the buffer: the same memory, kept by the whole. Freeing a part
   * does nothing. Negative numbers count from the end, as in `Uint8Array.subarray`.
   */
  subarray(begin: number = 0, end: number = this.byteLength): NativeBuffer {
    const part = this.bytes.subarray(begin, end);
    return new NativeBuffer(this.#memory, part.byteOffset, part.byteLength, true);
  }

  /**
   * Lets the memory go. Typed arrays over it become empty in this thread; the
   * memory itself is given back once no other thread shows it and no operation
   * uses it. Calling it again does nothing.
   */
  free(): void {
    if (this.#isPart || this.#memory.isFreed) return;
    this.#memory.isFreed = true;
    shown.delete(this.#memory.place);
    detach(this.#memory.array);
    const references = 1 + Math.max(this.#memory.spare, 0);
    this.#memory.spare = -1;
    dropBuffer(this.#memory.place, references);
    if (hasHolds()) buryEnded();
  }

  /** As `free()`. */
  [Symbol.dispose](): void {
    this.free();
  }
}

/** `buffer` if it is one; a program without types may hand over anything. */
export function checkBuffer(buffer: NativeBuffer): NativeBuffer {
  if (buffer instanceof NativeBuffer) return buffer;
  throw new TypeError(
    `Cannot use ${
      described(buffer)
    } as a buffer: the kernel is given the memory of a NativeBuffer only`,
  );
}
