import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { NativeBuffer, Win32Error } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { Board, S_FORM } from "../../src/pool/board.ts";
import { errorOf, partsOf } from "../../src/pool/errors.ts";
import { TreeReader, TreeWriter } from "../../src/pool/tree.ts";
import { dropBuffers, forgetValue, readValue, writeValue } from "../../src/pool/values.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";

/** A value made up of what a `TreeWriter` writes. */
function madeUp(random: (limit: number) => number, depth: number): unknown {
  const leaves = [
    () => random(2 ** 31) - 2 ** 30,
    () => random(1000) / 7,
    () => random(2) === 0,
    () => null,
    () => undefined,
    () => String.fromCharCode(...Array.from({ length: random(20) }, () => random(0x250))),
    () => "long ".repeat(random(2000)),
  ];
  const kind = random(leaves.length + (depth > 0 ? 4 : 0));
  if (kind < leaves.length) return leaves[kind]();
  const parts = Array.from({ length: random(4) }, () => madeUp(random, depth - 1));
  if (kind % 2 === 0) return parts;
  return Object.fromEntries(parts.map((part, i) => [`key ${i} ü`, part]));
}

describe("values in shared memory", () => {
  it("made-up values come back as they were, wherever they lie", () => {
    const random = randomFrom(chooseSeed("values"));
    const board = Board.allocate(2);
    const writer = new TreeWriter();
    const before = ledger().buffers.count();
    for (let i = 0; i < 3000; i++) {
      const value = madeUp(random, 3);
      const slot = board.slot(i % 2);
      writeValue(board, slot, value);
      assertEquals(readValue(board, slot).value, value);
      forgetValue(board, slot);
      const tree = writer.write(value);
      if (tree !== null) assertEquals(new TreeReader(tree).read(), value);
    }
    assertEquals(ledger().buffers.count(), before);
    board.buffer.free();
  });

  it("a value lies in its slot while it fits, and then in memory that is given back", () => {
    const board = Board.allocate(1);
    const slot = board.slot(0);
    const buffers = ledger().buffers.count();
    for (const length of [0, 1, 191, 192, 193, 194, 4096, 100_000]) {
      for (const letter of ["a", "語"]) {
        const value = letter.repeat(length);
        writeValue(board, slot, value);
        const isElsewhere = ledger().buffers.count() > buffers;
        assertEquals(isElsewhere, board.words[slot + S_FORM] >= 16);
        if (length > 192) assert(isElsewhere);
        assertEquals(readValue(board, slot).value, value);
        forgetValue(board, slot);
        forgetValue(board, slot); // Once is enough.
        assertEquals(ledger().buffers.count(), buffers);
      }
    }
    board.buffer.free();
  });

  it("a native buffer is kept until whoever was to read it has it", () => {
    const board = Board.allocate(1);
    const slot = board.slot(0);
    const buffers = ledger().buffers.count();
    const buffer = NativeBuffer.allocate(64);
    buffer.bytes[7] = 9;
    const kept = writeValue(board, slot, { deep: [buffer.subarray(4, 12)] });
    buffer.free();
    assertEquals(ledger().buffers.count(), buffers + 1);
    const read = readValue(board, slot);
    dropBuffers(kept);
    const [part] = (read.value as { deep: NativeBuffer[] }).deep;
    assertEquals([...part.bytes], [0, 0, 0, 9, 0, 0, 0, 0]);
    part.free();
    assertEquals(ledger().buffers.count(), buffers);
    board.buffer.free();
  });
});

describe("errors on their way", () => {
  it("keep class, name, message, stack and cause", () => {
    const named = Object.assign(new Error("a"), { name: "OwnError" });
    const errors = [
      new Error("plain"),
      new RangeError("range", { cause: new TypeError("inner", { cause: 7 }) }),
      new Win32Error(38, "ReadFile", { subject: "a.txt", errno: 5 }),
      new DOMException("aborted", "AbortError") as Error,
      named,
    ];
    for (const error of errors) {
      const copy = errorOf(structuredClone(partsOf(error)));
      assertEquals(copy.constructor, error === named ? Error : error.constructor);
      assertEquals([copy.name, copy.message, copy.stack ?? ""], [
        error.name,
        error.message,
        error.stack ?? "",
      ]);
      assertEquals(String(copy.cause), String(error.cause));
    }
    const win32 = errorOf(partsOf(errors[2])) as Win32Error;
    assertEquals([win32.code, win32.call, win32.subject, win32.errno], [
      38,
      "ReadFile",
      "a.txt",
      5,
    ]);
  });

  it("a chain of causes that never ends is cut", () => {
    const error = new Error("round and round");
    error.cause = error;
    let depth = 0;
    for (let at: unknown = errorOf(partsOf(error)); at instanceof Error; at = at.cause) depth++;
    assertEquals(depth, 9);
  });
});
