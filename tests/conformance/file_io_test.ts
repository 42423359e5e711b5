import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  CompletionPort,
  FileHandle,
  NativeBuffer,
  type OpenOptions,
  type Packet,
} from "../../mod.ts";
import { Folder, isLinux, isWine, itUnless } from "./fixture.ts";

/** A port, a file on it and a buffer. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly path: string;
  readonly port: CompletionPort = new CompletionPort();
  readonly file: FileHandle;
  readonly buffer: NativeBuffer;

  constructor(content: string | Uint8Array, options: OpenOptions = { read: true, write: true }) {
    this.path = this.folder.file("data.bin", content);
    this.file = FileHandle.open(this.path, options);
    this.buffer = NativeBuffer.allocate(16384);
    this.port.associate(this.file, 9);
  }

  /** Fills the buffer's beginning with `text` and returns that part. */
  write(text: string): NativeBuffer {
    const bytes = new TextEncoder().encode(text);
    this.buffer.bytes.set(bytes);
    return this.buffer.subarray(0, bytes.length);
  }

  /** The one packet that comes, and no other. */
  packet(): Packet {
    const packet = this.port.get()!;
    assertEquals([packet.key, this.port.counters.inFlight, this.port.get(0)], [9, 0, null]);
    return packet;
  }

  text(length: number): string {
    return new TextDecoder().decode(this.buffer.bytes.subarray(0, length));
  }

  get content(): string {
    return readFileSync(this.path, "utf8");
  }

  [Symbol.dispose](): void {
    this.file.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

describe("reading and writing", () => {
  it("promise 1: a read brings one packet, with its operation", () => {
    using bench = new Bench("0123456789");
    const operation = bench.file.read(bench.buffer.subarray(0, 4), 3, 55);
    assertEquals([operation.kind, operation.offset, operation.tag], ["read", 3, 55]);
    assertEquals(bench.port.counters.inFlight, 1);
    const packet = bench.packet();
    assertEquals([packet.bytesTransferred, packet.error], [4, null]);
    assert(packet.operation === operation);
    assertEquals(bench.text(5), "3456\0");
  });

  it("promise 1: a write brings one packet, and the bytes are in the file", () => {
    using bench = new Bench("0123456789");
    const part = bench.write("abc");
    const operation = bench.file.write(part, 4, -7);
    const packet = bench.packet();
    assertEquals([packet.bytesTransferred, packet.error], [3, null]);
    assertEquals([packet.operation?.kind, packet.operation?.tag], ["write", -7]);
    assert(packet.operation === operation && packet.operation.buffer === part);
    assertEquals(bench.content, "0123abc789");
  });

  it("promise 1: a write behind the end extends the file by zeros", () => {
    using bench = new Bench("01");
    bench.file.write(bench.write("abc"), 5);
    bench.packet();
    assertEquals(bench.content, "01\0\0\0abc");
  });

  it("case 69: a read that begins before the end and goes beyond it: the count is what there was", () => {
    using bench = new Bench("0123456789");
    bench.file.read(bench.buffer, 7);
    const packet = bench.packet();
    assertEquals([packet.bytesTransferred, packet.error, bench.text(4)], [3, null, "789\0"]);
  });

  itUnless(
    !isLinux && "there is no /proc",
    "case 69: of a file that comes in pieces and says it is empty: the count is all there is",
    () => {
      using port = new CompletionPort();
      using file = FileHandle.open("/proc/self/maps");
      using buffer = NativeBuffer.allocate(4 * 1024 * 1024);
      port.associate(file, 1);
      file.read(buffer, 0);
      const { bytesTransferred, error } = port.get()!;
      assertEquals(error, null);
      // It gives 4 KiB at a time, and the stack is among its last lines.
      assert(bytesTransferred > 4096);
      const text = new TextDecoder().decode(buffer.bytes.subarray(0, bytesTransferred));
      assertStringIncludes(text, "[stack]");
    },
  );

  for (const offset of [10, 11, 4096, 2 ** 40]) {
    it(`case 69: a read at ${offset} of 10 bytes: a packet with ERROR_HANDLE_EOF (38)`, () => {
      using bench = new Bench("0123456789");
      bench.file.read(bench.buffer, offset, 3);
      const { error, bytesTransferred, operation } = bench.packet();
      assertEquals([error?.code, error?.name], [38, "ERROR_HANDLE_EOF"]);
      assertEquals([error?.call, error?.subject], ["ReadFile", bench.path]);
      assertEquals([bytesTransferred, operation?.tag, operation?.offset], [0, 3, offset]);
    });
  }

  for (const offset of [0, 5, 10, 4096]) {
    it(`case 70: a read of nothing at ${offset} of 10 bytes succeeds with 0 bytes`, () => {
      using bench = new Bench("0123456789");
      bench.file.read(bench.buffer.subarray(0, 0), offset);
      const packet = bench.packet();
      assertEquals([packet.error, packet.bytesTransferred], [null, 0]);
    });

    it(`case 70: a write of nothing at ${offset} of 10 bytes succeeds and changes nothing`, () => {
      using bench = new Bench("0123456789");
      bench.file.write(bench.buffer.subarray(0, 0), offset);
      const packet = bench.packet();
      assertEquals([packet.error, packet.bytesTransferred], [null, 0]);
      assertEquals(bench.content, "0123456789");
    });
  }

  it("case 66: many at once: a packet for each, whatever the order", () => {
    const content = Uint8Array.from({ length: 16384 }, (_, index) => index * 7 & 0xff);
    using bench = new Bench(content);
    const parts = Array.from({ length: 256 }, (_, i) => bench.buffer.subarray(i * 64, i * 64 + 64));
    bench.port.batch(() => parts.forEach((part, i) => bench.file.read(part, i * 64, i)));
    assertEquals(bench.port.counters.inFlight, 256);
    const tags: number[] = [];
    while (tags.length < 256) {
      for (const { operation, error, bytesTransferred } of bench.port.getMany(100)) {
        assertEquals([error, bytesTransferred], [null, 64]);
        tags.push(operation!.tag);
      }
    }
    assertEquals(tags.sort((a, b) => a - b), Array.from({ length: 256 }, (_, i) => i));
    assertEquals(bench.buffer.bytes, content);
    assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
  });

  for (const base of [2 ** 32 - 4, 2 ** 32, 5 * 2 ** 30 + 1, 2 ** 33 - 1]) {
    it(`offsets above 4 GiB: at ${base} of a file that is mostly a hole`, () => {
      using bench = new Bench("start");
      bench.file.write(bench.write("far away"), base);
      const written = bench.packet();
      assertEquals([written.error, written.bytesTransferred], [null, 8]);
      assertEquals(bench.file.size(), base + 8);
      bench.buffer.bytes.fill(0);
      bench.file.read(bench.buffer.subarray(0, 16), base - 4);
      const read = bench.packet();
      assertEquals([read.error, read.bytesTransferred], [null, 12]);
      assertEquals([bench.text(12), read.operation?.offset], ["\0\0\0\0far away", base - 4]);
      bench.file.read(bench.buffer.subarray(0, 5), 0);
      bench.packet();
      assertEquals(bench.text(5), "start");
    });
  }

  it("promise 1: the largest tags and offsets come back as they were", () => {
    using bench = new Bench("abc");
    for (const tag of [2 ** 53 - 1, -(2 ** 53 - 1), -1, 2 ** 31, 2 ** 32, -(2 ** 32) - 1]) {
      const offset = 2 ** 53 - 1;
      bench.file.read(bench.buffer, offset, tag);
      const { operation, error } = bench.packet();
      assert(error !== null); // at 8 PiB there is nothing
      assertEquals([operation?.tag, operation?.offset], [tag, offset]);
    }
  });
});

describe("ways of opening", () => {
  it("append: each write goes to the end, whatever its offset", () => {
    using bench = new Bench("start", { append: true });
    for (const [text, offset] of [["-one", 0], ["-two", 2], ["-three", 10_000]] as const) {
      bench.file.write(bench.write(text), offset);
      const packet = bench.packet();
      assertEquals([packet.error, packet.bytesTransferred], [null, text.length]);
    }
    assertEquals(bench.content, "start-one-two-three");
  });

  it("append and read: writes go to the end, reads where they are told", () => {
    using bench = new Bench("start", { append: true, read: true });
    bench.file.write(bench.write("-one"), 0);
    bench.packet();
    bench.file.read(bench.buffer, 2);
    assertEquals([bench.packet().bytesTransferred, bench.text(7)], [7, "art-one"]);
  });

  it("writeThrough: a write completes as any other", () => {
    using bench = new Bench("0123456789", { write: true, writeThrough: true });
    bench.file.write(bench.write("abc"), 0);
    const packet = bench.packet();
    assertEquals([packet.error, packet.bytesTransferred], [null, 3]);
    assertEquals(bench.content, "abc3456789");
  });

  const noDirectIo = isLinux && withoutDirectIo();

  itUnless(noDirectIo, "unbuffered: reads and writes of whole blocks at whole blocks", () => {
    const content = Uint8Array.from({ length: 16384 }, (_, index) => index >> 3 & 0xff);
    using bench = new Bench(content, { read: true, write: true, unbuffered: true });
    const half = bench.buffer.subarray(0, 8192);
    bench.file.read(half, 4096);
    const read = bench.packet();
    assertEquals([read.error, read.bytesTransferred], [null, 8192]);
    assertEquals(half.bytes, content.subarray(4096, 12288));
    half.bytes.fill(7);
    bench.file.write(half, 8192);
    const written = bench.packet();
    assertEquals([written.error, written.bytesTransferred], [null, 8192]);
    const now = new Uint8Array(readFileSync(bench.path));
    assertEquals(now.subarray(0, 8192), content.subarray(0, 8192));
    assert(now.subarray(8192).every((byte) => byte === 7));
  });

  itUnless(
    noDirectIo,
    "unbuffered: a block at the end of a file is as long as what is there",
    () => {
      using bench = new Bench("x".repeat(5000), { read: true, unbuffered: true });
      bench.file.read(bench.buffer.subarray(0, 8192), 0);
      assertEquals(bench.packet().bytesTransferred, 5000);
      bench.file.read(bench.buffer.subarray(0, 4096), 8192);
      assertEquals(bench.packet().error?.code, 38);
    },
  );

  itUnless(
    isWine ? "Wine takes any place" : noDirectIo || isLinux && takesAnyPlace(),
    "unbuffered: a place or length that is not whole: a packet with 87",
    () => {
      using bench = new Bench("x".repeat(8192), { read: true, unbuffered: true });
      for (const [begin, length, offset] of [[1, 4096, 0], [0, 4095, 0], [0, 4096, 1]]) {
        bench.file.read(bench.buffer.subarray(begin, begin + length), offset, 6);
        const { error, operation } = bench.packet();
        assertEquals([error?.code, error?.call, operation?.tag], [87, "ReadFile", 6]);
      }
    },
  );

  for (
    const [method, call, options] of [
      ["write", "WriteFile", { read: true }],
      ["read", "ReadFile", { write: true }],
      ["read", "ReadFile", { append: true }],
    ] as const
  ) {
    const opened = Object.keys(options)[0];
    it(`promise 1: ${method} on a file opened for ${opened}: the refusal is a packet with 5`, () => {
      using bench = new Bench("abc", options);
      const operation = bench.file[method](bench.buffer.subarray(0, 2), 0, 81);
      const packet = bench.packet();
      assertEquals([packet.error?.code, packet.error?.name], [5, "ERROR_ACCESS_DENIED"]);
      assertEquals([packet.error?.call, packet.error?.subject], [call, bench.path]);
      const { message } = packet.error!;
      assertStringIncludes(message, `${call} of ${bench.path} failed: ERROR_ACCESS_DENIED (5)`);
      assertEquals([packet.bytesTransferred, packet.operation?.tag], [0, 81]);
      assert(packet.operation === operation);
      assertEquals(bench.content, "abc");
    });
  }
});

/** Opens a file past the page cache and reads `length` bytes at 0; false if that is refused. */
function readsDirectly(length: number): boolean {
  using folder = new Folder();
  const path = folder.file("data.bin", "x".repeat(8192));
  let fd = -1;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
    if (length === 0) return true;
    using buffer = NativeBuffer.allocate(8192);
    return readSync(fd, buffer.bytes, 0, length, 0) > 0;
  } catch {
    return false;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function withoutDirectIo(): string | false {
  return !readsDirectly(0) && `the file system of ${tmpdir()} has no O_DIRECT`;
}

function takesAnyPlace(): string | false {
  return readsDirectly(4095) && "this file system takes any place and length";
}
