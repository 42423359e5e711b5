/**
 * The contract without the core: handles and memory by number, given back when the block is left.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { view } from "../../src/ffi/memory.ts";
import {
  CompletionEntries,
  FILE_FLAG_OVERLAPPED,
  FILE_SHARE_DELETE,
  FILE_SHARE_READ,
  FILE_SHARE_WRITE,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  OVERLAPPED_BYTES,
  STATUS_PENDING,
  system,
} from "../../src/system/system.ts";

const SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/** Native memory, and where it lies. */
export interface Memory {
  readonly address: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
}

/** Handles that are opened and closed again before and after one whose number is to stay free. */
const SPARE_NUMBERS = 16;

/** Handles and memory of one test. Operations must have ended when it is disposed of. */
export class Raw {
  readonly #handles: number[] = [];
  readonly #memory: (readonly [address: number, byteLength: number])[] = [];

  /** A new port. */
  port(concurrency = 0): number {
    const { code, value } = system.createIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, concurrency);
    assertEquals(code, 0);
    return this.own(value);
  }

  /** An open file. */
  file(
    path: string,
    { access = GENERIC_READ | GENERIC_WRITE, flags = FILE_FLAG_OVERLAPPED } = {},
  ): number {
    const { code, value } = system.createFile(path, access, SHARE_ALL, OPEN_EXISTING, flags, 0);
    assertEquals(code, 0);
    return this.own(value);
  }

  /** A file that is associated with `port`. */
  associated(path: string, port: number, key: number): number {
    const file = this.file(path);
    assertEquals(system.createIoCompletionPort(file, port, key, 0).code, 0);
    return file;
  }

  /** Closes `handle` too when the block is left. */
  own(handle: number): number {
    this.#handles.push(handle);
    return handle;
  }

  /** Closes `handle` before the block is left: from then on its number may be another's. */
  close(handle: number): void {
    const index = this.#handles.indexOf(handle);
    assert(index >= 0, `${handle} is no open handle of this test`);
    this.#handles.splice(index, 1);
    assertEquals(system.closeHandle(handle), 0);
  }

  /**
   * What the number of a handle is after `open` and closing: nobody's. Windows and Wine soon give it out
   * again, also to a thread of the runtime, and what the test asked of it would be done to that
   * thread's. So others are given out first: lower ones by Wine, the last ones freed by Windows.
   */
  closed(open: () => number): number {
    const spares = Array.from({ length: SPARE_NUMBERS }, () => this.port());
    const handle = open();
    this.close(handle);
    for (const spare of spares) this.close(spare);
    return handle;
  }

  /** Zeroed memory. */
  memory(byteLength: number): Memory {
    const { code, value } = system.virtualAlloc(byteLength);
    assertEquals(code, 0);
    this.#memory.push([value, byteLength]);
    const bytes = new Uint8Array(view(value, byteLength));
    return { address: value, bytes, words: new Uint32Array(bytes.buffer, 0, byteLength >>> 2) };
  }

  /** Room for packets. */
  entries(capacity: number): CompletionEntries {
    return new CompletionEntries(this.memory(capacity * OVERLAPPED_BYTES).address, capacity);
  }

  /** An OVERLAPPED for an operation at `offset`. */
  overlapped(offset = 0): Memory {
    const overlapped = this.memory(OVERLAPPED_BYTES);
    overlapped.words[4] = offset % 2 ** 32;
    overlapped.words[5] = Math.floor(offset / 2 ** 32);
    return overlapped;
  }

  [Symbol.dispose](): void {
    const codes = this.#handles.reverse().map((handle) => system.closeHandle(handle));
    for (const [address, byteLength] of this.#memory) system.virtualFree(address, byteLength);
    assert(codes.every((code) => code === 0), `a handle was not the test's any more: ${codes}`);
  }
}

/** The NTSTATUS in an OVERLAPPED. */
export function statusOf(overlapped: Memory): number {
  return overlapped.words[0];
}

/** Whether the operation of an OVERLAPPED reads as under way. */
export function isPending(overlapped: Memory): boolean {
  return statusOf(overlapped) === STATUS_PENDING;
}
