import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { READ, startWith } from "../../src/core/start.ts";
import { Folder } from "../conformance/fixture.ts";

const ERROR_ACCESS_DENIED = 5;

describe("promise 1: a start that the system refuses", () => {
  it("throws if its port was closed meanwhile, and no other port gets the packet", () => {
    using folder = new Folder();
    using buffer = NativeBuffer.allocate(16);
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    const { operations } = ledger();
    const before = operations.count();
    const port = new CompletionPort();
    port.associate(file, 1);
    const others: CompletionPort[] = [];
    const refused = () => {
      port.close();
      // On Windows one of these gets the number of the closed port (case 57).
      for (let i = 0; i < 8; i++) others.push(new CompletionPort());
      return ERROR_ACCESS_DENIED;
    };
    const start = () => startWith(READ, file, { buffer }, 0, refused);
    assertEquals(assertThrows(start, Win32Error).code, 6);
    assertEquals(others.map(({ counters }) => counters.queued), others.map(() => 0));
    assertEquals(operations.count(), before);
    for (const other of others) other.close();
  });
});
