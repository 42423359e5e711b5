import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CompletionPort,
  NativeBuffer,
  SERIAL_EVENTS,
  SerialHandle,
  type SerialOptions,
  type SerialTimeouts,
  Win32Error,
} from "../../mod.ts";
import { isWindows, itUnless } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { Pty } from "./pty.ts";
import { chooseSeed, randomFrom } from "./random.ts";
import { unlessPty } from "./serial-bench.ts";

type Random = (limit: number) => number;

const OPENS = isWindows ? 5000 : 100_000;
const NUMBERS = [0, 1, 5, 8, 9600, 115_200, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, -1, 0.5, NaN];

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)];
}

function randomOptions(random: Random): SerialOptions {
  const options: Record<string, unknown> = {};
  const maybe = (name: string, values: readonly unknown[]) => {
    if (random(3) === 0) options[name] = oneOf(random, values);
  };
  maybe("speed", [50, 9600, 115_200, ...NUMBERS]);
  maybe("dataBits", [5, 6, 7, 8, 4, 9, "8", NaN]);
  maybe("parity", ["none", "odd", "even", "mark", "space", "", "NONE", 1]);
  maybe("stopBits", [1, 1.5, 2, 0, 3, "1"]);
  maybe("flowControl", ["none", "hardware", "software", "", 0]);
  maybe("dtr", [true, false]);
  maybe("rts", [true, false, undefined]);
  maybe("timeouts", [{}, { readConstant: oneOf(random, NUMBERS) }, {
    readInterval: oneOf(random, NUMBERS),
    readMultiplier: oneOf(random, NUMBERS),
    writeConstant: oneOf(random, NUMBERS),
  }]);
  return options as SerialOptions;
}

/** Runs `work`; whether it was refused with an error that says why. */
function isRefused(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    const isKnown = error instanceof Win32Error || error instanceof TypeError ||
      error instanceof RangeError;
    if (!isKnown) throw error;
    return true;
  }
}

describe("serial lines, fuzzed", () => {
  it(`${OPENS} ways to open one: a line, or an error that says why`, () => {
    const random = randomFrom(chooseSeed("serial_fuzz, options"));
    using pty = isWindows ? null : new Pty();
    const paths = [pty?.path ?? "COM77", "/dev/null", "COM199", "", "\0", "/dev/ttyNone", "."];
    const before = openHandles();
    let refused = 0;
    for (let round = 0; round < OPENS; round++) {
      const path = random(3) === 0 ? oneOf(random, paths) : paths[0];
      const options = randomOptions(random);
      if (isRefused(() => SerialHandle.open(path, options).close())) refused++;
    }
    assertEquals(openHandles(), before);
    assert(refused > 0 && (pty === null || refused < OPENS), `${refused} of ${OPENS}`);
  });

  itUnless(unlessPty, "20,000 calls in any order: each operation has one packet", () => {
    const random = randomFrom(chooseSeed("serial_fuzz, calls"));
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(4096);
    using pty = new Pty();
    const line = SerialHandle.open(pty.path);
    port.associate(line, 1);
    let [started, taken] = [0, 0];
    const part = () => buffer.subarray(random(100), 100 + random(100));
    const timeouts = (): SerialTimeouts => ({
      readInterval: oneOf(random, [0, 1, 2 ** 32 - 1]),
      readMultiplier: oneOf(random, [0, 1, 2 ** 32 - 1]),
      readConstant: oneOf(random, [0, 1, 3, 2 ** 32 - 2]),
      writeConstant: oneOf(random, [0, 1]),
    });
    const calls = [
      () => void (line.read(part()), started++),
      () => void (line.write(part()), started++),
      () => void (line.waitEvent(1 + random(0x1ff)), started++),
      () => void (line.waitEvent(SERIAL_EVENTS.received), started++),
      () => void pty.send("x".repeat(random(50))),
      () => void pty.received(),
      () => line.setTimeouts(timeouts()),
      () => line.purge({ reads: random(2) === 0, input: random(2) === 0, writes: random(4) === 0 }),
      () => void (random(10) === 0 && line.cancel()),
      () => line.configure({ speed: 50 + random(9600), flowControl: "none" }),
    ];
    for (let round = 0; round < 20_000; round++) {
      isRefused(oneOf(random, calls));
      if (started - taken > 20) line.cancel();
      taken += port.getMany(8, 0).length;
    }
    line.close();
    while (taken < started) taken += port.getMany(64, 20_000).length || started;
    assertEquals([taken, port.counters.inFlight, port.get(0)], [started, 0, null]);
  });
});
