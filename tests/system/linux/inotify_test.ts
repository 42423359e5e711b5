/**
 * What is relied on of inotify(7) that its man page does not promise.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { libc } from "../../../src/ffi/libc.ts";
import { view } from "../../../src/ffi/memory.ts";
import * as errno from "../../../src/system/linux/errno.ts";
import * as inotify from "../../../src/system/linux/inotify.ts";
import { system } from "../../../src/system/system.ts";
import { Folder, itUnless, startWorker, turn, unlessLinux } from "../../conformance/fixture.ts";
import type { MakeFiles } from "../../conformance/workers/files.ts";

const FILES = 15_000; // fewer than fs.inotify.max_queued_events
const EVENTS_BYTES = 65_536;

/** Events that are there now. */
function countEvents(fd: number, address: number): number {
  const fields = new DataView(view(address, EVENTS_BYTES));
  for (let events = 0;;) {
    const byteLength = inotify.readEvents(fd, address, EVENTS_BYTES);
    if (byteLength <= 0) return events;
    for (let at = 0; at < byteLength; at += 16 + fields.getUint32(at + 12, true)) events++;
  }
}

describe("inotify", () => {
  itUnless(
    unlessLinux,
    "a folder watched again tells of all meanwhile",
    async () => {
      using folder = new Folder();
      const root = folder.path("");
      const path = errno.cString(root);
      const fd = inotify.openInotify();
      const { value: address } = system.virtualAlloc(EVENTS_BYTES);
      const watch = inotify.addWatch(fd, path, inotify.IN_CREATE);
      const told = new Int32Array(new SharedArrayBuffer(4));
      const data: MakeFiles = { folders: [root], count: FILES, oneByOne: true, told, ahead: FILES };
      let isMade = false;
      const made = startWorker<number>("files", data).finally(() => isMade = true);
      while (!isMade) {
        for (let i = 0; i < 2_000; i++) inotify.addWatch(fd, path, inotify.IN_CREATE);
        await turn();
      }
      assertEquals(await made, FILES);
      assertEquals(inotify.addWatch(fd, path, inotify.IN_CREATE), watch);
      assertEquals(countEvents(fd, address), FILES);
      system.virtualFree(address, EVENTS_BYTES);
      libc().close(fd);
    },
  );
});
