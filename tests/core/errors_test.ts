import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { checkInteger, checkNumber, Win32Error } from "../../src/core/errors.ts";

describe("Win32Error", () => {
  it("promise 9: says call, subject, name, code and text", () => {
    const error = new Win32Error(5, "ReadFile", { subject: "data.bin", errno: 13 });
    const { code, name, call, subject, errno, message } = error;
    assertEquals([code, name, call], [5, "ERROR_ACCESS_DENIED", "ReadFile"]);
    assertEquals([subject, errno], ["data.bin", 13]);
    assertEquals(
      message,
      "ReadFile of data.bin failed: ERROR_ACCESS_DENIED (5): Permission denied",
    );
    assert(error instanceof Error);
    assertEquals(String(error).includes("ERROR_ACCESS_DENIED (5)"), true);
  });

  it("promise 9: without a subject it names none; an errno of 0 is none", () => {
    const error = new Win32Error(735, "GetQueuedCompletionStatus", { errno: 0 });
    assertEquals([error.subject, error.errno], [undefined, undefined]);
    const expected = "GetQueuedCompletionStatus failed: ERROR_ABANDONED_WAIT_0 (735): " +
      "The port was closed during the wait";
    assertEquals(error.message, expected);
  });

  it("promise 9: a code that is not in the table is told as it is", () => {
    const error = new Win32Error(99_999, "ReadFile", { subject: "x" });
    assertEquals([error.code, error.name], [99_999, "ERROR_99999"]);
    assertEquals(error.message, "ReadFile of x failed: ERROR_99999 (99999)");
  });
});

describe("checking numbers", () => {
  it("lets whole numbers from 0 to the limit pass", () => {
    for (const value of [0, 1, 2 ** 31, 2 ** 53 - 1]) assertEquals(checkNumber(value, "n"), value);
    assertEquals(checkNumber(7, "n", 7), 7);
    for (const value of [-(2 ** 53 - 1), -1, 0]) assertEquals(checkInteger(value, "n"), value);
  });

  it("names what it refuses", () => {
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      assertThrows(() => checkNumber(value, "offset"), RangeError, `Cannot use ${value} as offset`);
    }
    assertThrows(() => checkNumber(8, "mode", 7), RangeError, "from 0 to 7");
    for (const value of [0.5, NaN, -(2 ** 53)]) {
      assertThrows(() => checkInteger(value, "tag"), RangeError, `Cannot use ${value} as tag`);
    }
  });

  it("refuses what only looks like a number", () => {
    for (const value of ["1", null, undefined, {}, 1n] as unknown as number[]) {
      assertThrows(() => checkNumber(value, "key"), RangeError, "key");
      assertThrows(() => checkInteger(value, "tag"), RangeError, "tag");
    }
  });
});
