import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { chmodSync, mkdirSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { CompletionPort, DirectoryHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import { BAD_NUMBERS, Folder, GARBAGE_HANDLES, isWindows, isWine, itUnless } from "./fixture.ts";
import { Raw } from "./raw.ts";

const unlessRefused: string | false = isWindows
  ? "Windows has no modes"
  : process.getuid?.() === 0 && "root may read every folder";

function refusal(path: string): Win32Error {
  return assertThrows(() => DirectoryHandle.open(path), Win32Error);
}

describe("opening a directory", () => {
  it("promise 9: one that does not exist: 2, a folder on the way: 3, a file: 267; with the path", () => {
    using folder = new Folder();
    const file = folder.file("file");
    const errors = [folder.path("missing"), folder.path("missing/below"), file].map(refusal);
    assertEquals(errors.map(({ code }) => code), [2, 3, 267]);
    assertEquals(errors[2].subject, file);
    assertEquals(errors[0].call, "CreateFile");
  });

  itUnless(unlessRefused, "promise 9: one that may not be read: 5", () => {
    using folder = new Folder();
    mkdirSync(folder.path("closed"));
    chmodSync(folder.path("closed"), 0o300);
    assertEquals(refusal(folder.path("closed")).code, 5);
  });

  it("promise 1: a path that is empty or has a NUL character is refused", () => {
    for (const path of ["", "a\0b"]) assertThrows(() => DirectoryHandle.open(path), TypeError);
  });

  it("by a URL, and by a path with a separator at its end", () => {
    using folder = new Folder();
    using first = DirectoryHandle.open(pathToFileURL(folder.path("")));
    using second = DirectoryHandle.open(folder.path("./"));
    assertEquals([first.kind, second.isClosed], ["directory", false]);
  });

  it("a token is the same handle; that of a file is none", () => {
    using folder = new Folder();
    using handle = DirectoryHandle.open(folder.path(""));
    using twin = DirectoryHandle.attach(handle.token);
    assertEquals([twin.token, twin.name], [handle.token, handle.name]);
    handle.close();
    assertEquals(twin.isClosed, true);
    assertThrows(() => DirectoryHandle.attach(handle.token), TypeError);
  });
});

describe("starting to read changes", () => {
  it("promise 1: without a port: TypeError; closed: 6; nothing is started", () => {
    using folder = new Folder();
    using buffer = NativeBuffer.allocate(4096);
    using handle = DirectoryHandle.open(folder.path(""));
    assertThrows(() => handle.readChanges(buffer), TypeError);
    using port = new CompletionPort();
    port.associate(handle, 1);
    handle.close();
    assertEquals(assertThrows(() => handle.readChanges(buffer), Win32Error).code, 6);
    assertEquals([port.counters.inFlight, port.get(0)], [0, null]);
  });

  it("promise 1: filters and tags that are none are refused; nothing is started", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(4096);
    using handle = DirectoryHandle.open(folder.path(""));
    port.associate(handle, 1);
    assertThrows(() => handle.readChanges(buffer, { filter: [] }), RangeError);
    for (const wrong of ["names", "toString", "__proto__", ""]) {
      const options = { filter: [wrong] } as unknown as { filter: [] };
      assertThrows(() => handle.readChanges(buffer, options), TypeError);
    }
    for (const tag of BAD_NUMBERS.filter((number) => number !== -1)) {
      assertThrows(() => handle.readChanges(buffer, {}, tag), RangeError);
    }
    buffer.free();
    assertThrows(() => handle.readChanges(buffer), TypeError);
    assertEquals(port.counters.inFlight, 0);
  });

  itUnless(
    isWine && "Wine takes any address",
    "promise 1: an address that is no multiple of 4: a packet with 998",
    () => {
      using folder = new Folder();
      using port = new CompletionPort();
      using buffer = NativeBuffer.allocate(4096);
      using handle = DirectoryHandle.open(folder.path(""));
      port.associate(handle, 1);
      handle.readChanges(buffer.subarray(2));
      const packet = port.get()!;
      assertEquals([packet.error?.code, packet.bytesTransferred], [998, 0]);
      assertThrows(() => DirectoryHandle.changes(packet), Win32Error);
    },
  );

  it("changes of a packet that is not one of readChanges: TypeError", () => {
    using port = new CompletionPort();
    port.post({ key: 1 });
    const packet = port.get()!;
    assertThrows(() => DirectoryHandle.changes(packet), TypeError);
  });

  itUnless(
    isWine && "Wine answers some of these with other codes",
    "contract: a filter of nothing or of unknown bits, a file: 87; no handle: 6",
    () => {
      using folder = new Folder();
      using raw = new Raw();
      const port = raw.port();
      const directory = raw.own(system.openDirectory(folder.path("")).value);
      assertEquals(system.createIoCompletionPort(directory, port, 1, 0).code, 0);
      const [{ address }, overlapped] = [raw.memory(4096), raw.overlapped().address];
      const start = (handle: number, filter: number) =>
        system.readDirectoryChanges(handle, address, 4096, true, filter, overlapped);
      assertEquals([start(directory, 0), start(directory, 0x1000)], [87, 87]);
      const file = raw.associated(folder.file("file"), port, 1);
      assertEquals(start(file, 1), 87);
      for (const garbage of GARBAGE_HANDLES) assertEquals(start(garbage, 1), 6, String(garbage));
      assertEquals(start(port, 1), 6);
    },
  );
});
