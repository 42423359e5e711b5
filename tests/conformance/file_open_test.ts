import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { chmodSync, mkdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  CompletionPort,
  FileHandle,
  NativeBuffer,
  type OpenOptions,
  Win32Error,
} from "../../mod.ts";
import { Folder, isLinux, isWine, itUnless, unlessLinux } from "./fixture.ts";
import { descriptorsOf } from "./handles.ts";

/** What opening `path` fails with. */
function failure(path: string, options?: OpenOptions): Win32Error {
  return assertThrows(() => FileHandle.open(path, options).close(), Win32Error);
}

/** Opening gives what promise 9 says: code, name, call and path, and on Linux the errno. */
function assertFailure(error: Win32Error, code: number, name: string, path: string, errno: number) {
  assertEquals([error.code, error.name], [code, name]);
  assertEquals([error.call, error.subject], ["CreateFile", path]);
  assertEquals(error.errno, isLinux ? errno : undefined);
  assertStringIncludes(error.message, `CreateFile of ${path} failed: ${name} (${code}): `);
}

describe("opening a file", () => {
  it("promise 9: a file that is missing: 2", () => {
    using folder = new Folder();
    const path = folder.path("missing.bin");
    assertFailure(failure(path), 2, "ERROR_FILE_NOT_FOUND", path, 2);
  });

  it("promise 9: a folder that is missing: 3, also when a file stands in its place", () => {
    using folder = new Folder();
    const path = `${folder.path("missing")}/data.bin`;
    assertFailure(failure(path), 3, "ERROR_PATH_NOT_FOUND", path, 2);
    const below = `${folder.file("plain.bin")}/data.bin`;
    assertFailure(failure(below), 3, "ERROR_PATH_NOT_FOUND", below, 20);
  });

  it("promise 9: a directory: 5, however it is to be opened", () => {
    using folder = new Folder();
    const path = folder.path("folder");
    mkdirSync(path);
    assertEquals([failure(path).code, failure(path, { write: true }).code], [5, 5]);
    assertEquals([failure(path).name, failure(path).subject], ["ERROR_ACCESS_DENIED", path]);
  });

  it("case 80 of errors: createNew of what exists: 80, and the file stays as it was", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    const error = failure(path, { write: true, createNew: true });
    assertFailure(error, 80, "ERROR_FILE_EXISTS", path, 17);
    assertEquals(readFileSync(path, "utf8"), "abc");
  });

  itUnless(
    isWine || isLinux && process.getuid?.() === 0 ? "the superuser may do anything" : false,
    "promise 9: no permission: 5",
    () => {
      using folder = new Folder();
      const path = folder.file("data.bin", "abc");
      chmodSync(path, 0o444);
      try {
        assertEquals(failure(path, { write: true }).code, 5);
      } finally {
        chmodSync(path, 0o644);
      }
    },
  );

  it("promise 1: a path with a NUL character, or none: a TypeError", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    for (const bad of [`${path}\0`, "\0", "", `${path}\0.txt`]) {
      assertThrows(() => FileHandle.open(bad), TypeError, "path");
    }
  });

  it("a path of more than 260 characters works", () => {
    using folder = new Folder();
    const path = folder.path(["a".repeat(120), "b".repeat(120), "c".repeat(120)].join("/"));
    mkdirSync(path, { recursive: true });
    const name = `${path}/data.bin`;
    using file = FileHandle.open(name, { write: true, createNew: true });
    file.truncate(5);
    assertEquals([file.size(), statSync(name).size], [5, 5]);
    assert(name.endsWith(file.name.replace(/^…/, "")) && file.name.endsWith("/data.bin"));
  });

  itUnless(unlessLinux, "promise 9: a name that is too long: 206", () => {
    using folder = new Folder();
    const path = folder.path("a".repeat(300));
    assertFailure(failure(path), 206, "ERROR_FILENAME_EXCED_RANGE", path, 36);
  });

  it("a path of other letters, as a string and as a URL", () => {
    using folder = new Folder();
    const path = folder.file("äöü 日本 😀 #%?.bin".replace("?", isLinux ? "?" : ""), "abc");
    using first = FileHandle.open(path);
    using second = FileHandle.open(pathToFileURL(path));
    assertEquals([first.size(), second.size(), second.name], [3, 3, path]);
  });

  it("options: create makes the file and keeps one; truncate empties; both do both", () => {
    using folder = new Folder();
    const path = folder.path("data.bin");
    FileHandle.open(path, { write: true, create: true }).close();
    assertEquals(statSync(path).size, 0);
    {
      using file = FileHandle.open(path, { write: true });
      file.truncate(5);
    }
    FileHandle.open(path, { write: true, create: true }).close();
    assertEquals(statSync(path).size, 5);
    FileHandle.open(path, { write: true, truncate: true }).close();
    assertEquals(statSync(path).size, 0);
    FileHandle.open(folder.path("new.bin"), { write: true, create: true, truncate: true }).close();
    assertEquals(failure(folder.path("missing"), { write: true, truncate: true }).code, 2);
  });

  const contradictions: OpenOptions[] = [
    { create: true },
    { createNew: true },
    { truncate: true },
    { append: true, truncate: true },
    { read: false },
    { read: true, create: true },
  ];
  for (const options of contradictions) {
    it(`promise 1: options ${JSON.stringify(options)} contradict each other: a TypeError`, () => {
      using folder = new Folder();
      const path = folder.file("data.bin", "abc");
      assertThrows(() => FileHandle.open(path, options), TypeError, "Cannot open a file");
      assertEquals(readFileSync(path, "utf8"), "abc");
    });
  }

  for (const mode of [-1, 1.5, 0o10000, NaN]) {
    it(`promise 1: a mode of ${mode}: a RangeError`, () => {
      using folder = new Folder();
      const path = folder.path("data.bin");
      const options = { write: true, create: true, mode };
      assertThrows(() => FileHandle.open(path, options), RangeError, "mode");
    });
  }

  itUnless(unlessLinux, "the mode of a file that is made is the one given", () => {
    using folder = new Folder();
    const path = folder.path("data.bin");
    FileHandle.open(path, { write: true, create: true, mode: 0o600 }).close();
    assertEquals(statSync(path).mode & 0o777, 0o600);
  });

  itUnless(unlessLinux, "promise: the descriptor is closed on exec", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    using _file = FileHandle.open(path);
    const [fd, ...others] = descriptorsOf(path, readlinkSync);
    assertEquals(others, []);
    const flags = /flags:\s*([0-7]+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    assert((parseInt(flags!, 8) & 0o2000000) !== 0);
  });

  it("what was opened for others to share can be opened again, read and renamed", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using first = FileHandle.open(path, { read: true, write: true });
    using second = FileHandle.open(path, { read: true, write: true });
    assertEquals([first.size(), second.size(), readFileSync(path, "utf8")], [3, 3, "abc"]);
  });

  itUnless(
    isLinux && "Linux has no share modes",
    "share: none lets nobody else open it: 32",
    () => {
      using folder = new Folder();
      const path = folder.file("data.bin", "abc");
      using _file = FileHandle.open(path, { share: { read: false, write: false, delete: false } });
      assertEquals([failure(path).code, failure(path).name], [32, "ERROR_SHARING_VIOLATION"]);
    },
  );
});

describe("a file that is open", () => {
  it("size, truncate and sync", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "0123456789");
    using file = FileHandle.open(path, { read: true, write: true });
    assertEquals(file.size(), 10);
    file.truncate(4);
    assertEquals([file.size(), readFileSync(path, "utf8")], [4, "0123"]);
    file.truncate(8);
    assertEquals([file.size(), readFileSync(path, "utf8")], [8, "0123\0\0\0\0"]);
    file.sync();
    file.truncate(0);
    assertEquals(file.size(), 0);
  });

  it("promise 1: truncate of what is no size: a RangeError, and the size stays", () => {
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"), { write: true });
    for (const size of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
      assertThrows(() => file.truncate(size), RangeError, "size");
    }
    assertEquals(file.size(), 3);
  });

  itUnless(
    isWine && "Wine hands on its host's EINVAL: 87",
    "promise 9: truncate of a file opened for reading: 5, with the call and the path",
    () => {
      using folder = new Folder();
      const path = folder.file("data.bin", "abc");
      using file = FileHandle.open(path);
      const error = assertThrows(() => file.truncate(1), Win32Error);
      assertEquals([error.code, error.name], [5, "ERROR_ACCESS_DENIED"]);
      assertEquals([error.call, error.subject], ["SetEndOfFile", path]);
      assertEquals(file.size(), 3);
    },
  );

  it("case 33: a closed file: 6 from every method, with its call and path", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(8);
    const file = FileHandle.open(path, { read: true, write: true });
    port.associate(file, 1);
    file.close();
    file.close();
    const calls: Record<string, () => unknown> = {
      ReadFile: () => file.read(buffer, 0),
      WriteFile: () => file.write(buffer, 0),
      CancelIoEx: () => file.cancel(),
      GetFileSizeEx: () => file.size(),
      GetFileInformationByHandle: () => file.information(),
      SetFileInformationByHandle: () => file.change({ modifiedMs: 0 }),
      SetEndOfFile: () => file.truncate(0),
      FlushFileBuffers: () => file.sync(),
      CreateIoCompletionPort: () => port.associate(file, 1),
    };
    for (const [call, method] of Object.entries(calls)) {
      const error = assertThrows(method, Win32Error);
      assertEquals([error.code, error.call, error.subject], [6, call, path]);
    }
    assertEquals([file.isClosed, statSync(path).size, port.counters.inFlight], [true, 3, 0]);
  });
});
