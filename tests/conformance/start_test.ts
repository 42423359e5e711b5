import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, limits, NativeBuffer, Win32Error } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { BAD_NUMBERS, Folder, isLinux, itUnless } from "./fixture.ts";

/** A port and a file on it. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly path: string = this.folder.file("data.bin", "abc");
  readonly port: CompletionPort = new CompletionPort();
  readonly file: FileHandle = FileHandle.open(this.path, { read: true, write: true });
  readonly buffer: NativeBuffer = NativeBuffer.allocate(64);

  constructor() {
    this.port.associate(this.file, 1);
  }

  /** `start` throws, and nothing is started: no operation, no packet, and the file as it was. */
  assertNothingStarted<E extends Error>(
    start: () => unknown,
    errorClass: new (...args: never[]) => E,
    text: string,
  ): E {
    const before = ledger().operations.count();
    const error = assertThrows(start, errorClass, text);
    assertEquals(ledger().operations.count(), before);
    assertEquals([this.port.counters.inFlight, this.port.get(0)], [0, null]);
    assertEquals(this.file.isClosed || this.file.size() === 3, true);
    return error;
  }

  [Symbol.dispose](): void {
    this.file.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

const METHODS = ["read", "write"] as const;

describe("promise 1: a start that throws has started nothing", () => {
  for (const method of METHODS) {
    for (const offset of BAD_NUMBERS) {
      it(`${method} at offset ${offset}`, () => {
        using bench = new Bench();
        const start = () => bench.file[method](bench.buffer, offset);
        const error = bench.assertNothingStarted(start, RangeError, "offset");
        assertStringIncludes(error.message, String(offset));
      });
    }

    for (const tag of [1.5, NaN, 2 ** 53, -(2 ** 53), Infinity]) {
      it(`${method} with tag ${tag}`, () => {
        using bench = new Bench();
        const start = () => bench.file[method](bench.buffer, 0, tag);
        bench.assertNothingStarted(start, RangeError, "tag");
      });
    }

    it(`${method} with a buffer that has been freed, or a part of one`, () => {
      using bench = new Bench();
      const part = bench.buffer.subarray(0, 8);
      bench.buffer.free();
      for (const buffer of [bench.buffer, part]) {
        bench.assertNothingStarted(() => bench.file[method](buffer, 0), TypeError, "freed");
      }
    });

    it(`${method} on a file that is closed`, () => {
      using bench = new Bench();
      bench.file.close();
      const start = () => bench.file[method](bench.buffer, 0);
      const error = bench.assertNothingStarted(start, Win32Error, bench.path);
      assertEquals([error.code, error.call], [6, method === "read" ? "ReadFile" : "WriteFile"]);
    });

    it(`${method} on a file that is not associated`, () => {
      using bench = new Bench();
      using file = FileHandle.open(bench.path, { read: true, write: true });
      const start = () => file[method](bench.buffer, 0);
      const error = bench.assertNothingStarted(start, TypeError, "not associated");
      assertStringIncludes(error.message, bench.path);
      bench.port.associate(file, 1);
    });

    itUnless(
      !isLinux && "committing that much memory is for real at once",
      `${method} of more than MAX_TRANSFER_BYTES`,
      () => {
        using bench = new Bench();
        using buffer = NativeBuffer.allocate(limits.MAX_TRANSFER_BYTES + 4096);
        const start = () => bench.file[method](buffer, 0);
        bench.assertNothingStarted(start, RangeError, "length");
      },
    );
  }

  it("what failed to start leaves nothing behind, and the next start works", () => {
    using bench = new Bench();
    const { operations, buffers, handles } = ledger();
    const count = () => [operations.count(), buffers.count(), handles.count()];
    const before = count();
    for (let i = 0; i < 1000; i++) {
      assertThrows(() => bench.file.read(bench.buffer, -1), RangeError);
      assertThrows(() => bench.file.read(bench.buffer, 0, NaN), RangeError);
    }
    assertEquals(count(), before);
    bench.file.read(bench.buffer, 0);
    assertEquals(bench.port.get()?.bytesTransferred, 3);
    assertEquals(count(), before);
  });

  it("calls on a closed file leave the files opened since alone", () => {
    using bench = new Bench();
    bench.file.read(bench.buffer, 0, 1);
    bench.file.close(); // its place is kept until the packet is taken
    for (let i = 0; i < 5; i++) {
      assertThrows(() => bench.file.read(bench.buffer, 0), Win32Error);
      assertThrows(() => bench.file.size(), Win32Error);
      assertEquals(bench.port.counters.inFlight, 1);
    }
    using others = new DisposableStack();
    const files = Array.from({ length: 8 }, () => others.use(FileHandle.open(bench.path)));
    const packet = bench.port.get();
    assertEquals([packet?.operation?.tag, packet?.bytesTransferred], [1, 3]);
    for (let i = 0; i < 5; i++) assertThrows(() => bench.file.read(bench.buffer, 0), Win32Error);
    assertEquals(files.map((file) => file.isClosed ? -1 : file.size()), files.map(() => 3));
  });

  it("calls on a closed port leave the ports made since alone", () => {
    using bench = new Bench();
    bench.port.close(); // its place is kept by the file
    const { ports } = ledger();
    const before = ports.count();
    for (let i = 0; i < 5; i++) {
      assertThrows(() => bench.port.post({ key: 1 }), Win32Error);
      assertThrows(() => bench.port.get(0), Win32Error);
    }
    assertEquals(ports.count(), before);
    using others = new DisposableStack();
    const made = Array.from({ length: 8 }, () => others.use(new CompletionPort()));
    bench.file.close();
    for (let i = 0; i < 5; i++) assertThrows(() => bench.port.post({ key: 1 }), Win32Error);
    for (const [key, port] of made.entries()) port.post({ key });
    assertEquals(made.map((port) => port.get(0)?.key), made.map((_, key) => key));
  });

  for (const byteLength of [0, ...BAD_NUMBERS]) {
    it(`a buffer of ${byteLength} bytes is a RangeError`, () => {
      const before = ledger().buffers.count();
      assertThrows(() => NativeBuffer.allocate(byteLength), RangeError);
      assertEquals(ledger().buffers.count(), before);
    });
  }

  it("a buffer larger than all memory is a Win32Error that says how large", () => {
    const before = ledger().buffers.count();
    const error = assertThrows(() => NativeBuffer.allocate(2 ** 52), Win32Error);
    assertInstanceOf(error, Win32Error);
    assertEquals([error.call, error.subject], ["VirtualAlloc", "4503599627370496 bytes"]);
    // What Windows says to more than its address space is not written down.
    if (isLinux) assertEquals([error.code, error.errno], [8, 12]);
    assertEquals(ledger().buffers.count(), before);
  });
});
