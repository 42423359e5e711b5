import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer, type Packet } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { region } from "../../src/system/linux/region.ts";
import { BAD_NUMBERS, Folder, isLinux, isWindows, itUnless } from "./fixture.ts";

const PAGE = 4096;

/** `pages` pages of bytes that tell where they are. */
function content(pages: number): Uint8Array {
  return Uint8Array.from({ length: pages * PAGE }, (_, i) => (i >>> 12) * 7 + i * 13 & 0xff);
}

/** A port, a file on it and buffers. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly path: string;
  readonly port: CompletionPort = new CompletionPort();
  readonly file: FileHandle;
  readonly #buffers: NativeBuffer[] = [];

  constructor(bytes: Uint8Array) {
    this.path = this.folder.file("data.bin", bytes);
    // Not every file system of Linux can do without its cache; Windows wants it so.
    this.file = FileHandle.open(this.path, { read: true, write: true, unbuffered: isWindows });
    this.port.associate(this.file, 4);
  }

  /** Buffers of so many pages each, no two of them neighbours. */
  buffers(...pages: number[]): NativeBuffer[] {
    const buffers = pages.map((count) => NativeBuffer.allocate((count + 1) * PAGE));
    this.#buffers.push(...buffers);
    return buffers.map((buffer, index) => buffer.subarray(0, pages[index] * PAGE));
  }

  packet(): Packet {
    const packet = this.port.get()!;
    assertEquals([packet.key, this.port.counters.inFlight, this.port.get(0)], [4, 0, null]);
    assertEquals(ledger().annexes.count(), 0);
    if (isLinux) assertEquals(region().vectors.count(), 0);
    return packet;
  }

  [Symbol.dispose](): void {
    this.file.close();
    this.port.close();
    for (const buffer of this.#buffers) buffer.free();
    this.folder[Symbol.dispose]();
  }
}

function joined(buffers: readonly NativeBuffer[]): Uint8Array {
  return Uint8Array.from(buffers.flatMap(({ bytes }) => [...bytes]));
}

describe("readScatter", () => {
  for (const pages of [[1], [2, 1, 3], Array.from({ length: 40 }, () => 1), [200, 1]]) {
    it(`fills ${pages.length} buffers of ${pages[0]} pages, one after the other`, () => {
      const bytes = content(300);
      using bench = new Bench(bytes);
      const buffers = bench.buffers(...pages);
      const operation = bench.file.readScatter(buffers, 2 * PAGE, 7);
      assertEquals([operation.kind, operation.offset, operation.tag], [
        "readScatter",
        2 * PAGE,
        7,
      ]);
      assert(operation.buffer === buffers[0]);
      const packet = bench.packet();
      const length = pages.reduce((sum, count) => sum + count) * PAGE;
      assertEquals([packet.error, packet.bytesTransferred], [null, length]);
      assert(packet.operation === operation);
      assertEquals(joined(buffers), bytes.subarray(2 * PAGE, 2 * PAGE + length));
    });
  }

  it("takes as many buffers as the limit says, and no more", () => {
    using bench = new Bench(content(600));
    using memory = NativeBuffer.allocate(2048 * PAGE);
    const part = (i: number) => memory.subarray(i * PAGE, (i + 1) * PAGE);
    const buffers = Array.from({ length: 1024 }, (_, i) => part(2 * i));
    bench.file.readScatter(buffers, 0);
    assertEquals(bench.packet().bytesTransferred, 600 * PAGE);
    assertEquals(joined(buffers.slice(0, 600)), content(600));
    assertThrows(() => bench.file.readScatter([...buffers, part(1)], 0), RangeError, "1025");
  });

  it("case 69: what goes beyond the end: the count is what there was; at the end: 38", () => {
    using bench = new Bench(content(3));
    const buffers = bench.buffers(1, 2, 1);
    bench.file.readScatter(buffers, PAGE);
    const { error, bytesTransferred } = bench.packet();
    assertEquals([error, bytesTransferred], [null, 2 * PAGE]);
    bench.file.readScatter(buffers, 3 * PAGE);
    const packet = bench.packet();
    assertEquals([packet.error?.code, packet.error?.call], [38, "ReadFileScatter"]);
    assertEquals(packet.bytesTransferred, 0);
  });

  it("promise 5: the buffers may be freed at once, and stay until the packet is taken", () => {
    using bench = new Bench(content(8));
    const before = ledger().buffers.count();
    const buffers = [1, 2, 3].map(() => NativeBuffer.allocate(PAGE));
    bench.file.readScatter(buffers, 0);
    for (const buffer of buffers) buffer.free();
    assertEquals(ledger().buffers.count(), before + 3);
    assertEquals(bench.packet().bytesTransferred, 3 * PAGE);
    assertEquals(ledger().buffers.count(), before);
  });
});

describe("writeGather", () => {
  for (const pages of [[1], [2, 1, 3], Array.from({ length: 40 }, () => 1)]) {
    it(`writes ${pages.length} buffers of ${pages[0]} pages, one after the other`, () => {
      using bench = new Bench(content(1));
      const buffers = bench.buffers(...pages);
      buffers.forEach(({ bytes }, i) => bytes.fill(i + 1));
      const operation = bench.file.writeGather(buffers, PAGE, -1);
      assertEquals([operation.kind, operation.tag], ["writeGather", -1]);
      const { error, bytesTransferred } = bench.packet();
      assertEquals([error, bytesTransferred], [null, joined(buffers).length]);
      const written = new Uint8Array(readFileSync(bench.path));
      assertEquals(written.subarray(0, PAGE), content(1));
      assertEquals(written.subarray(PAGE), joined(buffers));
    });
  }

  it("many at once: a packet for each, and every page in its place", () => {
    using bench = new Bench(new Uint8Array());
    const all = Array.from({ length: 32 }, () => bench.buffers(1, 1, 1, 1, 1, 1));
    all.forEach((buffers, i) => buffers.forEach(({ bytes }, j) => bytes.fill(i * 6 + j)));
    bench.port.batch(() =>
      all.forEach((buffers, i) => bench.file.writeGather(buffers, i * 6 * PAGE, i))
    );
    for (let taken = 0; taken < 32;) {
      for (const { error, bytesTransferred } of bench.port.getMany(32)) {
        assertEquals([error, bytesTransferred], [null, 6 * PAGE]);
        taken++;
      }
    }
    const written = readFileSync(bench.path);
    assertEquals(written.length, 32 * 6 * PAGE);
    for (let page = 0; page < 32 * 6; page++) assertEquals(written[page * PAGE + 5], page);
  });

  itUnless(isWindows && "opens read-only without a cache", "without the right: 5", () => {
    using bench = new Bench(content(1));
    using file = FileHandle.open(bench.path);
    bench.port.associate(file, 4);
    file.writeGather(bench.buffers(1), 0);
    assertEquals(bench.packet().error?.code, 5);
  });
});

describe("transfers of pages: what is none", () => {
  it("no buffers, or such that are not whole pages, are a RangeError", () => {
    using bench = new Bench(content(2));
    const [buffer] = bench.buffers(2);
    for (
      const buffers of [
        [],
        [buffer.subarray(1, PAGE + 1)],
        [buffer.subarray(0, PAGE + 1)],
        [buffer, buffer.subarray(0, 512)],
      ]
    ) {
      assertThrows(() => bench.file.readScatter(buffers, 0), RangeError);
      assertThrows(() => bench.file.writeGather(buffers, 0), RangeError);
    }
    for (const number of BAD_NUMBERS) {
      assertThrows(() => bench.file.readScatter([buffer], number), RangeError);
    }
    assertThrows(() => bench.file.readScatter([buffer], 0, 0.5), RangeError);
    assertEquals(bench.port.counters.inFlight, 0);
  });

  it("a freed buffer is a TypeError, and nothing is kept", () => {
    using bench = new Bench(content(2));
    const [buffer] = bench.buffers(1);
    const freed = NativeBuffer.allocate(PAGE);
    freed.free();
    assertThrows(() => bench.file.readScatter([buffer, freed], 0), TypeError);
    assertThrows(() => bench.file.readScatter([freed, buffer], 0), TypeError);
    assertEquals([bench.port.counters.inFlight, ledger().annexes.count()], [0, 0]);
  });
});
