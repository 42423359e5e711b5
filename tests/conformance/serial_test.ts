import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CompletionPort,
  MAXDWORD,
  NativeBuffer,
  SERIAL_EVENTS,
  SerialHandle,
  type SerialOptions,
  type SerialSettings,
  Win32Error,
} from "../../mod.ts";
import { Folder, isWindows, isWine, itUnless } from "./fixture.ts";
import { region } from "../../src/system/linux/region.ts";
import { openHandles } from "./handles.ts";
import { Pty } from "./pty.ts";
import { SerialBench, unlessPty } from "./serial-bench.ts";

describe("opening a serial line", () => {
  it("what is refused before anything is opened", () => {
    const none = "no-such-line";
    for (const path of ["", "a\0b"]) assertThrows(() => SerialHandle.open(path), TypeError);
    const numbers: SerialOptions[] = [
      { speed: 0 },
      { speed: -1 },
      { speed: 0.5 },
      { speed: 2 ** 32 },
      { dataBits: 8, stopBits: 1.5 },
      { dataBits: 5, stopBits: 2 },
      { timeouts: { readConstant: -1 } },
      { timeouts: { writeConstant: 2 ** 32 } },
      { timeouts: { readInterval: MAXDWORD, readMultiplier: MAXDWORD, readConstant: MAXDWORD } },
    ];
    for (const options of numbers) assertThrows(() => SerialHandle.open(none, options), RangeError);
    const words = [{ dataBits: 9 }, { parity: "some" }, { stopBits: 3 }, { flowControl: "x" }];
    for (const options of words) {
      assertThrows(() => SerialHandle.open(none, options as SerialOptions), TypeError);
    }
  });

  it("a line that there is none of: 2, with its name", () => {
    const name = isWindows ? "COM199" : "/dev/ttyNone7";
    const missing = assertThrows(() => SerialHandle.open(name), Win32Error);
    assertEquals([missing.code, missing.subject], [2, name]);
  });

  itUnless(isWine && "Wine asks a file as if it were a line", "what is no line: 1", () => {
    using folder = new Folder();
    const file = folder.file("file", "abc");
    assertEquals(assertThrows(() => SerialHandle.open(file), Win32Error).code, 1);
  });

  itUnless(unlessPty, "a line in use is nobody else's: 5; and anybody's when it is closed", () => {
    using pty = new Pty();
    const before = openHandles();
    const line = SerialHandle.open(pty.path);
    assertEquals([line.kind, line.name], ["serial", pty.path]);
    assertEquals(assertThrows(() => SerialHandle.open(pty.path), Win32Error).code, 5);
    line.close();
    assert(pty.canBeOpened());
    SerialHandle.open(pty.path).close();
    assertEquals(openHandles(), before);
  });

  itUnless(unlessPty, "settings that cannot be made leave nothing open", () => {
    using pty = new Pty();
    const before = openHandles();
    SerialHandle.open(pty.path, { parity: "odd" }).close();
    for (let round = 0; round < 100; round++) {
      assertThrows(() => SerialHandle.open(pty.path, { speed: 2 ** 32 }), RangeError);
      assertThrows(() => SerialHandle.open(`${pty.path}9999`), Win32Error);
    }
    assertEquals(openHandles(), before);
  });

  itUnless(unlessPty, "settings are read back as they were made, one by one", () => {
    using pty = new Pty();
    using line = SerialHandle.open(pty.path, { speed: 115200 });
    const first: Required<SerialSettings> = {
      speed: 115200,
      dataBits: 8,
      parity: "none",
      stopBits: 1,
      flowControl: "none",
      dtr: true,
      rts: true,
    };
    assertEquals(line.settings(), first);
    const changes: SerialSettings[] = [
      { speed: 250_000 },
      { speed: 50 },
      { stopBits: 2 },
      { stopBits: 1 },
      { flowControl: "software" },
      { flowControl: "hardware" },
      { flowControl: "none" },
    ];
    let expected = first;
    for (const change of changes) {
      line.configure(change);
      expected = { ...expected, ...change };
      assertEquals(line.settings(), expected);
    }
    assertThrows(() => line.configure({ dataBits: 5, stopBits: 2 }), RangeError);
    assertEquals(line.settings(), expected);
  });

  itUnless(unlessPty, "promise 5: lines opened, used and closed leave nothing behind", () => {
    using pty = new Pty();
    using buffer = NativeBuffer.allocate(64);
    const round = () => {
      using port = new CompletionPort();
      using line = SerialHandle.open(pty.path, { timeouts: { readConstant: 60_000 } });
      port.associate(line, 1);
      line.read(buffer);
      line.waitEvent(SERIAL_EVENTS.received);
      line.close();
      assertEquals(port.getMany(2, 20_000).length + (port.get(0) === null ? 0 : 1), 2);
    };
    for (let warm = 0; warm < 5; warm++) round();
    // What a closed port still has to hear of is looked after when the next one is made.
    new CompletionPort().close();
    const count = () => [openHandles(), region().requests.count(), region().ports.count()];
    const before = count();
    for (let index = 0; index < 200; index++) round();
    new CompletionPort().close();
    assertEquals(count(), before);
  });
});

describe("the lines of a modem", () => {
  itUnless(unlessPty, "a pseudo-terminal has none: 50; a break may be set all the same", () => {
    using bench = new SerialBench();
    assertEquals(assertThrows(() => bench.line.modemLines(), Win32Error).code, 50);
    assertEquals(assertThrows(() => bench.line.setLines({ dtr: true }), Win32Error).code, 50);
    assertEquals(assertThrows(() => bench.line.setLines({ rts: false }), Win32Error).code, 50);
    bench.line.setLines({ break: true });
    bench.line.setLines({ break: false });
    bench.line.setLines({});
  });
});
