import { assertEquals, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../../mod.ts";
import { region } from "../../../src/system/linux/region.ts";
import { Folder, itUnless, unlessLinux } from "../../conformance/fixture.ts";

describe("places of requests", () => {
  itUnless(unlessLinux, "those that one port keeps are another's when there are no others", () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "abc");
    using buffer = NativeBuffer.allocate(4096);
    using busy = new CompletionPort();
    using file = FileHandle.open(path);
    busy.associate(file, 1);
    busy.batch(() => {
      for (let i = 0; i < 10; i++) file.read(buffer, 0);
    });
    for (let taken = 0; taken < 10;) taken += busy.getMany(10).length;
    using port = new CompletionPort();
    using other = FileHandle.open(path);
    port.associate(other, 2);
    const { requests } = region();
    const places: number[] = [];
    try {
      for (let place = requests.acquire(); place >= 0; place = requests.acquire()) {
        places.push(place);
      }
      let started = 0;
      const error = assertThrows(() => {
        port.batch(() => {
          for (;; started++) other.read(buffer, 0);
        });
      }, Win32Error);
      assertEquals([error.code, started], [1450, 10]);
    } finally {
      for (const place of places) requests.release(place);
    }
    for (let taken = 0; taken < 10;) taken += port.getMany(10).length;
    assertEquals(port.counters.inFlight, 0);
  });
});
