import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CompletionPort,
  FileHandle,
  NativeBuffer,
  type PostedPacket,
  Win32Error,
} from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import {
  BAD_NUMBERS,
  Folder,
  GARBAGE_HANDLES,
  itUnless,
  NO_NUMBERS,
  unlessLinux,
} from "./fixture.ts";
import { Raw } from "./raw.ts";

const post = system.postQueuedCompletionStatus;
const take = system.getQueuedCompletionStatusEx;

/** Numbers at the edges of what two words hold and of what a double holds. */
const WIDE = [1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 5, 2 ** 53 - 2, 2 ** 53 - 1];

describe("posting, contract", () => {
  it("case 18: a packet of nothing but zeros is a packet", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    entries.words.fill(0xCCCCCCCC);
    assertEquals(post(port, 0, 0, 0), 0);
    assertEquals(take(port, entries, 1, 0), 0);
    assertEquals(entries.removed, 1);
    const { key, overlapped, status, bytes } = fieldsOf(entries, 0);
    assertEquals([key, overlapped, status, bytes], [0, 0, 0, 0]);
  });

  it("case 19: bytes, key and overlapped come back bit for bit", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    for (const wide of WIDE) {
      for (const bytes of [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]) {
        const other = 2 ** 53 - 1 - wide;
        assertEquals(post(port, bytes, wide, other), 0);
        assertEquals(take(port, entries, 1, 0), 0);
        assertEquals(
          fieldsOf(entries, 0),
          { key: wide, overlapped: other, status: 0, bytes },
        );
      }
    }
  });

  it("case 20: the memory behind overlapped is neither read nor written; it may queue many times", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(4)];
    const { address, bytes } = raw.memory(64);
    bytes.fill(0xA5);
    for (let i = 1; i <= 3; i++) assertEquals(post(port, i, i, address), 0);
    assertEquals(take(port, entries, 4, 0), 0);
    assertEquals(entries.removed, 3);
    for (let i = 0; i < 3; i++) {
      assertEquals([entries.key(i), entries.overlapped(i)], [i + 1, address]);
    }
    assert(bytes.every((byte) => byte === 0xA5));
  });

  it("case 20: an overlapped that is no address is only a number", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    for (const overlapped of [1, 3, 4096, 2 ** 47, 2 ** 53 - 1]) {
      assertEquals(post(port, 0, 0, overlapped), 0);
      assertEquals(take(port, entries, 1, 0), 0);
      assertEquals(entries.overlapped(0), overlapped);
    }
  });

  it("case 21: a port that is none: 6", () => {
    using folder = new Folder();
    using raw = new Raw();
    const closed = raw.closed(() => raw.port());
    const file = raw.file(folder.file("data.bin"));
    for (const port of [...GARBAGE_HANDLES, closed, file]) {
      assertEquals(post(port, 1, 1, 0), 6, String(port));
    }
  });

  it("case 22: 100,000 packets have room and come in order", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1000)];
    for (let i = 0; i < 100_000; i++) assertEquals(post(port, i, i, 0), 0);
    for (let expected = 0; expected < 100_000;) {
      assertEquals(take(port, entries, 1000, 0), 0);
      for (let i = 0; i < entries.removed; i++) assertEquals(entries.key(i), expected++);
    }
    assertEquals(take(port, entries, 1000, 0), 258);
  });

  itUnless(
    unlessLinux,
    "case 22, promise 10: at the limit of the queue 1450, and nothing is lost",
    () => {
      using raw = new Raw();
      const [port, entries] = [raw.port(), raw.entries(1000)];
      let posted = 0;
      let code = 0;
      while ((code = post(port, 0, posted, 0)) === 0) posted++;
      assertEquals(code, 1450);
      assertEquals(posted, 131_072);
      assertEquals(post(port, 0, posted, 0), 1450);
      assertEquals(take(port, entries, 1, 0), 0);
      assertEquals(entries.key(0), 0);
      assertEquals(post(port, 0, posted, 0), 0);
      for (let expected = 1; expected <= posted;) {
        assertEquals(take(port, entries, 1000, 0), 0);
        for (let i = 0; i < entries.removed; i++) assertEquals(entries.key(i), expected++);
      }
    },
  );

  function fieldsOf(
    entries: ReturnType<Raw["entries"]>,
    index: number,
  ): { key: number; overlapped: number; status: number; bytes: number } {
    return {
      key: entries.key(index),
      overlapped: entries.overlapped(index),
      status: entries.status(index),
      bytes: entries.bytes(index),
    };
  }
});

describe("posting", () => {
  it("case 18: what is absent is 0, and the packet has no operation and no error", () => {
    using port = new CompletionPort();
    port.post({});
    const packet = port.get(0);
    assertEquals(
      { ...packet },
      { key: 0, bytesTransferred: 0, overlapped: 0, operation: null, error: null },
    );
  });

  it("case 19: bytes, key and overlapped come back bit for bit", () => {
    using port = new CompletionPort();
    for (const wide of WIDE) {
      port.post({ key: wide, bytesTransferred: 0xFFFFFFFF, overlapped: 2 ** 53 - 1 - wide });
      const packet = port.get(0);
      assertEquals(
        [packet?.key, packet?.bytesTransferred, packet?.overlapped],
        [wide, 0xFFFFFFFF, 2 ** 53 - 1 - wide],
      );
    }
  });

  it("case 21: a closed port: Win32Error 6 of PostQueuedCompletionStatus", () => {
    const port = new CompletionPort();
    port.close();
    const error = assertThrows(() => port.post({ key: 1 }), Win32Error);
    assertEquals([error.code, error.name], [6, "ERROR_INVALID_HANDLE"]);
    assertEquals(error.call, "PostQueuedCompletionStatus");
  });

  for (const field of ["key", "bytesTransferred", "overlapped"] as const) {
    it(`promise 1: a bad ${field} is a RangeError that names it, and nothing is posted`, () => {
      using port = new CompletionPort();
      const bad = field === "bytesTransferred" ? [...BAD_NUMBERS, 2 ** 32] : BAD_NUMBERS;
      for (const value of [...bad, ...NO_NUMBERS.map(([, value]) => value)]) {
        const packet: PostedPacket = { [field]: value };
        const error = assertThrows(() => port.post(packet), RangeError);
        assertStringIncludes(error.message, field);
      }
      assertEquals([port.counters.posted, port.get(0)], [0, null]);
    });
  }

  it("promise 2: the address of an operation cannot be posted: its packet comes once", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    port.associate(file, 1);
    file.read(buffer, 0);
    const { overlapped = 0 } = port.get() ?? {};
    assert(overlapped > 0);
    for (const address of [overlapped, overlapped + 4, overlapped + 32]) {
      assertThrows(() => port.post({ overlapped: address }), RangeError);
    }
    assertEquals(port.get(0), null);
  });

  it("promise 10: posted, taken and queued are counted", () => {
    using port = new CompletionPort();
    for (let key = 1; key <= 5; key++) port.post({ key });
    port.getMany(2);
    const { posted, taken, queued } = port.counters;
    assertEquals([posted, taken, queued], [5, 2, 3]);
  });
});
