import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../../mod.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { Folder, itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { H_SYSTEM, ledger, readNumber } from "../../../src/core/ledger.ts";

describe("case 59: a start on a handle that another thread closes just then", () => {
  /** What the start throws, or with what its packet fails, if the word `name` is read of another handle. */
  function outcomeAt(word: number): number {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(8);
    port.associate(file, 1);
    const handle = readNumber(ledger().words, file.token.place + H_SYSTEM);
    const at = findHandle(handle);
    const engine = region() as { words: Int32Array<ArrayBuffer> };
    const real = engine.words;
    const life = real[at + layout.H_GENERATION];
    // The place is given up, and cleared for the next handle, right before that word is read.
    engine.words = new Proxy(real, {
      get(words, key) {
        if (key === String(at + word)) {
          engine.words = real;
          words[at + layout.H_GENERATION] = 0;
          return 0;
        }
        const value = Reflect.get(words, key, words);
        return typeof value === "function" ? value.bind(words) : value;
      },
    });
    try {
      file.read(buffer, 0);
      return port.get(0)?.error?.code ?? 0;
    } catch (error) {
      if (error instanceof Win32Error) return error.code;
      throw error;
    } finally {
      engine.words = real;
      real[at + layout.H_GENERATION] = life;
    }
  }

  for (
    const [name, word] of [["kind", "H_KIND"], ["rights", "H_FLAGS"], ["port", "H_PORT"]] as const
  ) {
    itUnless(
      unlessLinux,
      `is 6, and no packet, whatever was read of its place: the ${name}`,
      () => assertEquals(outcomeAt(layout[word]), 6),
    );
  }
});
