/**
 * Looking into folders, where it fails.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { mkdirSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { libc, sockets } from "../../../src/ffi/libc.ts";
import * as errno from "../../../src/system/linux/errno.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { Watching } from "../../conformance/watching.ts";

const O_PATH_CLOEXEC = 0x280000;
/** More than are read at once. */
const FILES = 2000;

/** The descriptor by which this process has the folder open. */
function descriptorOf(path: string): number {
  const open = readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // the one that was open to list them
    }
  });
  assertEquals(open.length, 1, path);
  return Number(open[0]);
}

describe("looking into folders", () => {
  itUnless(
    unlessLinux,
    "promise 10: one that cannot be read to its end is an error, and not its end",
    () => {
      using watching = new Watching({ filter: ["fileName", "directoryName"] }, undefined, 4096);
      const [outside, inside] = [watching.folder.path("big"), watching.path("big")];
      mkdirSync(outside);
      for (let i = 0; i < FILES; i++) writeFileSync(`${outside}/f${i}`, "");
      watching.read();
      renameSync(outside, inside);
      // The first packet is full long before the folder is at its end.
      assertEquals(watching.next()[0], { action: "added", path: "big" });
      const scanned = descriptorOf(inside);
      // A descriptor by which nothing can be read: EBADF.
      const blind = libc().open(errno.cString(inside), O_PATH_CLOEXEC, 0);
      assert(sockets().dup3(blind, scanned, 0x80000) === scanned);
      libc().close(blind);
      for (;;) {
        const { error } = watching.take();
        watching.read();
        if (error === null) continue;
        assertEquals(error.errno, 9);
        break;
      }
      // Everything else goes on.
      watching.file("after");
      assertEquals(watching.settled(), ["+after"]);
    },
  );
});
