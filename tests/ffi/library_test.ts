import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { kernel32 } from "../../src/ffi/kernel32.ts";
import { libc } from "../../src/ffi/libc.ts";
import { functionAt, library, LibraryError, word } from "../../src/ffi/library.ts";
import { platform, processId } from "../../src/ffi/runtime.ts";
import { isBun, isLinux } from "../conformance/fixture.ts";

const OWN = isLinux ? "libc.so.6" : "kernel32.dll";
const MISSING = isLinux ? "no-such-library.so.9" : "no-such-library.dll";

/** Functions of either system that return the id of this process. */
const GETPID = { getpid: { parameters: [], result: "i32" } } as const;
const GET_ID = { GetCurrentProcessId: { parameters: [], result: "i32" } } as const;

/** Loads the first of `names` that exists and asks it for the id of this process. */
function idFrom(names: string[]): number {
  return isLinux
    ? library(names, GETPID)().getpid()
    : library(names, GET_ID)().GetCurrentProcessId();
}

/** A C string. */
function text(value: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(value.length + 1));
  new TextEncoder().encodeInto(value, bytes);
  return bytes;
}

/** The address of a function that returns the id of this process. */
function addressOfGetId(): number {
  if (isLinux) {
    // void *(void *handle, const char *symbol); 0 is RTLD_DEFAULT
    const dlsym = { dlsym: { parameters: ["pointer", "buffer"], result: "pointer" } } as const;
    return Number(library([OWN], dlsym)().dlsym(word(0), text("getpid")));
  }
  const k = library([OWN], {
    // HMODULE (LPCSTR lpModuleName)
    GetModuleHandleA: { parameters: ["buffer"], result: "pointer" },
    // FARPROC (HMODULE hModule, LPCSTR lpProcName)
    GetProcAddress: { parameters: ["pointer", "buffer"], result: "pointer" },
  })();
  return Number(k.GetProcAddress(k.GetModuleHandleA(text(OWN)), text("GetCurrentProcessId")));
}

describe("loading a library", () => {
  it("happens at the first call, once", () => {
    assertEquals(idFrom([OWN]), processId);
    const open = isLinux ? library([OWN], GETPID) : library([OWN], GET_ID);
    assert(open() === open());
  });

  it("one that is missing: a LibraryError that names it, at each call and not before", () => {
    const open = library([MISSING], GETPID);
    for (let call = 0; call < 2; call++) {
      const error = assertThrows(open, LibraryError);
      assertEquals(error.name, "LibraryError");
      assertStringIncludes(error.message, `Loading ${MISSING} failed`);
      assert(error.cause !== undefined);
    }
  });

  it("of several names the first that exists is taken", () => {
    assertEquals(idFrom([MISSING, OWN]), processId);
    const error = assertThrows(library([MISSING, `other-${MISSING}`], GETPID), LibraryError);
    assertStringIncludes(error.message, `${MISSING} or other-${MISSING}`);
  });

  it("a function that is missing: a LibraryError", () => {
    const signatures = { no_such_function: { parameters: [], result: "i32" } } as const;
    assertThrows(library([OWN], signatures), LibraryError, OWN);
  });

  it("the other system's library is a LibraryError that says what is needed", () => {
    const error = assertThrows(platform === "linux" ? kernel32 : libc, LibraryError);
    assertStringIncludes(error.message, "Windows 10 or later, or Linux");
  });

  it("words cross in the form that is fast here", () => {
    assertEquals(typeof word(2 ** 48), isBun ? "number" : "bigint");
    assertEquals(Number(word(2 ** 53 - 1)), 2 ** 53 - 1);
  });

  it("a function is called by its address too", () => {
    const address = addressOfGetId();
    const call = functionAt(address, { parameters: [], result: "u32" } as const);
    assertEquals(call(), processId);
  });
});
