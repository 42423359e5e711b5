/**
 * Opening that makes a file and then fails: it leaves none behind.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import process from "node:process";
import { FileHandle, Win32Error } from "../../mod.ts";
import { isFileAt } from "../../src/system/linux/statx.ts";
import { removeMade } from "../../src/system/linux/opening.ts";
import * as layout from "../../src/system/linux/layout.ts";
import { libc } from "../../src/ffi/libc.ts";
import { cString } from "../../src/system/linux/errno.ts";
import { region } from "../../src/system/linux/region.ts";
import { Folder, isLinux, itUnless, unlessLinux } from "./fixture.ts";

/** A file system that has no unbuffered files; goes when the block is left. */
class Ramfs {
  readonly path: string;

  constructor(folder: Folder) {
    this.path = folder.path("ramfs");
    mkdirSync(this.path);
    execFileSync("mount", ["-t", "ramfs", "none", this.path], { stdio: "ignore" });
  }

  [Symbol.dispose](): void {
    execFileSync("umount", [this.path]);
  }
}

function mayMount(): boolean {
  if (!isLinux || process.getuid?.() !== 0) return false;
  using folder = new Folder();
  try {
    using _ramfs = new Ramfs(folder);
    return true;
  } catch {
    return false;
  }
}

const unlessMounted: string | false = unlessLinux ||
  !mayMount() && "a file system without unbuffered files cannot be mounted here";

const WRITE = { read: true, write: true } as const;

describe("promise 1: opening that fails has made no file", () => {
  itUnless(unlessMounted, "createNew, unbuffered, where there is no such thing: 87", () => {
    using folder = new Folder();
    using ramfs = new Ramfs(folder);
    const path = `${ramfs.path}/data.bin`;
    const options = { ...WRITE, createNew: true, unbuffered: true };
    const error = assertThrows(() => FileHandle.open(path, options), Win32Error);
    assertEquals([error.code, error.errno], [87, 22]);
    assertEquals(existsSync(path), false);
  });

  itUnless(
    unlessMounted,
    "create, unbuffered: neither makes a file nor cuts one that is there",
    () => {
      using folder = new Folder();
      using ramfs = new Ramfs(folder);
      const path = `${ramfs.path}/data.bin`;
      for (const truncate of [false, true]) {
        const options = { ...WRITE, create: true, truncate, unbuffered: true };
        assertEquals(assertThrows(() => FileHandle.open(path, options), Win32Error).code, 87);
        assertEquals(existsSync(path), false);
      }
      writeFileSync(path, "abc");
      const options = { ...WRITE, create: true, truncate: true, unbuffered: true };
      assertEquals(assertThrows(() => FileHandle.open(path, options), Win32Error).code, 87);
      assertEquals(readFileSync(path, "utf8"), "abc");
    },
  );

  itUnless(unlessLinux, "unbuffered files are made, and found again", () => {
    using folder = new Folder();
    const path = folder.path("data.bin");
    FileHandle.open(path, { ...WRITE, createNew: true, unbuffered: true }).close();
    FileHandle.open(path, { ...WRITE, create: true, unbuffered: true }).close();
    const again = { ...WRITE, createNew: true, unbuffered: true };
    assertEquals(assertThrows(() => FileHandle.open(path, again), Win32Error).code, 80);
    symlinkSync(folder.path("target.bin"), folder.path("link.bin"));
    FileHandle.open(folder.path("link.bin"), { ...WRITE, create: true, unbuffered: true }).close();
    assertEquals(existsSync(folder.path("target.bin")), true);
  });

  itUnless(unlessLinux, "createNew without room for the handle", () => {
    using folder = new Folder();
    const path = folder.path("data.bin");
    const { handles } = region();
    const taken: number[] = [];
    for (let place = handles.acquire(); place >= 0; place = handles.acquire()) taken.push(place);
    try {
      const options = { ...WRITE, createNew: true };
      assertEquals(assertThrows(() => FileHandle.open(path, options), Win32Error).code, 1450);
    } finally {
      for (const place of taken) handles.release(place);
    }
    assertEquals(taken.length > layout.MAX_HANDLES / 2, true);
    assertEquals(existsSync(path), false);
    FileHandle.open(path, { ...WRITE, createNew: true }).close();
  });

  itUnless(unlessLinux, "what somebody else has put in the file's place stays", () => {
    using folder = new Folder();
    const [mine, other] = [folder.file("mine.bin"), folder.file("other.bin", "abc")];
    const fd = libc().open(cString(mine), 0, 0);
    removeMade(other, fd);
    assertEquals([isFileAt(fd, mine), isFileAt(fd, other)], [true, false]);
    symlinkSync(mine, folder.path("link.bin"));
    removeMade(folder.path("link.bin"), fd);
    assertEquals([existsSync(other), existsSync(folder.path("link.bin"))], [true, true]);
    removeMade(mine, fd);
    assertEquals(existsSync(mine), false);
    libc().close(fd);
  });
});
