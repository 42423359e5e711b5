import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { detach, view, wordIndex, wordsAround } from "../../src/ffi/memory.ts";
import { system } from "../../src/system/system.ts";

/** Calls `work` with memory that is zeroed, and given back afterwards. */
function withMemory(byteLength: number, work: (address: number) => void): void {
  const { code, value } = system.virtualAlloc(byteLength);
  assertEquals(code, 0);
  try {
    work(value);
  } finally {
    assertEquals(system.virtualFree(value, byteLength), 0);
  }
}

describe("views of native memory", () => {
  it("two views of one place are the same memory, also to Atomics", () => {
    withMemory(4096, (address) => {
      const first = new Int32Array(view(address, 4096));
      const second = new Int32Array(view(address + 8, 16));
      assert(first.every((word) => word === 0));
      Atomics.add(first, 2, 7);
      assertEquals(Atomics.compareExchange(second, 0, 7, 9), 7);
      assertEquals([first[2], second[0], second.length], [9, 9, 4]);
    });
  });

  it("detaching makes everything over the view empty, and leaves the memory", () => {
    withMemory(4096, (address) => {
      const array = view(address, 64);
      const bytes = new Uint8Array(array);
      const words = new Uint32Array(array, 8, 2);
      bytes[8] = 5;
      detach(array);
      assertEquals([array.byteLength, bytes.length, words.length, bytes[8]], [0, 0, 0, undefined]);
      assertEquals(new Uint8Array(view(address, 64))[8], 5);
    });
  });

  it("address 0 cannot be viewed", () => {
    assertThrows(() => view(0, 16), TypeError, "address 0");
  });

  it("words are found by their address, across windows and back", () => {
    const size = 12 * 1024 * 1024;
    withMemory(size, (address) => {
      const whole = new Uint32Array(view(address, size));
      for (const offset of [0, 4, 4096, 4 << 20, (4 << 20) - 4, (8 << 20) + 32, size - 4, 0]) {
        whole[offset / 4] = offset + 1;
        const words = wordsAround(address + offset);
        assertEquals(words[wordIndex(address + offset)], offset + 1);
        words[wordIndex(address + offset)] = offset + 2;
        assertEquals(whole[offset / 4], offset + 2);
      }
    });
  });

  it("a structure may cross the end of a window", () => {
    const window = 4 * 1024 * 1024;
    withMemory(2 * window, (address) => {
      const border = Math.ceil((address + 4096) / window) * window;
      const whole = new Uint32Array(view(border - 16, 32));
      for (let i = 0; i < 8; i++) whole[i] = i + 1;
      const words = wordsAround(border - 16);
      const at = wordIndex(border - 16);
      assertEquals([...words.subarray(at, at + 8)], [1, 2, 3, 4, 5, 6, 7, 8]);
    });
  });

  it("the first addresses of all are refused", () => {
    for (const address of [0, 16, 4 * 1024 * 1024 - 4]) {
      assertThrows(() => wordsAround(address), RangeError);
    }
  });
});

describe("memory of the process", () => {
  it("is found again by its name, and is another one by another name", () => {
    const name = `iocp-test-${Math.floor(performance.timeOrigin)}`;
    const first = system.mapProcessMemory(name, 65536);
    assertEquals([first.code, first.value % 4096], [0, 0]);
    const words = new Int32Array(view(first.value, 65536));
    assert(words.every((word) => word === 0));
    words[5] = 77;
    const again = system.mapProcessMemory(name, 65536);
    assertEquals(new Int32Array(view(again.value, 65536))[5], 77);
    const other = system.mapProcessMemory(`${name}-other`, 65536);
    assertEquals([other.code, new Int32Array(view(other.value, 65536))[5]], [0, 0]);
  });

  it("what is allocated is zeroed each time, and apart", () => {
    withMemory(8192, (first) => {
      withMemory(8192, (second) => {
        assert(Math.abs(first - second) >= 8192);
        new Uint8Array(view(first, 8192)).fill(0xFF);
        assert(new Uint8Array(view(second, 8192)).every((byte) => byte === 0));
      });
    });
    withMemory(8192, (again) => {
      assert(new Uint8Array(view(again, 8192)).every((byte) => byte === 0));
    });
  });
});
