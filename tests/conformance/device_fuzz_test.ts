import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CompletionPort,
  DeviceHandle,
  type DeviceOptions,
  FileHandle,
  FSCTL_DUPLICATE_EXTENTS_TO_FILE,
  FSCTL_GET_REPARSE_POINT,
  FSCTL_QUERY_ALLOCATED_RANGES,
  FSCTL_SET_SPARSE,
  FSCTL_SET_ZERO_DATA,
  ioctl,
  NativeBuffer,
  reparsePointIn,
  Win32Error,
} from "../../mod.ts";
import { Folder, isWindows, itUnless, unlessLinux } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { chooseSeed, randomFrom } from "./random.ts";

/** Of each of the two kinds of codes; Wine's calls are slow. */
const ROUNDS = isWindows ? 2000 : 50_000;
/** Of ways to open a device. */
const OPENS = isWindows ? 2000 : 100_000;
const TWINS = [
  FSCTL_SET_SPARSE,
  FSCTL_SET_ZERO_DATA,
  FSCTL_QUERY_ALLOCATED_RANGES,
  FSCTL_DUPLICATE_EXTENTS_TO_FILE,
  FSCTL_GET_REPARSE_POINT,
];
/** The largest file that the fuzzing is to make room for. */
const FILE_BYTES = 1 << 20;

type Random = (limit: number) => number;

/** Fills the buffer with numbers that are likely to hit something. */
function fill(buffer: NativeBuffer, random: Random, handle: number): void {
  const fields = new DataView(buffer.bytes.buffer, buffer.bytes.byteOffset, 32);
  for (let at = 0; at < 32; at += 8) {
    const values = [0, random(100), random(FILE_BYTES), 4096 * random(300), -1, handle, 2 ** 52];
    const value = BigInt(values[random(values.length)]);
    fields.setBigInt64(at, random(5) === 0 ? value << BigInt(random(64)) : value, true);
  }
}

/** A part of the buffer, of a length that is likely to be at an edge; or none. */
function part(buffer: NativeBuffer, random: Random): NativeBuffer | null {
  const length = [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 64, 200][random(13)];
  return length === undefined ? null : buffer.subarray(0, length);
}

/** Starts so many control operations, one after the other; each brings one packet and its count fits. */
function fuzz(
  handles: readonly (FileHandle | DeviceHandle)[],
  random: Random,
  code: () => number,
): Map<number, number> {
  using port = new CompletionPort();
  using input = NativeBuffer.allocate(4096);
  using output = NativeBuffer.allocate(4096);
  for (const handle of handles) port.associate(handle, 1);
  const codes = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const handle = handles[random(handles.length)];
    fill(input, random, handles.length);
    const into = part(output, random);
    const control = code();
    const operation = handle.control(control, part(input, random), into, round);
    const packet = port.get(20_000)!;
    assert(packet.operation === operation);
    assertEquals(packet.operation.tag, round);
    const error = packet.error?.code ?? 0;
    if (control < 2 ** 32) assert(packet.bytesTransferred <= (into?.bytes.length ?? 0));
    codes.set(error, (codes.get(error) ?? 0) + 1);
  }
  assertEquals([port.counters.inFlight, port.get(0)], [0, null]);
  return codes;
}

describe("control codes, fuzzed", () => {
  it(`${ROUNDS} codes that both systems know, with any buffers: an answer each`, () => {
    using folder = new Folder();
    const random = randomFrom(chooseSeed("device_fuzz, twins"));
    const before = openHandles();
    const path = folder.file("data.bin", new Uint8Array(FILE_BYTES));
    const handles = [
      FileHandle.open(path, { read: true, write: true }),
      FileHandle.open(path),
      DeviceHandle.open(folder.path("")),
    ];
    const codes = fuzz(handles, random, () => TWINS[random(TWINS.length)]);
    assert(codes.has(0) && codes.size > 3, [...codes].join(" "));
    for (const handle of handles) handle.close();
    assertEquals(openHandles(), before);
  });

  itUnless(unlessLinux, `Linux: ${ROUNDS} codes and ioctls of any number: an answer each`, () => {
    using folder = new Folder();
    const random = randomFrom(chooseSeed("device_fuzz, all"));
    const path = folder.fifo("fifo");
    const before = openHandles();
    const handles = [
      FileHandle.open(path, { read: true, write: true }),
      DeviceHandle.open("/dev/null", { read: true, write: true }),
    ];
    // No ioctl that waits for a peer or changes more than its own handle is known to these two.
    const codes = fuzz(handles, random, () => {
      const number = random(2 ** 32 - 1);
      return random(2) === 0 ? number : ioctl(number);
    });
    assert((codes.get(1) ?? 0) > ROUNDS / 4, [...codes].join(" "));
    for (const handle of handles) handle.close();
    // What the runtime had open for mkfifo it may close meanwhile.
    assertLessOrEqual(openHandles(), before);
  });

  it("100,000 links of any bytes: read, or a RangeError", () => {
    const random = randomFrom(chooseSeed("device_fuzz, links"));
    let read = 0;
    for (let round = 0; round < 100_000; round++) {
      const bytes = new Uint8Array(random(48)).map(() => random(random(2) === 0 ? 12 : 256));
      if (bytes.length > 3 && random(2) === 0) bytes.set([12, 0, 0, 0xa0]);
      try {
        reparsePointIn(bytes);
        read++;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    assert(read > 0);
  });

  it(`${OPENS} ways to open a device: a handle, or an error that says why`, () => {
    using folder = new Folder();
    const random = randomFrom(chooseSeed("device_fuzz, options"));
    const paths = [folder.file("f"), folder.path(""), folder.path("none"), "", "a\0", "\\\\.\\"];
    const before = openHandles();
    for (let round = 0; round < OPENS; round++) {
      const options: DeviceOptions = {};
      for (const name of ["read", "write", "isLink"] as const) {
        if (random(2) === 0) options[name] = random(2) === 0;
      }
      if (random(4) === 0) options.share = { read: random(2) === 0, write: random(2) === 0 };
      try {
        DeviceHandle.open(paths[random(paths.length)], options).close();
      } catch (error) {
        if (!(error instanceof Win32Error || error instanceof TypeError)) throw error;
      }
    }
    assertEquals(openHandles(), before);
  });
});
