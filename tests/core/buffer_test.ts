import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { NativeBuffer } from "../../src/core/buffer.ts";
import { ledger } from "../../src/core/ledger.ts";
import { startWorker } from "../conformance/fixture.ts";

/** Buffers that are allocated. */
function count(): number {
  return ledger().buffers.count();
}

describe("a native buffer", () => {
  it("is zeroed, page-aligned and as long as asked for", () => {
    for (const byteLength of [1, 7, 4096, 4097, 1 << 20]) {
      using buffer = NativeBuffer.allocate(byteLength);
      assertEquals([buffer.byteLength, buffer.bytes.length], [byteLength, byteLength]);
      assertEquals(buffer.address % 4096, 0);
      assert(buffer.bytes.every((byte) => byte === 0));
      buffer.bytes.fill(0xFF); // The next one at this address must be zeroed again.
    }
  });

  it("is writable to its last byte", () => {
    using buffer = NativeBuffer.allocate(10_000);
    buffer.bytes[0] = 1;
    buffer.bytes[9999] = 2;
    assertEquals([buffer.bytes.at(0), buffer.bytes.at(-1)], [1, 2]);
  });

  it("promise 5: freeing makes every view of it empty, and a second time does nothing", () => {
    const before = count();
    const buffer = NativeBuffer.allocate(64);
    const { bytes, token } = buffer;
    const view = bytes.subarray(8, 16);
    const words = new Uint32Array(bytes.buffer);
    assertEquals(count(), before + 1);
    buffer.free();
    buffer.free();
    assertEquals([bytes.length, view.length, words.length, bytes[0]], [0, 0, 0, undefined]);
    assertEquals([buffer.isFreed, count()], [true, before]);
    assertThrows(() => buffer.bytes, TypeError, "freed");
    assertThrows(() => buffer.subarray(0, 1), TypeError, "freed");
    assertThrows(() => NativeBuffer.attach(token), TypeError, "freed");
  });

  it("promise 5: freeing twice takes nothing from a buffer allocated since", () => {
    const first = NativeBuffer.allocate(64);
    first.free();
    using second = NativeBuffer.allocate(64);
    first.free();
    second.bytes.fill(7);
    assertEquals([second.isFreed, second.bytes[63]], [false, 7]);
  });

  it("subarray: the same memory, by the rules of Uint8Array", () => {
    using buffer = NativeBuffer.allocate(100);
    for (
      const [begin, end] of [[0, 100], [10, 20], [-20, -10], [90, 200], [50, 50], [60, 40], [
        -1,
        100,
      ]]
    ) {
      const part = buffer.subarray(begin, end);
      const expected = buffer.bytes.subarray(begin, end);
      assertEquals(part.byteLength, expected.length);
      assertEquals(part.address - buffer.address, expected.byteOffset - buffer.bytes.byteOffset);
    }
    assertEquals([buffer.subarray().byteLength, buffer.subarray(30).byteLength], [100, 70]);
    const inner = buffer.subarray(10, 50).subarray(5, 10);
    inner.bytes.fill(9);
    assertEquals([inner.address, buffer.bytes[14], buffer.bytes[15]], [buffer.address + 15, 0, 9]);
  });

  it("subarray: freeing a part does nothing; freeing the whole frees its parts", () => {
    using buffer = NativeBuffer.allocate(64);
    const part = buffer.subarray(8, 16);
    part.free();
    assertEquals([part.isFreed, buffer.isFreed, part.bytes.length], [false, false, 8]);
    buffer.free();
    assertEquals(part.isFreed, true);
    assertThrows(() => part.bytes, TypeError, "freed");
  });

  it("attach: the same memory, and each holder frees for itself", () => {
    const before = count();
    const buffer = NativeBuffer.allocate(64);
    const part = NativeBuffer.attach(buffer.subarray(16, 32).token);
    buffer.bytes[16] = 42;
    assertEquals([part.byteLength, part.bytes[0], part.address], [16, 42, buffer.address + 16]);
    buffer.free();
    assertEquals([part.bytes[0], part.isFreed, count()], [42, false, before + 1]);
    part.free();
    assertEquals(count(), before);
  });

  it("promise 8: another thread sees the same bytes, and its freeing leaves ours", async () => {
    using buffer = NativeBuffer.allocate(4096);
    buffer.bytes.fill(3);
    const token = buffer.subarray(100, 200).token;
    assertEquals(await startWorker<number>("fill", { token, value: 8, isFreeing: true }), 300);
    assertEquals([buffer.bytes[99], buffer.bytes[100], buffer.bytes[199]], [3, 8, 8]);
    assertEquals([buffer.bytes[200], buffer.isFreed], [3, false]);
  });

  it("promise 8: a thread that keeps it keeps the memory after we have freed it", async () => {
    const before = count();
    const buffer = NativeBuffer.allocate(4096);
    const { token } = buffer;
    await startWorker<number>("fill", { token, value: 8, isFreeing: false });
    buffer.free();
    assertEquals(count(), before + 1);
    // The thread has ended without freeing it: whoever has the token still can.
    const attached = NativeBuffer.attach(token);
    assertEquals(attached.bytes[4095], 8);
    attached.free();
    assertEquals(count(), before + 1);
  });

  it("a block scope frees it", () => {
    const before = count();
    {
      using _buffer = NativeBuffer.allocate(64);
      assertEquals(count(), before + 1);
    }
    assertEquals(count(), before);
  });
});
