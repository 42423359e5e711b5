import { assertEquals, assertLess } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer } from "../../mod.ts";
import { ledger } from "../../src/core/ledger.ts";
import { region } from "../../src/system/linux/region.ts";
import { Folder, isLinux } from "./fixture.ts";
import { mappings, openHandles } from "./handles.ts";

/** What this module keeps of things, exactly. */
function places(): Record<string, number> {
  const { operations, handles, buffers, ports } = ledger();
  const tables: Record<string, { count(): number }> = { operations, handles, buffers, ports };
  if (isLinux) {
    const engine = region();
    tables["handles of the engine"] = engine.handles;
    tables["ports of the engine"] = engine.ports;
    tables["requests of the engine"] = engine.requests;
  }
  return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, table.count()]));
}

/** What the runtime may open or map for itself meanwhile: far less than one a round. */
const OTHERS = 300;

/** Does `round` so many times; afterwards nothing more is open, mapped or kept than before. */
function assertNoLeak(rounds: number, round: (index: number) => void): void {
  for (let warm = 0; warm < 20; warm++) round(warm);
  const before = { places: places(), handles: openHandles(), mappings: isLinux ? mappings() : [] };
  for (let index = 0; index < rounds; index++) round(index);
  assertEquals(places(), before.places);
  assertLess(openHandles(), before.handles + Math.min(OTHERS, rounds / 4));
  if (isLinux) assertLess(mappings().length, before.mappings.length + OTHERS);
}

describe("nothing is left behind", () => {
  it("promise 5: 10,000 files opened, read and closed", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(4096);
    assertNoLeak(10_000, () => {
      using file = FileHandle.open(path);
      port.associate(file, 1);
      file.read(buffer, 0);
      assertEquals(port.get()?.bytesTransferred, 3);
    });
  });

  it("promise 5: 3,000 files closed before their packets are taken", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(4096);
    assertNoLeak(3000, (index) => {
      const file = FileHandle.open(path);
      port.associate(file, index);
      file.read(buffer, 0);
      file.read(buffer, 100);
      file.close();
      for (let taken = 0; taken < 2; taken++) assertEquals(port.get()?.key, index);
    });
  });

  it("promise 5: 10,000 buffers, freed before or after their operation's packet is taken", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    port.associate(file, 1);
    assertNoLeak(10_000, (index) => {
      const buffer = NativeBuffer.allocate(4096);
      file.read(buffer.subarray(8), 0);
      if (index % 2 === 0) buffer.free();
      assertEquals(port.get()?.bytesTransferred, 3);
      buffer.free();
    });
  });

  it("promise 7: 2,500 ports, each with a file, more than may be open at once", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using buffer = NativeBuffer.allocate(4096);
    assertNoLeak(2500, (index) => {
      using port = new CompletionPort();
      const file = FileHandle.open(path);
      port.associate(file, 1);
      port.post({ key: 2 });
      file.read(buffer, 0);
      for (let taken = 0; taken < 2; taken++) port.get();
      // In either order of closing.
      if (index % 2 === 0) port.close();
      file.close();
    });
  });

  it("promise 1: 5,000 opens, associations and starts that fail", () => {
    using folder = new Folder();
    const missing = folder.path("missing.bin");
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(64);
    port.associate(file, 1);
    const fails = (call: () => unknown) => {
      try {
        call();
      } catch {
        return true;
      }
      return false;
    };
    assertNoLeak(5000, () => {
      const failed = [
        () => FileHandle.open(missing),
        () => port.associate(file, 1),
        () => file.read(buffer, -1),
      ].map(fails);
      assertEquals(failed, [true, true, true]);
      file.write(buffer, 0); // Opened for reading: refused, by a packet.
      assertEquals(port.get()?.error?.code, 5);
    });
  });
});
