import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { chmodSync, statSync, utimesSync } from "node:fs";
import { type FileChange, FileHandle, Win32Error } from "../../mod.ts";
import { Folder, isWindows, itUnless, unlessLinux } from "./fixture.ts";

/** Seconds, one of which needs more than 32 bits. */
const SECONDS = [1, 1_700_000_000, 4_500_000_000];

describe("what is known of a file", () => {
  it("is its size and its times", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    for (const seconds of SECONDS) {
      utimesSync(path, seconds, seconds + 3600);
      using file = FileHandle.open(path);
      const { size, accessedMs, modifiedMs } = file.information();
      assertEquals([size, accessedMs, modifiedMs], [3, seconds * 1000, (seconds + 3600) * 1000]);
    }
  });

  itUnless(unlessLinux, "is its mode", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    for (const mode of [0o400, 0o644, 0o755, 0o1777]) {
      chmodSync(path, mode);
      using file = FileHandle.open(path);
      assertEquals(file.information().mode, mode);
    }
    assertEquals(statSync(path).mode & 0o7777, 0o1777);
  });

  it("can be changed: times, of which one that is absent stays", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    utimesSync(path, 1000, 2000);
    using file = FileHandle.open(path, { write: true });
    // Asked of another handle: under Wine a stat of Bun's is an access.
    const times = () => {
      using other = FileHandle.open(path);
      const { accessedMs, modifiedMs } = other.information();
      return [accessedMs, modifiedMs];
    };
    file.change({});
    assertEquals(times(), [1_000_000, 2_000_000]);
    file.change({ modifiedMs: 1_700_000_000_250 });
    assertEquals(times(), [1_000_000, 1_700_000_000_250]);
    for (const seconds of SECONDS) {
      file.change({ accessedMs: seconds * 1000 + 500, modifiedMs: 5000 });
      assertEquals(times(), [seconds * 1000 + 500, 5000]);
    }
  });

  it("can be changed: to times before 1970, and parts of a millisecond", () => {
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"), { read: true, write: true });
    for (const ms of [-1, -0.5, -86_400_000_000, 0.25, 1_700_000_000_000.5]) {
      file.change({ accessedMs: ms, modifiedMs: ms + 1 });
      const { accessedMs, modifiedMs } = file.information();
      assertEquals([accessedMs, modifiedMs], [ms, ms + 1]);
    }
  });

  itUnless(unlessLinux, "can be changed: the mode, whatever the umask", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using file = FileHandle.open(path, { write: true });
    for (const mode of [0o777, 0o600, 0o1666]) {
      file.change({ mode });
      assertEquals(statSync(path).mode & 0o7777, mode);
    }
  });

  itUnless(
    isWindows && "a mode is ignored",
    "promise 9: cannot be changed of a file that is only read: 5",
    () => {
      using folder = new Folder();
      const path = folder.file("data.bin", "abc");
      using file = FileHandle.open(path);
      for (const change of [{ mode: 0o777 }, { modifiedMs: 0 }]) {
        const error = assertThrows(() => file.change(change), Win32Error);
        assertEquals([error.code, error.call], [5, "SetFileInformationByHandle"]);
      }
    },
  );

  it("cannot be changed to what is no mode or time", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using file = FileHandle.open(path, { write: true });
    const before = statSync(path).mtimeMs;
    const changes: FileChange[] = [
      { mode: -1 },
      { mode: 0o10000 },
      { modifiedMs: NaN },
      { modifiedMs: Infinity },
      { accessedMs: 1e16 },
    ];
    for (const change of changes) assertThrows(() => file.change(change), RangeError);
    assertEquals(statSync(path).mtimeMs, before);
  });
});
