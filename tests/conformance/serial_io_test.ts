import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { MAXDWORD, type Packet, SERIAL_EVENTS } from "../../mod.ts";
import { itUnless, startWorker } from "./fixture.ts";
import { SerialBench, unlessPty } from "./serial-bench.ts";

const { received, cts } = SERIAL_EVENTS;

describe("reading and writing a serial line", () => {
  itUnless(unlessPty, "bytes travel as they are, both ways", () => {
    using bench = new SerialBench();
    const all = String.fromCharCode(...Array.from({ length: 128 }, (_, code) => code));
    const write = bench.write(all);
    assertEquals(bench.packetOf(write).bytesTransferred, 128);
    assertEquals(bench.pty.received(), all);
    const read = bench.line.read(bench.buffer.subarray(0, 500), 9);
    assertEquals([read.kind, read.tag], ["read", 9]);
    assertEquals(bench.pty.send(all), 128);
    assertEquals(bench.textOf(read), all);
    assertEquals(bench.pty.received(), "");
  });

  itUnless(unlessPty, "promise 1: a read of nothing and a write of nothing succeed", () => {
    using bench = new SerialBench();
    const empty = bench.buffer.subarray(0, 0);
    for (const operation of [bench.line.read(empty), bench.line.write(empty)]) {
      const { error, bytesTransferred } = bench.packetOf(operation);
      assertEquals([error, bytesTransferred], [null, 0]);
    }
  });

  itUnless(unlessPty, "without limits a read ends when it is full", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 0 } });
    const read = bench.line.read(bench.buffer.subarray(0, 6));
    for (const part of ["a", "bc", "de"]) {
      bench.pty.send(part);
      bench.nothingComes();
    }
    bench.pty.send("fgh");
    assertEquals(bench.textOf(read), "abcdef");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 2))), "gh");
  });

  itUnless(unlessPty, "interval MAXDWORD and nothing else: what there is, at once", () => {
    using bench = new SerialBench({ timeouts: { readInterval: MAXDWORD } });
    assertEquals(bench.textOf(bench.line.read(bench.buffer)), "");
    bench.pty.send("abc");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 2))), "ab");
    assertEquals(bench.textOf(bench.line.read(bench.buffer)), "c");
  });

  itUnless(unlessPty, "interval and multiplier MAXDWORD: the first bytes, or none in time", () => {
    const [readInterval, readMultiplier] = [MAXDWORD, MAXDWORD];
    using bench = new SerialBench({ timeouts: { readInterval, readMultiplier, readConstant: 20 } });
    assertEquals(bench.textOf(bench.line.read(bench.buffer)), "");
    bench.line.setTimeouts({ readInterval, readMultiplier, readConstant: 60_000 });
    const read = bench.line.read(bench.buffer);
    bench.pty.send("abc");
    assertEquals(bench.textOf(read), "abc");
  });

  itUnless(unlessPty, "a total limit: what there is when it is over", () => {
    using bench = new SerialBench({ timeouts: { readMultiplier: 1, readConstant: 20 } });
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 10))), "");
    bench.pty.send("abc");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 10))), "abc");
    bench.pty.send("0123456789");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 10))), "0123456789");
  });

  itUnless(unlessPty, "an interval: a pause ends the read, but not before there are bytes", () => {
    using bench = new SerialBench({ timeouts: { readInterval: 20 } });
    const read = bench.line.read(bench.buffer.subarray(0, 10));
    bench.nothingComes();
    bench.pty.send("abc");
    assertEquals(bench.textOf(read), "abc");
    bench.pty.send("0123456789");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 10))), "0123456789");
  });

  itUnless(unlessPty, "limits of one read do not touch the next one", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 30 } });
    const first = bench.line.read(bench.buffer.subarray(0, 2));
    bench.pty.send("ab");
    const text = bench.textOf(first);
    assert(text === "ab" || text === "", text);
    bench.line.purge({ input: true });
    bench.line.setTimeouts({ readConstant: 0 });
    const read = bench.line.read(bench.buffer.subarray(0, 2));
    assertEquals(bench.port.get(60), null);
    bench.pty.send("cd");
    assertEquals(bench.textOf(read), "cd");
  });

  itUnless(unlessPty, "each read's time begins when the one before it has ended", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 40 } });
    const [first, second] = [0, 100].map((at) =>
      bench.line.read(bench.buffer.subarray(at, at + 4))
    );
    bench.line.setTimeouts({ readConstant: 0 });
    assertEquals(bench.textOf(first), "");
    assertEquals(bench.port.get(80), null);
    bench.pty.send("abcd");
    assertEquals(bench.textOf(second), "abcd");
  });

  itUnless(unlessPty, "a total limit and an interval: whichever is over first", () => {
    using bench = new SerialBench({ timeouts: { readInterval: 60_000, readConstant: 20 } });
    bench.pty.send("a");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 10))), "a");
    bench.line.setTimeouts({ readInterval: 5, readConstant: 60_000 });
    bench.pty.send("b");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 10))), "b");
  });

  itUnless(unlessPty, "a short limit after a long one, and a long one after a short one", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 60_000 } });
    const long = bench.line.read(bench.buffer.subarray(0, 2));
    bench.pty.send("ab");
    assertEquals(bench.textOf(long), "ab");
    bench.line.setTimeouts({ readConstant: 10 });
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 2))), "");
    const short = bench.line.read(bench.buffer.subarray(0, 2));
    bench.pty.send("cd");
    assert(["cd", ""].includes(bench.textOf(short)));
    bench.line.purge({ input: true });
    bench.line.setTimeouts({ readConstant: 60_000 });
    const last = bench.line.read(bench.buffer.subarray(0, 2));
    assertEquals(bench.port.get(40), null);
    bench.pty.send("ef");
    assertEquals(bench.textOf(last), "ef");
  });

  itUnless(unlessPty, "reads that wait for each other run out of time one after the other", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 5 } });
    const parts = [0, 10, 20].map((at) => bench.buffer.subarray(at, at + 4));
    const reads = parts.map((part) => bench.line.read(part));
    assertEquals(reads.map((read) => bench.textOf(read)), ["", "", ""]);
  });

  itUnless(unlessPty, "case 44: reads are filled in the order of their starts", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 0 } });
    const reads = [0, 1, 2, 3, 4].map((index) =>
      bench.line.read(bench.buffer.subarray(index * 4, index * 4 + 4), index)
    );
    bench.pty.send("aaaabbbbccccdd");
    assertEquals(bench.textOf(reads[0]), "aaaa");
    assertEquals(bench.textOf(reads[1]), "bbbb");
    assertEquals(bench.textOf(reads[2]), "cccc");
    bench.pty.send("ddeeee");
    assertEquals(bench.textOf(reads[3]), "dddd");
    assertEquals(bench.textOf(reads[4]), "eeee");
  });

  itUnless(unlessPty, "a write that the line does not take: goes on when it does", () => {
    using bench = new SerialBench();
    const length = 60_000;
    bench.buffer.bytes.fill(0x61, 0, length);
    const write = bench.line.write(bench.buffer.subarray(0, length));
    assertEquals(bench.port.get(20), null);
    let taken = 0;
    let packet: Packet | null = null;
    while (taken < length) {
      taken += bench.pty.received().length;
      packet ??= bench.port.get(0);
    }
    packet ??= bench.port.get(20_000);
    assert(packet?.operation === write);
    assertEquals([taken, packet.error, packet.bytesTransferred], [length, null, length]);
  });

  itUnless(unlessPty, "a write's limit: a success with what was taken", () => {
    using bench = new SerialBench({ timeouts: { writeConstant: 20 } });
    const { error, bytesTransferred } = bench.packetOf(bench.line.write(bench.buffer));
    assertEquals(error, null);
    assert(bytesTransferred > 0 && bytesTransferred < 65536, `${bytesTransferred}`);
  });

  itUnless(unlessPty, "a line that is torn off: 1117", () => {
    using bench = new SerialBench();
    const [read, wait] = [bench.line.read(bench.buffer), bench.line.waitEvent(received)];
    bench.pty.close();
    const packets = [bench.port.get(20_000)!, bench.port.get(20_000)!];
    assertEquals(new Set(packets.map(({ operation }) => operation)), new Set([read, wait]));
    assertEquals(packets.map(({ error }) => error?.code), [1117, 1117]);
    assertEquals(bench.packetOf(bench.line.read(bench.buffer)).error?.code, 1117);
    assertEquals(bench.packetOf(bench.write("abc")).error?.code, 1117);
  });
});

describe("ending a serial line's operations", () => {
  itUnless(unlessPty, "cases 59, 60: closing and cancelling end what is pending: 995", () => {
    for (const isClosed of [true, false]) {
      using bench = new SerialBench({ timeouts: { readConstant: 60_000, writeConstant: 60_000 } });
      const operations = [
        bench.line.read(bench.buffer),
        bench.line.read(bench.buffer.subarray(0, 5)),
        bench.line.write(bench.buffer),
        bench.line.waitEvent(received | cts),
      ];
      if (isClosed) bench.line.close();
      else assert(bench.line.cancel());
      const packets = operations.map(() => bench.port.get(20_000)!);
      assertEquals(new Set(packets.map(({ operation }) => operation)), new Set(operations));
      assertEquals(packets.map(({ error }) => error?.code), [995, 995, 995, 995]);
      assertEquals([bench.port.counters.inFlight, bench.port.get(0)], [0, null]);
    }
  });

  itUnless(unlessPty, "case 60: one operation is cancelled and the others go on", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 60_000 } });
    const [first, second] = [0, 10].map((at) => bench.line.read(bench.buffer.subarray(at, at + 2)));
    assert(first.cancel());
    assertEquals(bench.packetOf(first).error?.code, 995);
    bench.pty.send("xy");
    assertEquals(bench.textOf(second), "xy");
    assert(!second.cancel());
  });

  itUnless(unlessPty, "a later read that is cancelled gives the first one no new time", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 20 } });
    const [first, second] = [0, 10].map((at) => bench.line.read(bench.buffer.subarray(at, at + 2)));
    bench.line.setTimeouts({ readConstant: 0x7ffffff });
    second.cancel();
    assertEquals(bench.packetOf(second).error?.code, 995);
    assertEquals(bench.textOf(first), "");
  });

  itUnless(unlessPty, "case 64: a cancelled read says how much it had", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 0 } });
    bench.pty.send("abc");
    const read = bench.line.read(bench.buffer.subarray(0, 10));
    read.cancel();
    const { error, bytesTransferred } = bench.packetOf(read);
    assertEquals([error?.code, bytesTransferred], [995, 3]);
  });

  itUnless(unlessPty, "purge ends reads and not writes, or drops what has come", () => {
    using bench = new SerialBench({ timeouts: { readConstant: 0 } });
    const [first, second] = [0, 10].map((at) => bench.line.read(bench.buffer.subarray(at, at + 2)));
    const wait = bench.line.waitEvent(received);
    bench.line.purge({ reads: true });
    const packets = [bench.port.get(20_000)!, bench.port.get(20_000)!];
    assertEquals(new Set(packets.map(({ operation }) => operation)), new Set([first, second]));
    assertEquals(packets.map(({ error }) => error?.code), [995, 995]);
    bench.pty.send("abcdef");
    assertEquals(bench.eventsOf(wait), received);
    bench.line.purge({ input: true });
    bench.pty.send("xy");
    assertEquals(bench.textOf(bench.line.read(bench.buffer.subarray(0, 2))), "xy");
    bench.line.purge({});
    bench.line.purge();
    assertEquals(bench.port.get(0), null);
  });

  itUnless(unlessPty, "promise 8: a read outlives the thread that started it", async () => {
    using bench = new SerialBench({ timeouts: { readInterval: 20 } });
    await startWorker("serial-read", {
      line: bench.line.token,
      buffer: bench.buffer.token,
      length: 10,
    });
    bench.pty.send("abc");
    const packet = bench.port.get(20_000)!;
    assertEquals([packet.error, packet.bytesTransferred], [null, 3]);
  });
});
