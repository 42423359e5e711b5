import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort } from "../../mod.ts";
import { INVALID_HANDLE_VALUE, system } from "../../src/system/system.ts";
import { Folder, GARBAGE_HANDLES } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { Raw } from "./raw.ts";

const create = system.createIoCompletionPort;

/** How often a thing is done that must leave no handle behind. */
const ROUNDS = 300;

describe("creating a port, contract", () => {
  for (const concurrency of [0, 1, 0x80000000, 0xFFFFFFFF]) {
    it(`case 1: concurrency ${concurrency} gives a new handle and ignores the key`, () => {
      using raw = new Raw();
      const first = create(INVALID_HANDLE_VALUE, 0, 0, concurrency);
      const second = create(INVALID_HANDLE_VALUE, 0, 12345, concurrency);
      raw.own(first.value);
      raw.own(second.value);
      assertEquals([first.code, second.code], [0, 0]);
      assert(first.value > 0 && Number.isSafeInteger(first.value));
      assertNotEquals(first.value, second.value);
    });
  }

  it("case 2: no file, but a port: 87", () => {
    using raw = new Raw();
    assertEquals(create(INVALID_HANDLE_VALUE, raw.port(), 1, 0).code, 87);
  });

  it("case 3: file 0, with a port and without: 6, and no port is left", () => {
    using raw = new Raw();
    const port = raw.port();
    const before = openHandles();
    for (let i = 0; i < ROUNDS; i++) {
      assertEquals(create(0, port, 1, 0), { code: 6, value: 0, errno: 0 });
      assertEquals(create(0, 0, 1, 0), { code: 6, value: 0, errno: 0 });
    }
    assert(openHandles() - before < ROUNDS / 2);
  });

  it("case 4: a file that is none, with a port and without: 6", () => {
    using raw = new Raw();
    const port = raw.port();
    for (const garbage of GARBAGE_HANDLES) {
      if (garbage === INVALID_HANDLE_VALUE) continue; // That is case 2.
      assertEquals(create(garbage, port, 1, 0).code, 6, `${garbage}, port`);
      assertEquals(create(garbage, 0, 1, 0).code, 6, `${garbage}, no port`);
    }
  });

  it("case 5: a port that is none: 6, and the file stays unassociated", () => {
    using folder = new Folder();
    using raw = new Raw();
    const path = folder.file("data.bin");
    const [file, other] = [raw.file(path), raw.file(path)];
    for (const garbage of [...GARBAGE_HANDLES.filter((value) => value !== 0), other]) {
      assertEquals(create(file, garbage, 1, 0).code, 6, String(garbage));
    }
    assertEquals(create(file, raw.port(), 1, 0).code, 0);
  });

  it("case 6: a port in the place of the file: 6", () => {
    using raw = new Raw();
    const [port, other] = [raw.port(), raw.port()];
    assertEquals(create(other, port, 1, 0).code, 6);
    assertEquals(create(port, port, 1, 0).code, 6);
    assertEquals(create(port, 0, 1, 0).code, 6);
  });

  it("case 7: with an existing port the concurrency value is ignored and its handle answered", () => {
    using folder = new Folder();
    using raw = new Raw();
    const port = raw.port(3);
    const file = raw.file(folder.file("data.bin"));
    assertEquals(create(file, port, 1, 99), { code: 0, value: port, errno: 0 });
  });

  it("case 8: a file and no port: both in one call", () => {
    using folder = new Folder();
    using raw = new Raw();
    const file = raw.file(folder.file("data.bin", "abc"));
    const { code, value: port } = create(file, 0, 77, 0);
    raw.own(port);
    assertEquals(code, 0);
    const [into, overlapped, entries] = [raw.memory(16), raw.overlapped(), raw.entries(1)];
    assertEquals(system.readFile(file, into.address, 16, overlapped.address), 997);
    assertEquals(system.getQueuedCompletionStatus(port, entries, Infinity), 0);
    assertEquals([entries.key(0), entries.bytes(0)], [77, 3]);
  });

  it("case 8: when the association fails, the new port is gone", () => {
    using folder = new Folder();
    using raw = new Raw();
    const file = raw.file(folder.file("data.bin"), { flags: 0 });
    const before = openHandles();
    for (let i = 0; i < ROUNDS; i++) assertEquals(create(file, 0, 1, 0).code, 87);
    assert(openHandles() - before < ROUNDS / 2);
  });
});

describe("creating a port", () => {
  it("case 1: the concurrency value is the one given; 0 and none mean the processors", () => {
    using one = new CompletionPort({ concurrency: 1 });
    using most = new CompletionPort({ concurrency: 0xFFFFFFFF });
    using zero = new CompletionPort({ concurrency: 0 });
    using none = new CompletionPort();
    const processors = navigator.hardwareConcurrency;
    assertEquals(
      [one.concurrency, most.concurrency, zero.concurrency, none.concurrency],
      [1, 0xFFFFFFFF, processors, processors],
    );
  });

  for (const concurrency of [-1, 1.5, NaN, Infinity, 2 ** 32]) {
    it(`promise 1: a concurrency of ${concurrency} is a RangeError that names it`, () => {
      const error = assertThrows(() => new CompletionPort({ concurrency }), RangeError);
      assertStringIncludes(error.message, "concurrency");
      assertStringIncludes(error.message, String(concurrency));
    });
  }

  it("a new port has nothing queued, in flight, posted or taken", () => {
    using port = new CompletionPort();
    const { queued, inFlight, posted, taken } = port.counters;
    assertEquals([queued, inFlight, posted, taken], [0, 0, 0, 0]);
  });

  it("the port says which engine carries its I/O", () => {
    using port = new CompletionPort();
    assert(port.engine.length > 0);
  });
});
