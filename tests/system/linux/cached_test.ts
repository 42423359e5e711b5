import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { closeSync, openSync, truncateSync } from "node:fs";
import { cachedBytes } from "../../../src/system/linux/cached.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { Folder, itUnless, unlessLinux } from "../../conformance/fixture.ts";

const WRITTEN = 200_000;

/** How much of a file with a hole behind its bytes is in memory, of `length` bytes from `position` on. */
function cachedOf(position: number, length: number): number {
  using folder = new Folder();
  const path = folder.file("data.bin", new Uint8Array(WRITTEN));
  truncateSync(path, 2 * WRITTEN);
  const fd = openSync(path, "r");
  const place = region().requests.acquire();
  const request = layout.REQUESTS + place * layout.REQUEST_WORDS;
  const vector = layout.annexOf(request) + layout.X_SHORT_VECTOR;
  try {
    return cachedBytes(fd, position, length, vector);
  } finally {
    region().requests.release(place);
    closeSync(fd);
  }
}

describe("what of a file is in memory", () => {
  itUnless(unlessLinux, "what was just written is, from any offset", () => {
    assertEquals(cachedOf(0, WRITTEN), WRITTEN);
    assertEquals(cachedOf(4095, 2), 2);
    assertEquals(cachedOf(70_001, 5), 5);
  });

  itUnless(
    unlessLinux,
    "a hole that nobody has read is not, and what reaches into it not as a whole",
    () => {
      assertEquals(cachedOf(WRITTEN + 8192, 4096), 0);
      assert(cachedOf(0, 2 * WRITTEN) <= WRITTEN + 4096);
    },
  );

  itUnless(unlessLinux, "what is no descriptor has nothing in memory", () => {
    const place = region().requests.acquire();
    const request = layout.REQUESTS + place * layout.REQUEST_WORDS;
    assertEquals(cachedBytes(-1, 0, 4096, layout.annexOf(request) + layout.X_SHORT_VECTOR), 0);
    region().requests.release(place);
  });
});
