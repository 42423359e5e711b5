/**
 * What it costs to forget folders.
 *
 * @module
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { mkdirSync, renameSync } from "node:fs";
import { Folders } from "../../../src/system/linux/folders.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { Watching } from "../../conformance/watching.ts";

const FOLDERS = 500;
const [WIDE, DEEP] = [3, 4];

/** How often a word of a folder's is looked at during `work`. */
function countLooks(work: () => void): number {
  const { get } = Folders.prototype;
  let looks = 0;
  Folders.prototype.get = function (slot: number, field: number): number {
    looks++;
    return get.call(this, slot, field);
  };
  try {
    work();
  } finally {
    Folders.prototype.get = get;
  }
  return looks;
}

describe("a folder is moved out of a directory that is watched", () => {
  itUnless(unlessLinux, "it costs what was in it, and not what else is watched", () => {
    using watching = new Watching({ filter: ["fileName", "directoryName"] });
    watching.read();
    for (let i = 0; i < FOLDERS; i++) mkdirSync(watching.path(`other-${i}`));
    for (let i = 0; i < WIDE; i++) {
      const names = Array.from({ length: DEEP }, (_, depth) => `${depth}`);
      mkdirSync(watching.path(`moved/${i}/${names.join("/")}`), { recursive: true });
    }
    watching.settled();
    const looks = countLooks(() => {
      renameSync(watching.path("moved"), watching.folder.path("away"));
      assertEquals(watching.settled(), ["-moved"]);
    });
    assert(looks > 0);
    assertLess(looks, FOLDERS);
    // Nothing in it is watched any more, and what comes back is.
    mkdirSync(watching.folder.path("away/0/new"));
    assertEquals(watching.settled(), []);
    renameSync(watching.folder.path("away"), watching.path("back"));
    assertEquals(watching.settled().length, 1 + WIDE * (1 + DEEP) + 1);
    mkdirSync(watching.path("back/0/last"));
    assertEquals(watching.settled(), ["+back/0/last"]);
  });
});
