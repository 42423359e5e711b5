import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { GENERIC_READ, system } from "../../src/system/system.ts";
import { BAD_NUMBERS, Folder, itUnless } from "./fixture.ts";
import { Raw } from "./raw.ts";

const associate = system.createIoCompletionPort;

describe("associating, contract", () => {
  it("case 9: a handle opened without FILE_FLAG_OVERLAPPED: 87", () => {
    using folder = new Folder();
    using raw = new Raw();
    const file = raw.file(folder.file("data.bin"), { flags: 0, access: GENERIC_READ });
    assertEquals(associate(file, raw.port(), 1, 0).code, 87);
  });

  it("case 10: associated already, with the same port, another one or another key: 87", () => {
    using folder = new Folder();
    using raw = new Raw();
    const [port, other] = [raw.port(), raw.port()];
    const file = raw.associated(folder.file("data.bin"), port, 1);
    assertEquals(associate(file, port, 1, 0).code, 87);
    assertEquals(associate(file, port, 2, 0).code, 87);
    assertEquals(associate(file, other, 1, 0).code, 87);
    assertEquals(associate(file, 0, 1, 0).code, 87);
  });

  it("case 11: the port is closed and the file open: associating it again is still 87", () => {
    using folder = new Folder();
    using raw = new Raw();
    const port = raw.port();
    const file = raw.associated(folder.file("data.bin"), port, 1);
    raw.close(port);
    assertEquals(associate(file, raw.port(), 1, 0).code, 87);
  });

  it("case 12: a second open of the same path is independent", () => {
    using folder = new Folder();
    using raw = new Raw();
    const path = folder.file("data.bin", "abc");
    const port = raw.port();
    const files = [raw.associated(path, port, 11), raw.associated(path, port, 22)];
    const [into, overlapped, entries] = [raw.memory(16), raw.overlapped(), raw.entries(1)];
    for (const [index, file] of files.entries()) {
      overlapped.bytes.fill(0);
      assertEquals(system.readFile(file, into.address, 16, overlapped.address), 997);
      assertEquals(system.getQueuedCompletionStatus(port, entries, Infinity), 0);
      assertEquals(entries.key(0), [11, 22][index]);
    }
  });

  itUnless(
    "the contract has no DuplicateHandle",
    "case 12: I/O through a duplicated handle has the original key",
    () => {},
  );

  itUnless(
    "a file is read before it can be associated; pipes will show it",
    "case 13: an operation started before the association and ended after it has the new key",
    () => {},
  );
});

describe("associating", () => {
  /** The error of associating `file` with `port`. */
  function refusal(port: CompletionPort, file: FileHandle, key: number): Win32Error {
    return assertThrows(() => port.associate(file, key), Win32Error);
  }

  it("case 10: associated already: Win32Error 87 with the call and the path", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    using port = new CompletionPort();
    using other = new CompletionPort();
    using file = FileHandle.open(path);
    port.associate(file, 1);
    for (const again of [port, other]) {
      const error = refusal(again, file, 2);
      assertEquals([error.code, error.name], [87, "ERROR_INVALID_PARAMETER"]);
      assertEquals([error.call, error.subject], ["CreateIoCompletionPort", path]);
    }
  });

  it("case 10: a refused association leaves port and key as they were", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using other = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    port.associate(file, 1);
    refusal(other, file, 2);
    file.read(buffer, 0);
    assertEquals(port.get()?.key, 1);
    assertEquals(other.get(0), null);
  });

  it("case 11: the port is closed and the file open: associating it again is still 87", () => {
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin"));
    {
      using port = new CompletionPort();
      port.associate(file, 1);
    }
    using port = new CompletionPort();
    assertEquals(refusal(port, file, 1).code, 87);
  });

  it("case 33: a closed port or a closed file: 6", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    using port = new CompletionPort();
    const closedPort = new CompletionPort();
    closedPort.close();
    using file = FileHandle.open(path);
    const closedFile = FileHandle.open(path);
    closedFile.close();
    assertEquals(refusal(closedPort, file, 1).code, 6);
    const error = refusal(port, closedFile, 1);
    assertEquals([error.code, error.name], [6, "ERROR_INVALID_HANDLE"]);
    port.associate(file, 1);
  });

  it("case 19: keys up to 2^53 - 1 come back bit for bit", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(8);
    const path = folder.file("data.bin", "abc");
    for (const key of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, 2 ** 53 - 1]) {
      using file = FileHandle.open(path);
      port.associate(file, key);
      file.read(buffer, 0);
      const packet = port.get();
      assertEquals([packet?.key, packet?.bytesTransferred], [key, 3]);
    }
  });

  it("promise 1: a bad key is a RangeError, and the file stays unassociated", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin"));
    for (const key of BAD_NUMBERS) {
      const error = assertThrows(() => port.associate(file, key), RangeError);
      assertStringIncludes(error.message, "key");
    }
    port.associate(file, 1);
  });

  it("case 13: a start before the association is refused, so that no packet can go astray", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using file = FileHandle.open(path);
    using buffer = NativeBuffer.allocate(8);
    const error = assertThrows(() => file.read(buffer, 0), TypeError);
    assertStringIncludes(error.message, path);
    using port = new CompletionPort();
    port.associate(file, 1);
    assertEquals([port.counters.inFlight, port.get(0)], [0, null]);
  });
});
