import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { markClosed } from "../../src/core/calls.ts";
import { ledger, P_CALLS } from "../../src/core/ledger.ts";
import { closeSystemPort } from "../../src/core/port-life.ts";
import { Folder } from "../conformance/fixture.ts";

/** Whatever makes or closes a port looks after what closed ports have left. */
function lookAfter(): void {
  new CompletionPort().close();
}

describe("promise 5: what closed ports leave behind", () => {
  it("an operation whose packet the closing thread may just be taking is left to it", () => {
    using folder = new Folder();
    const { words, operations } = ledger();
    const before = operations.count();
    using buffer = NativeBuffer.allocate(64);
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    const port = new CompletionPort();
    port.associate(file, 1);
    file.write(buffer, 0); // Opened for reading: refused, and its packet queued at once.
    const { place } = port.token;
    assertEquals(markClosed(words, place + P_CALLS), true, "this thread must close the port");
    // Another thread closes a port of its own meanwhile.
    lookAfter();
    assertEquals(operations.count(), before + 1);
    closeSystemPort(place);
    lookAfter();
    assertEquals(operations.count(), before);
  });
});
