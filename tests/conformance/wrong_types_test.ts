/**
 * What a program without types may hand over: the error says what cannot be used and as what, and
 * nothing is started.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  cloneRange,
  CompletionPort,
  type ControlData,
  DeviceHandle,
  DirectoryHandle,
  FileHandle,
  getReparsePoint,
  type Handle,
  NativeBuffer,
  PipeHandle,
  Pool,
  queryAllocatedRanges,
  SerialHandle,
  SocketHandle,
  Win32Error,
} from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { Folder, isWindows, itUnless } from "./fixture.ts";
import { TestPool } from "./pool.ts";

/** Values that are nothing this module has made, each with the words that errors have for it. */
const STRANGERS: readonly (readonly [words: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["5", 5],
  ['"text"', "text"],
  ["an object", {}],
  ["a Uint8Array", new Uint8Array(8)],
  ["a function", () => 5],
];

const ADDRESS = { hostname: "127.0.0.1", port: 9 };
const RANGE = { offset: 0, length: 1 };

/** Handles of each kind on one port, and a buffer that is one. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly port: CompletionPort = new CompletionPort();
  readonly path: string = this.folder.file("data.bin", "abc");
  readonly file: FileHandle = FileHandle.open(this.path, { read: true, write: true });
  readonly directory: DirectoryHandle = DirectoryHandle.open(this.folder.path(""));
  readonly socket: SocketHandle = SocketHandle.tcp();
  readonly pipe: PipeHandle = PipeHandle.serve(`\\\\.\\pipe\\iocp-strange-${performance.now()}`);
  readonly buffer: NativeBuffer = NativeBuffer.allocate(4096);

  constructor() {
    for (const handle of [this.file, this.directory, this.socket, this.pipe]) {
      this.port.associate(handle, 1);
    }
  }

  [Symbol.dispose](): void {
    for (const handle of [this.file, this.directory, this.socket, this.pipe]) handle.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

/** Every start with something in the place of a buffer. */
const WITH_BUFFER: Readonly<Record<string, (bench: Bench, strange: NativeBuffer) => unknown>> = {
  "read": ({ file }, strange) => file.read(strange, 0),
  "write": ({ file }, strange) => file.write(strange, 0),
  "readScatter of one in a list": ({ file, buffer }, strange) =>
    file.readScatter([buffer, strange], 0),
  "getReparsePoint": ({ file }, strange) => getReparsePoint(file, strange),
  "queryAllocatedRanges": ({ file }, strange) => queryAllocatedRanges(file, RANGE, strange),
  "readChanges": ({ directory }, strange) => directory.readChanges(strange),
  "send": ({ socket }, strange) => socket.send(strange),
  "send of one in a list": ({ socket, buffer }, strange) => socket.send([buffer, strange]),
  "receive": ({ socket }, strange) => socket.receive(strange),
  "sendTo": ({ socket }, strange) => socket.sendTo(strange, ADDRESS),
  "receiveFrom": ({ socket }, strange) => socket.receiveFrom(strange),
  "receiveFrom of one in a list": ({ socket }, strange) => socket.receiveFrom([strange]),
  "sendMessage": ({ socket }, strange) => socket.sendMessage({ data: strange }),
  "receiveMessage": ({ socket }, strange) => socket.receiveMessage({ data: strange }),
  "transact of a request": ({ pipe, buffer }, strange) => pipe.transact(strange, buffer),
  "transact for a reply": ({ pipe, buffer }, strange) => pipe.transact(buffer, strange),
};

/** Every call with something in the place of a handle. */
const WITH_HANDLE: Readonly<Record<string, (bench: Bench, strange: Handle) => unknown>> = {
  "associate": ({ port }, strange) => port.associate(strange, 1),
  "accept": ({ socket }, strange) => socket.accept(strange as SocketHandle),
  "cloneRange from": ({ file }, strange) => cloneRange(file, strange, RANGE, 0),
  "cloneRange into": ({ file }, strange) => cloneRange(strange, file, RANGE, 0),
  "queryAllocatedRanges of": ({ buffer }, strange) => queryAllocatedRanges(strange, RANGE, buffer),
};

const PLACES: Readonly<Record<string, (path: string) => unknown>> = {
  "a file": (path) => FileHandle.open(path),
  "a directory": (path) => DirectoryHandle.open(path),
  "a device": (path) => DeviceHandle.open(path),
};

function assertRefused(bench: Bench, start: () => unknown, words: string): void {
  const before = ledger().operations.count();
  const error = assertThrows(start, TypeError);
  assertStringIncludes(error.message, `Cannot use ${words} as a`);
  assertEquals(ledger().operations.count(), before);
  assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
}

describe("values of other types", () => {
  for (const [name, start] of Object.entries(WITH_BUFFER)) {
    it(`promise 1: ${name}: what is no buffer is refused by name, and nothing is started`, () => {
      using bench = new Bench();
      for (const [words, value] of STRANGERS) {
        assertRefused(bench, () => start(bench, value as NativeBuffer), words);
      }
    });
  }

  for (const [name, call] of Object.entries(WITH_HANDLE)) {
    it(`promise 1: ${name}: what is no handle is refused by name, and nothing is started`, () => {
      using bench = new Bench();
      for (const [words, value] of STRANGERS) {
        assertRefused(bench, () => call(bench, value as Handle), words);
      }
    });
  }

  for (const [name, open] of Object.entries(PLACES)) {
    it(`promise 9: what is no path is refused by name: ${name}`, () => {
      for (const [words, value] of STRANGERS.filter(([, value]) => typeof value !== "string")) {
        const error = assertThrows(() => open(value as string), TypeError);
        assertStringIncludes(error.message, `Cannot use ${words} as a path`);
      }
    });
  }

  it("promise 1: control data of wrong types are refused by name, and nothing is sent without them", () => {
    using bench = new Bench();
    const { socket, buffer } = bench;
    const hostname = "127.0.0.1";
    const cases: readonly (readonly [name: string, control: unknown])[] = [
      ["descriptors", { descriptors: 5 }],
      ["descriptors", { descriptors: "5" }],
      ["hopLimit", { hopLimit: "7" }],
      ["hopLimit", { hopLimit: NaN }],
      ["hopLimit", { hopLimit: 256 }],
      ["packetInfo.hostname", { packetInfo: { hostname: 5, interfaceIndex: 0 } }],
      ["packetInfo.interfaceIndex", { packetInfo: { hostname } }],
      ["credentials.userId", { credentials: { processId: 1, userId: -1, groupId: 0 } }],
    ];
    const before = ledger().operations.count();
    for (const [name, control] of cases) {
      const message = { data: buffer, control: control as ControlData };
      const error = assertThrows(() => socket.sendMessage(message), Error);
      assertStringIncludes(error.message, ` as ${name}: it`);
    }
    assertEquals([ledger().operations.count(), bench.port.get(0)], [before, null]);
  });

  it("5: what is no port is refused as a pool's", () => {
    for (const [words, value] of STRANGERS.filter(([, value]) => value !== undefined)) {
      const make = () => new Pool("data:text/javascript,", { port: value as CompletionPort });
      assertStringIncludes(
        assertThrows(make, TypeError).message,
        `Cannot use ${words} as the port`,
      );
    }
  });

  it("4: what a clone would make something else of is refused: handles, ports, buffers in other places", async () => {
    await using pool = await TestPool.open({ threads: 1 });
    using port = new CompletionPort();
    using folder = new Folder();
    const path = folder.file("data.bin");
    using file = FileHandle.open(path);
    using buffer = NativeBuffer.allocate(8);
    const cases: readonly (readonly [value: unknown, text: string])[] = [
      [file, path],
      [[{ file }], path],
      [new Map([[1, [file]]]), path],
      [port, "a port"],
      [new Set([buffer]), "the buffer"],
      [[buffer, buffer], "the buffer"],
      [Array.from({ length: 100 }, () => ({ part: buffer.subarray(1) })), "the buffer"],
    ];
    for (const [value, text] of cases) {
      const error = await assertRejects(() => pool.run("echo", value), DOMException);
      assertEquals(error.name, "DataCloneError");
      assertStringIncludes(error.message, `Cannot send ${text === path ? "the file " : ""}${text}`);
      assertStringIncludes(error.message, "token");
    }
    assertEquals(await pool.run("echo", { token: file.token }), { token: file.token });
  });

  it("promise 9: text in the place of a number is shown as text", () => {
    using bench = new Bench();
    const truncate = () => bench.file.truncate("5" as unknown as number);
    const { message } = assertThrows(truncate, RangeError);
    assertStringIncludes(message, 'Cannot use "5" as size');
  });

  it("promise 9: a closed port is told from a closed handle, and a second association by name", () => {
    using bench = new Bench();
    using file = FileHandle.open(bench.path);
    const twice = assertThrows(() => bench.port.associate(bench.file, 1), Win32Error);
    assertEquals([twice.code, twice.subject], [87, bench.path]);
    assertStringIncludes(twice.message, "associated with a port already");
    bench.port.close();
    const calls = [
      () => bench.port.associate(file, 1),
      () => bench.port.post({}),
      () => bench.port.get(0),
    ];
    for (const call of calls) {
      const error = assertThrows(call, Win32Error);
      assertEquals(error.code, 6);
      assertStringIncludes(error.message, "the port is closed");
    }
  });

  const unlessTold = isWindows && "opening a file as a line succeeds there; setting it up fails";
  itUnless(unlessTold, "promise 9: what is no serial line says so", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    const error = assertThrows(() => SerialHandle.open(path), Win32Error);
    assertEquals([error.code, error.subject], [1, path]);
    assertStringIncludes(error.message, "no serial line");
  });
});
