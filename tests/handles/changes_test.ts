import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type DirectoryChange, parseChanges } from "../../src/handles/changes.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";

type Row = readonly [action: number, name: string];

/** FILE_NOTIFY_INFORMATION as Windows lays it out: each record at a multiple of `align`. */
function encode(rows: readonly Row[], align = 4): Uint8Array {
  const bytes = new Uint8Array(rows.reduce((sum, [, name]) => sum + 16 + name.length * 2, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  let end = 0;
  rows.forEach(([action, name], index) => {
    end = at + 12 + name.length * 2;
    const next = Math.ceil(end / align) * align;
    view.setUint32(at, index === rows.length - 1 ? 0 : next - at, true);
    view.setUint32(at + 4, action, true);
    view.setUint32(at + 8, name.length * 2, true);
    for (let i = 0; i < name.length; i++) view.setUint16(at + 12 + i * 2, name.charCodeAt(i), true);
    at = next;
  });
  return bytes.subarray(0, end);
}

function parsed(...rows: Row[]): DirectoryChange[] {
  return parseChanges(encode(rows));
}

describe("the records of a packet of changes", () => {
  it("added, removed, modified; a rename is one", () => {
    assertEquals(parsed([1, "a"], [2, "b\\c"], [3, "ü𝒳"], [4, "old"], [5, "new"]), [
      { action: "added", path: "a" },
      { action: "removed", path: "b\\c" },
      { action: "modified", path: "ü𝒳" },
      { action: "renamed", path: "new", oldPath: "old" },
    ]);
  });

  it("no bytes: an overflow", () => {
    assertEquals(parseChanges(new Uint8Array(0)), [{ action: "overflow", path: "" }]);
  });

  it("the halves of a rename that are not together: removed, and renamed without an old path", () => {
    assertEquals(parsed([4, "a"]), [{ action: "removed", path: "a" }]);
    assertEquals(parsed([5, "b"]), [{ action: "renamed", path: "b" }]);
    assertEquals(parsed([4, "a"], [3, "c"], [5, "b"]).map(({ action }) => action), [
      "removed",
      "modified",
      "renamed",
    ]);
    assertEquals(parsed([4, "a"], [4, "b"], [5, "c"]), [
      { action: "removed", path: "a" },
      { action: "renamed", path: "c", oldPath: "b" },
    ]);
  });

  it("records that are not aligned, as Wine writes them, and a part of a buffer", () => {
    const bytes = encode([[1, "abc"], [1, "d"], [2, "e"]], 1);
    const within = new Uint8Array(bytes.length + 7);
    within.set(bytes, 5);
    const changes = parseChanges(within.subarray(5, 5 + bytes.length));
    assertEquals(changes.map(({ path }) => path), ["abc", "d", "e"]);
  });

  it("a name of 32,000 units, and one of none", () => {
    const name = "x".repeat(32_000);
    assertEquals(parsed([1, name], [1, ""]).map(({ path }) => path), [name, ""]);
  });

  it("what is no record is refused: cut off, of an unknown action, leading back or behind the end", () => {
    const bytes = encode([[1, "ab"], [1, "cd"]]);
    for (const length of [1, 11, 13, 17, 27]) {
      assertThrows(() => parseChanges(bytes.subarray(0, length)), RangeError);
    }
    const set = (at: number, value: number) => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(at, value, true);
      return () => parseChanges(copy);
    };
    for (
      const [at, value] of [[0, 4], [0, 15], [0, 0xFFFFFFFF], [0, 1000], [4, 0], [4, 6], [8, 3]]
    ) {
      assertThrows(set(at, value), RangeError);
    }
    assertThrows(set(8, 0xFFFFFFFE), RangeError);
  });

  it("100,000 garbled buffers: records that were there, or a RangeError", () => {
    const random = randomFrom(chooseSeed("garbled changes"));
    let refused = 0;
    for (let round = 0; round < 100_000; round++) {
      const rows = Array.from({ length: 1 + random(4) }, (): Row => [
        1 + random(5),
        String.fromCharCode(...Array.from({ length: random(6) }, () => random(65_536))),
      ]);
      const bytes = encode(rows, [1, 2, 4][random(3)]);
      for (let flips = random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
      try {
        const changes = parseChanges(bytes.subarray(0, bytes.length - random(3)));
        assert(changes.length <= 1 + bytes.length / 12);
        for (const { action, path, oldPath } of changes) {
          assert(["added", "removed", "modified", "renamed", "overflow"].includes(action));
          assert(path.length * 2 <= bytes.length && (oldPath ?? "").length * 2 <= bytes.length);
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        refused++;
      }
    }
    assert(refused > 1000 && refused < 99_000);
  });
});
