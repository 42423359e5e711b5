import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFileSync, symlinkSync, truncateSync } from "node:fs";
import {
  allocatedRangesIn,
  cloneRange,
  CompletionPort,
  DeviceHandle,
  FileHandle,
  type FileRange,
  FSCTL_GET_REPARSE_POINT,
  FSCTL_QUERY_ALLOCATED_RANGES,
  FSCTL_SET_REPARSE_POINT,
  FSCTL_SET_SPARSE,
  FSCTL_SET_ZERO_DATA,
  getReparsePoint,
  type Handle,
  ioctl,
  NativeBuffer,
  type Operation,
  type Packet,
  queryAllocatedRanges,
  reparsePointIn,
  setSparse,
  Win32Error,
  zeroRange,
} from "../../mod.ts";
import { Folder, isWindows, isWine, itUnless, unlessLinux } from "./fixture.ts";

const BLOCK = 65536;
const FIONREAD = 0x541B;
const unlessFileCodes = isWine && "Wine knows this code for no file: 50";
const unlessLinks = isWindows && "links need a privilege on Windows";

/** A port, and whatever is opened on it. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly port: CompletionPort = new CompletionPort();
  readonly buffer: NativeBuffer = NativeBuffer.allocate(16384);
  readonly #handles: Handle[] = [];

  associated<T extends Handle>(handle: T): T {
    this.#handles.push(handle);
    this.port.associate(handle, 5);
    return handle;
  }

  file(content: string | Uint8Array = "", name = "data.bin"): FileHandle {
    return this.associated(
      FileHandle.open(this.folder.file(name, content), { read: true, write: true }),
    );
  }

  /** The one packet that comes of `operation`, and no other. */
  packetOf(operation: Operation): Packet {
    const packet = this.port.get(20_000)!;
    assert(packet.operation === operation && operation.kind === "control");
    assertEquals([packet.key, this.port.counters.inFlight, this.port.get(0)], [5, 0, null]);
    return packet;
  }

  /** What it came to: 0, or the error's code. */
  codeOf(operation: Operation): number {
    return this.packetOf(operation).error?.code ?? 0;
  }

  rangesOf(file: Handle, range: FileRange): FileRange[] {
    const packet = this.packetOf(queryAllocatedRanges(file, range, this.buffer));
    assertEquals(packet.error, null);
    return allocatedRangesIn(this.buffer.bytes.subarray(0, packet.bytesTransferred));
  }

  /** Fills the buffer's beginning with 64-bit numbers and returns that part. */
  numbers(...values: readonly (number | bigint)[]): NativeBuffer {
    const part = this.buffer.subarray(0, values.length * 8);
    const fields = new DataView(part.bytes.buffer, part.bytes.byteOffset);
    values.forEach((value, index) => fields.setBigInt64(index * 8, BigInt(value), true));
    return part;
  }

  [Symbol.dispose](): void {
    for (const handle of this.#handles) handle.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

describe("control codes", () => {
  it("promise 1: one packet, with the operation, its tag and its call", () => {
    using bench = new Bench();
    const file = bench.file("abc");
    const operation = setSparse(file, true, 77);
    const { error, bytesTransferred } = bench.packetOf(operation);
    assertEquals([error, bytesTransferred, operation.tag, operation.buffer], [null, 0, 77, null]);
    const refused = bench.packetOf(file.control(FSCTL_GET_REPARSE_POINT, null, bench.buffer));
    assertEquals(refused.error?.call, "DeviceIoControl");
    assertEquals(refused.error?.subject, file.name);
    assert(refused.operation?.buffer === bench.buffer);
  });

  itUnless(isWine && "Wine says 50", "a code that the file does not know: 1", () => {
    using bench = new Bench();
    const file = bench.file("abc");
    // A device type that no vendor has, and any access.
    for (const code of [0x7FFF0000, 0x7FFF2003, 0xFFFF0000, 0]) {
      assertEquals(bench.codeOf(file.control(code, null, null)), 1, code.toString(16));
      assertEquals(bench.codeOf(file.control(code, bench.buffer, bench.buffer)), 1);
    }
  });

  itUnless(unlessFileCodes, "a code that needs a right the file was not opened with: 5", () => {
    using bench = new Bench();
    const path = bench.folder.file("read-only.bin", "abc");
    const reader = bench.associated(FileHandle.open(path));
    const writer = bench.associated(FileHandle.open(path, { write: true }));
    assertEquals(bench.codeOf(zeroRange(reader, { offset: 0, length: 1 })), 5);
    const range = { offset: 0, length: 1 };
    assertEquals(bench.codeOf(queryAllocatedRanges(writer, range, bench.buffer)), 5);
    assertEquals(readFileSync(path, "utf8"), "abc");
  });

  it("what is refused before anything starts", () => {
    using bench = new Bench();
    const file = bench.file("abc");
    for (const code of [-1, 1.5, NaN, 2 ** 33, Infinity]) {
      assertThrows(() => file.control(code, null, null), RangeError);
      assertThrows(() => ioctl(code), RangeError);
    }
    assertThrows(() => file.control(FSCTL_SET_SPARSE, 5, null), TypeError, "a number as input");
    assertThrows(() => file.control(ioctl(1), 5, bench.buffer), TypeError, "a number as input");
    assertThrows(() => file.control(ioctl(1), -5, null), RangeError);
    assertThrows(() => zeroRange(file, { offset: -1, length: 1 }), RangeError);
    assertThrows(() => zeroRange(file, { offset: 2 ** 52, length: 2 ** 53 - 1 }), RangeError);
    assertThrows(() => setSparse(file, true, 0.5), RangeError);
    using freed = NativeBuffer.allocate(16);
    freed.free();
    assertThrows(() => file.control(FSCTL_SET_SPARSE, freed, null), TypeError);
    assertThrows(() => file.control(FSCTL_SET_SPARSE, freed, bench.buffer), TypeError);
    assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
    file.close();
    const error = assertThrows(() => setSparse(file), Win32Error);
    assertEquals(error.code, 6);
  });

  it("contract: a handle that is none is told so whatever the code", () => {
    using bench = new Bench();
    const file = FileHandle.open(bench.folder.file("other", ""));
    using _close = file;
    assertThrows(() => file.control(FSCTL_SET_SPARSE, null, null), TypeError, "not associated");
  });
});

describe("sparse files", () => {
  itUnless(unlessFileCodes, "a range is zero afterwards, and the size stays", () => {
    using bench = new Bench();
    const file = bench.file("0123456789");
    assertEquals(bench.codeOf(zeroRange(file, { offset: 3, length: 4 })), 0);
    assertEquals(readFileSync(file.name, "utf8"), "012\0\0\0\x00789");
    assertEquals(bench.codeOf(zeroRange(file, { offset: 8, length: 1000 })), 0);
    assertEquals(readFileSync(file.name, "utf8"), "012\0\0\0\x007\0\0");
    assertEquals(bench.codeOf(zeroRange(file, { offset: 500, length: 1000 })), 0);
    assertEquals(bench.codeOf(zeroRange(file, { offset: 9, length: 2 ** 52 })), 0);
    assertEquals(bench.codeOf(zeroRange(file, { offset: 0, length: 0 })), 0);
    assertEquals(file.size(), 10);
  });

  itUnless(unlessFileCodes, "a zeroed part takes no room, and the rest is told", () => {
    using bench = new Bench();
    const file = bench.file(new Uint8Array(8 * BLOCK).fill(7));
    const all = { offset: 0, length: 8 * BLOCK };
    assertEquals(bench.rangesOf(file, all), [all]);
    assertEquals(bench.codeOf(setSparse(file)), 0);
    assertEquals(bench.codeOf(zeroRange(file, { offset: 2 * BLOCK, length: 3 * BLOCK })), 0);
    const [left, right] = [{ offset: 0, length: 2 * BLOCK }, {
      offset: 5 * BLOCK,
      length: 3 * BLOCK,
    }];
    assertEquals(bench.rangesOf(file, all), [left, right]);
    assertEquals(bench.rangesOf(file, { offset: 2 * BLOCK, length: 3 * BLOCK }), []);
    const cut = bench.rangesOf(file, { offset: BLOCK, length: 5 * BLOCK });
    assertEquals(cut, [{ offset: BLOCK, length: BLOCK }, { offset: 5 * BLOCK, length: BLOCK }]);
  });

  itUnless(unlessFileCodes, "ranges end where the file does, and there may be none", () => {
    using bench = new Bench();
    const file = bench.file("abc");
    assertEquals(bench.rangesOf(file, { offset: 0, length: 2 ** 50 }).length, 1);
    assertEquals(bench.rangesOf(file, { offset: 4096, length: 2 ** 50 }), []);
    assertEquals(bench.rangesOf(file, { offset: 0, length: 0 }), []);
    assertEquals(bench.rangesOf(bench.file("", "empty"), { offset: 0, length: 100 }), []);
    const [first] = bench.rangesOf(file, { offset: 0, length: Number.MAX_SAFE_INTEGER });
    assertEquals(first.offset, 0);
  });

  itUnless(unlessFileCodes, "more ranges than fit: 234 with those that do; none: 122", () => {
    using bench = new Bench();
    const path = bench.folder.file("holes", "");
    truncateSync(path, 40 * BLOCK);
    const file = bench.associated(FileHandle.open(path, { read: true, write: true }));
    assertEquals(bench.codeOf(setSparse(file)), 0);
    for (const block of [1, 11, 21, 31]) {
      file.write(bench.buffer.subarray(0, 100), block * BLOCK);
      assertEquals(bench.port.get()?.error, null);
    }
    const all = { offset: 0, length: 40 * BLOCK };
    assertEquals(bench.rangesOf(file, all).map(({ offset }) => offset / BLOCK), [1, 11, 21, 31]);
    const two = bench.packetOf(queryAllocatedRanges(file, all, bench.buffer.subarray(0, 47)));
    assertEquals([two.error?.code, two.bytesTransferred], [234, 32]);
    const ranges = allocatedRangesIn(bench.buffer.bytes.subarray(0, 32));
    assertEquals(ranges.map(({ offset }) => offset / BLOCK), [1, 11]);
    const none = queryAllocatedRanges(file, all, bench.buffer.subarray(0, 15));
    assertEquals(bench.codeOf(none), 122);
  });

  itUnless(unlessFileCodes, "a file that is no longer sparse has room for its holes", () => {
    using bench = new Bench();
    const file = bench.file("");
    truncateSync(file.name, 4 * BLOCK);
    assertEquals(bench.codeOf(setSparse(file, true)), 0);
    assertEquals(bench.rangesOf(file, { offset: 0, length: 4 * BLOCK }), []);
    assertEquals(bench.codeOf(setSparse(file, false)), 0);
    assertEquals(file.size(), 4 * BLOCK);
  });

  itUnless(unlessFileCodes, "buffers in Windows' own structures that are none: 87", () => {
    using bench = new Bench();
    const file = bench.file("0123456789");
    const codes: (readonly [number, NativeBuffer | null])[] = [
      [FSCTL_SET_ZERO_DATA, null],
      [FSCTL_SET_ZERO_DATA, bench.numbers(0)],
      [FSCTL_QUERY_ALLOCATED_RANGES, null],
    ];
    for (const [code, input] of codes) {
      assertEquals(bench.codeOf(file.control(code, input, null)), 87);
    }
    for (const [from, beyond] of [[5, 4], [-1, 4], [-5, -1]]) {
      const input = bench.numbers(from, beyond);
      assertEquals(bench.codeOf(file.control(FSCTL_SET_ZERO_DATA, input, null)), 87);
    }
    assertEquals(readFileSync(file.name, "utf8"), "0123456789");
  });

  it("shared blocks: the same content, or the file system says that it cannot", () => {
    using bench = new Bench();
    const content = new Uint8Array(4 * BLOCK).map((_, index) => index % 251);
    const source = bench.file(content, "source");
    const target = bench.file(new Uint8Array(4 * BLOCK), "target");
    const range = { offset: BLOCK, length: 2 * BLOCK };
    const code = bench.codeOf(cloneRange(target, source, range, 0));
    assert([0, 1, 50].includes(code), `${code}`);
    const expected = new Uint8Array(4 * BLOCK);
    if (code === 0) expected.set(content.subarray(BLOCK, 3 * BLOCK));
    assertEquals(new Uint8Array(readFileSync(target.name)), expected);
    source.close();
    const error = assertThrows(() => cloneRange(target, source, range, 0), Win32Error);
    assertEquals(error.code, 6);
  });
});

describe("links", () => {
  it("what is no link: 4390", () => {
    using bench = new Bench();
    assertEquals(bench.codeOf(getReparsePoint(bench.file("abc"), bench.buffer)), 4390);
    const folder = bench.associated(DeviceHandle.open(bench.folder.path("")));
    assertEquals(bench.codeOf(getReparsePoint(folder, bench.buffer)), 4390);
  });

  itUnless(unlessLinks, "a link says where it leads, in Windows' structure", () => {
    using bench = new Bench();
    for (const target of ["some/where", "/no/such/file", "über/☃/𝄞"]) {
      const path = bench.folder.path(`link-${target.length}`);
      symlinkSync(target, path);
      const link = bench.associated(DeviceHandle.open(path, { isLink: true }));
      const { error, bytesTransferred } = bench.packetOf(getReparsePoint(link, bench.buffer));
      assertEquals([error, bytesTransferred], [null, 20 + 4 * target.length]);
      const bytes = bench.buffer.bytes.subarray(0, bytesTransferred);
      const isRelative = !target.startsWith("/");
      assertEquals(reparsePointIn(bytes), { tag: 0xA000000C, target, isRelative });
      for (const length of [0, 7, 8, 19, 20, bytesTransferred - 1]) {
        assertThrows(() => reparsePointIn(bytes.subarray(0, length)), RangeError);
      }
      const cut = bench.packetOf(getReparsePoint(link, bench.buffer.subarray(0, 9)));
      assertEquals([cut.error?.code, cut.bytesTransferred], [234, 9]);
      assertEquals(bench.codeOf(getReparsePoint(link, bench.buffer.subarray(0, 7))), 122);
    }
  });

  itUnless(unlessLinux, "Linux: nothing becomes a link: 50", () => {
    using bench = new Bench();
    const operation = bench.file("").control(FSCTL_SET_REPARSE_POINT, bench.buffer, null);
    assertEquals(bench.codeOf(operation), 50);
  });
});

describe("ioctl", () => {
  itUnless(unlessLinux, "Linux: the output holds what it says, the count what it returned", () => {
    using bench = new Bench();
    const path = bench.folder.fifo("fifo");
    const fifo = bench.associated(FileHandle.open(path, { read: true, write: true }));
    fifo.write(bench.buffer.subarray(0, 300), 0);
    assertEquals(bench.port.get()?.bytesTransferred, 300);
    const output = bench.buffer.subarray(4096, 4100);
    output.bytes.fill(0xee);
    const packet = bench.packetOf(fifo.control(ioctl(FIONREAD), null, output));
    assertEquals([packet.error, packet.bytesTransferred], [null, 0]);
    assertEquals(new DataView(output.bytes.buffer, output.bytes.byteOffset).getInt32(0, true), 300);
    // An output that is too short gets its part, and nothing behind it is touched.
    bench.buffer.bytes.fill(0xee, 4096, 4104);
    bench.packetOf(fifo.control(ioctl(FIONREAD), null, bench.buffer.subarray(4096, 4097)));
    assertEquals([...bench.buffer.bytes.subarray(4096, 4099)], [300 & 0xff, 0xee, 0xee]);
  });

  itUnless(unlessLinux, "Linux: input and output are one argument; the input stays", () => {
    using bench = new Bench();
    const FIONBIO = 0x5421;
    const file = bench.file("abc");
    const [input, output] = [bench.buffer.subarray(0, 4), bench.buffer.subarray(8, 16)];
    bench.buffer.bytes.fill(9, 0, 16);
    assertEquals(bench.packetOf(file.control(ioctl(FIONBIO), input, output)).error, null);
    assertEquals([...bench.buffer.bytes.subarray(0, 16)], [
      ...[9, 9, 9, 9, 9, 9, 9, 9],
      ...[9, 9, 9, 9, 0, 0, 0, 0],
    ]);
  });

  itUnless(unlessLinux, "Linux: a number is the argument itself", () => {
    using bench = new Bench();
    const FIOCLEX = 0x5451;
    const file = bench.file("abc");
    const { error, bytesTransferred } = bench.packetOf(file.control(ioctl(FIOCLEX), 0, null));
    assertEquals([error, bytesTransferred], [null, 0]);
  });

  it("a number that the handle does not know: 1", () => {
    using bench = new Bench();
    for (const number of [0x54FE, 0, 0xFFFFFFFF]) {
      assertEquals(bench.codeOf(bench.file("abc").control(ioctl(number), null, null)), 1);
    }
  });
});

describe("DeviceHandle", () => {
  it("opens what FileHandle does not: a directory", () => {
    using bench = new Bench();
    const path = bench.folder.path("");
    assertThrows(() => FileHandle.open(path), Win32Error);
    using folder = DeviceHandle.open(path);
    assertEquals([folder.kind, folder.name, folder.isClosed], ["device", path, false]);
    using twin = DeviceHandle.attach(folder.token);
    assertEquals(twin.name, path);
    assertThrows(() => DeviceHandle.attach({ ...folder.token, kind: "iocp.file" }), TypeError);
  });

  it("refuses what is no path, and says what it could not open", () => {
    using folder = new Folder();
    for (const path of ["", "a\0b"]) assertThrows(() => DeviceHandle.open(path), TypeError);
    const missing = folder.path("missing");
    const error = assertThrows(() => DeviceHandle.open(missing), Win32Error);
    assertEquals([error.code, error.subject], [2, missing]);
  });

  itUnless(unlessLinux, "Linux: reads and writes a device", () => {
    using bench = new Bench();
    const zero = bench.associated(DeviceHandle.open("/dev/zero", { read: true, write: true }));
    bench.buffer.bytes.fill(1);
    zero.read(bench.buffer.subarray(0, 100));
    assertEquals(bench.port.get()?.bytesTransferred, 100);
    assertEquals(bench.buffer.bytes.indexOf(1), 100);
    zero.write(bench.buffer.subarray(0, 100));
    assertEquals(bench.port.get()?.error, null);
  });

  itUnless(unlessLinux, "Linux: a directory is neither read nor written: 1", () => {
    using bench = new Bench();
    const folder = bench.associated(DeviceHandle.open(bench.folder.path(""), { read: true }));
    folder.read(bench.buffer);
    assertEquals(bench.port.get()?.error?.code, 1);
  });
});
