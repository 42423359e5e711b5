import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer } from "../../../mod.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { Folder, itUnless, unlessLinux } from "../../conformance/fixture.ts";

/** The states of all requests in flight, but for those that tests before have left. */
function states(others: readonly number[]): number[] {
  const { words, requests } = region();
  const places = [...requests.taken()].filter((place) => !others.includes(place));
  return places.map((place) =>
    words[layout.REQUESTS + place * layout.REQUEST_WORDS + layout.R_STATE]
  ).filter((state) => state !== 0);
}

describe("order of starts", () => {
  itUnless(unlessLinux, "a file's operations have none: the engine has them all at once", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(4096);
    port.associate(file, 1);
    const others = [...region().requests.taken()];
    port.batch(() => {
      for (let i = 0; i < 8; i++) file.read(buffer.subarray(i, i + 1), i);
      assertEquals(states(others), Array.from({ length: 8 }, () => layout.REQUEST_STARTED));
    });
    for (let taken = 0; taken < 8;) taken += port.getMany(8).length;
    assertEquals(states(others), []);
  });
});
