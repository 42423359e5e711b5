import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as codes from "../../src/system/codes.ts";
import {
  errorOfErrno,
  errorOfStatus,
  nameOfError,
  statusOfError,
} from "../../src/system/system.ts";
import { isWindows, itUnless } from "../conformance/fixture.ts";

/** All codes of the table. */
const CODES = Array.from({ length: 20_000 }, (_, code) => code)
  .filter((code) => nameOfError(code) !== undefined);

describe("the table of errors", () => {
  it("has a name and a text for each code, the name for one code only", () => {
    const names = CODES.map((code) => nameOfError(code)!);
    assert(names.length > 40);
    assertEquals(new Set(names.map(({ name }) => name)).size, names.length);
    for (const { name, text } of names) {
      assertMatch(name, /^(?:ERROR_|WAIT_|WSAE)[A-Z0-9_]+$/);
      assertMatch(text, /^[A-Z].*[^.]$/);
    }
  });

  it("knows every code that the contract names, by the same name", () => {
    for (const [name, code] of Object.entries(codes)) {
      if (/^(?:ERROR_|WAIT_|WSAE)/.test(name)) assertEquals(nameOfError(code)?.name, name);
    }
  });

  it("a code's NTSTATUS is the code again", () => {
    for (const code of CODES) {
      assertEquals(errorOfStatus(statusOfError(code)), code, String(code));
    }
    assertEquals([statusOfError(0), errorOfStatus(0)], [0, 0]);
  });

  it("a code without an NTSTATUS of its own travels in one made for that", () => {
    assertEquals([statusOfError(10057), errorOfStatus(0xC0072749)], [0xC0072749, 10057]);
    assertEquals([errorOfStatus(0xC006FFFF), errorOfStatus(0xC0080000)], [undefined, undefined]);
  });

  it("an NTSTATUS tells failures from successes by its highest bit", () => {
    for (const code of CODES) {
      const status = statusOfError(code);
      assert(Number.isInteger(status) && status >= 0 && status <= 0xFFFFFFFF);
      const isWaiting = [0, 192, 258, 735, 997].includes(code);
      assertEquals(status >= 0x80000000, !isWaiting, `${code}`);
    }
  });

  // (errno, code): Linux's meaning of what Windows says.
  const ERRNOS = [
    [0, 0],
    [1, 5],
    [2, 2],
    [4, 31],
    [5, 1117],
    [9, 6],
    [12, 8],
    [13, 5],
    [17, 80],
    [20, 3],
    [21, 5],
    [22, 87],
    [24, 4],
    [26, 32],
    [28, 112],
    [30, 19],
    [32, 109],
    [36, 206],
    [38, 50],
    [95, 50],
    [104, 64],
    [111, 1225],
    [122, 112],
    [125, 995],
  ];
  it("an errno becomes the code Windows has for it, and survives as an NTSTATUS", () => {
    for (const [errno, code] of ERRNOS) {
      assertEquals(errorOfErrno(errno), code, `errno ${errno}`);
      assertEquals(errorOfStatus(statusOfError(code)), code);
    }
  });

  it("an errno that means nothing to it is ERROR_GEN_FAILURE (31), every other one has a name", () => {
    assertEquals([errorOfErrno(9999), errorOfErrno(-1)], [31, 31]);
    for (let errno = 1; errno < 134; errno++) {
      assert(nameOfError(errorOfErrno(errno)) !== undefined, `errno ${errno}`);
    }
  });

  it("what it does not know is undefined", () => {
    assertEquals([nameOfError(99_999), errorOfStatus(0xDEADBEEF)], [undefined, undefined]);
  });

  it("case 30, part (d): the codes that Windows' own translation gets wrong", () => {
    // RtlNtStatusToDosError says 128 to the first.
    assertEquals([0x80, 0x102, 0xC0].map(errorOfStatus), [735, 258, 192]);
    const known = [
      [0xC0000011, 38],
      [0xC0000120, 995],
      [0xC000014B, 109],
      [0xC000020D, 64],
      [0x80000005, 234],
      [0xC0000236, 1225],
      [0xC00000B0, 233],
      [0xC0000241, 1236],
      [0xC0000055, 33],
      [0xC000013B, 64],
      [0xC0000022, 5],
      [0xC0000008, 6],
      [0xC000013C, 64],
      [0xC000020A, 52],
      [0xC000020C, 64],
      [0xC0000207, 1214],
      [0xC0000206, 1784],
    ];
    for (const [status, code] of known) assertEquals(errorOfStatus(status), code);
  });

  itUnless(!isWindows && "asks ntdll", "agrees with RtlNtStatusToDosError", async () => {
    const { ntdll } = await import("../../src/ffi/ntdll.ts");
    // What it gets wrong for our purpose; see the case above.
    const exceptions = new Set([735, 258, 192]);
    const different: string[] = [];
    for (const code of CODES) {
      const status = statusOfError(code);
      if (exceptions.has(code)) continue;
      const theirs = ntdll().RtlNtStatusToDosError(status | 0);
      if (theirs !== code) different.push(`${code}: 0x${status.toString(16)} is ${theirs}`);
    }
    assertEquals(different, []);
  });
});
