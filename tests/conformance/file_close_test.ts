/**
 * What the system says only when a file is closed.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { readlinkSync } from "node:fs";
import { CompletionPort, FileHandle, Win32Error } from "../../mod.ts";
import { libc } from "../../src/ffi/libc.ts";
import { view } from "../../src/ffi/memory.ts";
import { Folder, itUnless, unlessLinux } from "./fixture.ts";
import { descriptorsOf } from "./handles.ts";

const EINTR = 4;
const EIO = 5;
const ENOSPC = 28;
const EDQUOT = 122;

/** During `work`, every close(2) says that it has failed so; the descriptor is closed. */
function whileClosingFails(reason: number, work: () => void): void {
  const functions = libc() as { close: (fd: number) => number };
  const { close } = functions;
  const location = new Int32Array(view(Number(libc().__errno_location()), 4));
  Object.defineProperty(functions, "close", {
    configurable: true,
    writable: true,
    value: (fd: number) => {
      close(fd);
      location[0] = reason;
      return -1;
    },
  });
  try {
    work();
  } finally {
    Object.defineProperty(functions, "close", { configurable: true, writable: true, value: close });
  }
}

describe("promise 9: what could not be kept is told by closing", () => {
  for (const [reason, code] of [[EIO, 1117], [ENOSPC, 112], [EDQUOT, 112]]) {
    itUnless(unlessLinux, `errno ${reason}: ${code}, once, and the file is closed`, () => {
      using folder = new Folder();
      using port = new CompletionPort();
      for (const isAssociated of [false, true]) {
        const path = folder.file("data.bin");
        const file = FileHandle.open(path, { write: true });
        if (isAssociated) port.associate(file, 1);
        whileClosingFails(reason, () => {
          const error = assertThrows(() => file.close(), Win32Error);
          assertEquals([error.code, error.call, error.subject], [code, "CloseHandle", path]);
          file.close();
        });
        assertEquals([file.isClosed, descriptorsOf(path, readlinkSync)], [true, []]);
      }
    });
  }

  itUnless(unlessLinux, "a block that it ends tells it too", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    whileClosingFails(EIO, () => {
      const error = assertThrows(() => {
        using _file = FileHandle.open(path, { write: true });
      }, Win32Error);
      assertEquals(error.code, 1117);
    });
  });

  itUnless(unlessLinux, "a call that was only disturbed has closed it: nothing is told", () => {
    using folder = new Folder();
    const file = FileHandle.open(folder.file("data.bin"), { write: true });
    whileClosingFails(EINTR, () => file.close());
    assertEquals(file.isClosed, true);
  });
});
