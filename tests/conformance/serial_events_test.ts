import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort, SERIAL_EVENTS, SerialHandle } from "../../mod.ts";
import { itUnless } from "./fixture.ts";
import { Pty } from "./pty.ts";
import { SerialBench, unlessPty } from "./serial-bench.ts";

const { received, sent, cts, error: lineError } = SERIAL_EVENTS;

describe("waiting for events of a serial line", () => {
  itUnless(unlessPty, "case 75: bytes come: the event, and not twice for the same bytes", () => {
    using bench = new SerialBench();
    const wait = bench.line.waitEvent(received, 4);
    assertEquals([wait.kind, wait.tag, wait.buffer], ["waitEvent", 4, null]);
    bench.nothingComes();
    bench.pty.send("ab");
    assertEquals(bench.eventsOf(wait), received);
    const again = bench.line.waitEvent(received);
    bench.nothingComes();
    bench.pty.send("c");
    assertEquals(bench.eventsOf(again), received);
    assertEquals(bench.textOf(bench.line.read(bench.buffer)), "abc");
  });

  itUnless(unlessPty, "what happens between two waits is not lost, also if it was read", () => {
    using bench = new SerialBench();
    const wait = bench.line.waitEvent(received);
    bench.pty.send("ab");
    assertEquals(bench.eventsOf(wait), received);
    bench.textOf(bench.line.read(bench.buffer));
    bench.pty.send("cd");
    assertEquals(bench.textOf(bench.line.read(bench.buffer)), "cd");
    assertEquals(bench.eventsOf(bench.line.waitEvent(received)), received);
    const last = bench.line.waitEvent(received);
    bench.nothingComes();
    last.cancel();
    assertEquals(bench.packetOf(last).error?.code, 995);
  });

  itUnless(unlessPty, "what was told is not told again when it is read or dropped", () => {
    using bench = new SerialBench();
    const first = bench.line.waitEvent(received);
    bench.pty.send("a");
    assertEquals(bench.eventsOf(first), received);
    assertEquals(bench.textOf(bench.line.read(bench.buffer)), "a");
    const second = bench.line.waitEvent(received);
    bench.nothingComes();
    bench.pty.send("bc");
    assertEquals(bench.eventsOf(second), received);
    bench.line.purge({ input: true });
    const third = bench.line.waitEvent(received);
    bench.nothingComes();
    bench.pty.send("de");
    assertEquals(bench.eventsOf(third), received);
  });

  itUnless(unlessPty, "what had come when the events were chosen does not count", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 0 } });
    const first = bench.line.waitEvent(received);
    bench.pty.send("ab");
    assertEquals(bench.eventsOf(first), received);
    const other = bench.line.waitEvent(cts);
    bench.pty.send("cd");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 4))), "abcd");
    other.cancel();
    assertEquals(bench.packetOf(other).error?.code, 995);
    const again = bench.line.waitEvent(received);
    bench.nothingComes();
    bench.pty.send("e");
    assertEquals(bench.eventsOf(again), received);
  });

  itUnless(unlessPty, "a wait and a read at once: both are told of the bytes", () => {
    using bench = new SerialBench();
    const [read, wait] = [bench.line.read(bench.buffer), bench.line.waitEvent(received)];
    bench.pty.send("abc");
    const packets = [bench.port.get(20_000)!, bench.port.get(20_000)!];
    assertEquals(new Set(packets.map(({ operation }) => operation)), new Set([read, wait]));
    assertEquals(packets.map(({ error }) => error), [null, null]);
  });

  itUnless(unlessPty, "the last byte is out: the event, once for each time", () => {
    using bench = new SerialBench();
    const wait = bench.line.waitEvent(sent | received);
    bench.nothingComes();
    bench.assertBoth(bench.write("abc"), wait, sent);
    const again = bench.line.waitEvent(sent | received);
    bench.nothingComes();
    bench.pty.send("z");
    assertEquals(bench.eventsOf(again), received);
  });

  itUnless(unlessPty, "case 75: choosing other events ends the pending wait with none", () => {
    using bench = new SerialBench();
    for (const [first, other] of [[received, sent], [sent, cts], [cts | lineError, received]]) {
      const wait = bench.line.waitEvent(first);
      const next = bench.line.waitEvent(other);
      assertEquals(bench.eventsOf(wait), 0);
      assert(next.cancel());
      assertEquals(bench.packetOf(next).error?.code, 995);
    }
  });

  itUnless(unlessPty, "case 75: a second wait for the same: 87, and the first goes on", () => {
    using bench = new SerialBench();
    const wait = bench.line.waitEvent(received);
    assertEquals(bench.packetOf(bench.line.waitEvent(received)).error?.code, 87);
    bench.pty.send("a");
    assertEquals(bench.eventsOf(wait), received);
  });

  itUnless(unlessPty, "events that are none are refused at once", () => {
    using bench = new SerialBench();
    for (const events of [0, -1, 0.5, NaN, 2, 0x200, 2 ** 32 + 1]) {
      assertThrows(() => bench.line.waitEvent(events), RangeError);
    }
    const read = bench.line.read(bench.buffer);
    bench.pty.send("a");
    const packet = bench.packetOf(read);
    assertThrows(() => SerialHandle.events(packet), TypeError);
  });

  itUnless(unlessPty, "a hundred waiting lines on one port, with no thread but this one", () => {
    using port = new CompletionPort();
    const ptys = Array.from({ length: 100 }, () => new Pty());
    const lines = ptys.map((pty, index) => {
      const line = SerialHandle.open(pty.path);
      port.associate(line, index);
      line.waitEvent(received);
      return line;
    });
    ptys.forEach((pty) => pty.send("x"));
    const keys = new Set<number>();
    while (keys.size < 100) {
      const packet = port.get(20_000)!;
      assertEquals([packet.error, SerialHandle.events(packet)], [null, received]);
      keys.add(packet.key);
    }
    for (const line of lines) line.close();
    for (const pty of ptys) pty.close();
  });
});
