import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../mod.ts";
import { onlookers } from "../../src/core/onlookers.ts";
import { CAPACITY } from "../../src/pool/trace-ring.ts";
import { Folder, isWindows, itUnless, until } from "./fixture.ts";
import { BLOCKING, DONE, EXIT, TestPool } from "./pool.ts";

/** An event of the file, as the format documents it. */
interface TraceEvent {
  readonly ph: "X" | "b" | "e" | "C" | "M" | "i";
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly cat: string;
  readonly id: string;
  readonly args: Record<string, number | string>;
}

function read(path: string): TraceEvent[] {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The names of the threads by their numbers. */
function threadsOf(events: TraceEvent[]): Map<number, string> {
  const named = events.filter(({ ph, name }) => ph === "M" && name === "thread_name");
  return new Map(named.map(({ tid, args }) => [tid, `${args.name}`]));
}

/** Every field that the format asks for is there and of its type. */
function assertFormat(events: TraceEvent[]): void {
  const threads = threadsOf(events);
  for (const event of events) {
    const text = JSON.stringify(event);
    assert(Number.isInteger(event.pid) && Number.isInteger(event.tid), text);
    assert(typeof event.name === "string" && event.name !== "", text);
    if (event.ph === "M") continue;
    assert(event.ts >= 0 && Number.isFinite(event.ts), text);
    if (event.ph === "C") {
      assert(Object.values(event.args).every(Number.isInteger), text);
      continue;
    }
    assert(threads.has(event.tid), text);
    if (event.ph === "i") continue;
    assert(typeof event.cat === "string", text);
    if (event.ph === "X") assert(event.dur >= 0, text);
    else assert(/^0x[0-9a-f]+$/.test(event.id), text);
  }
}

/** Of the complete events of a thread each ends before the next begins, or lies inside it. */
function assertNested(events: TraceEvent[]): void {
  for (const tid of threadsOf(events).keys()) {
    const ends: number[] = [];
    const complete = events.filter((event) => event.ph === "X" && event.tid === tid);
    complete.sort((one, other) => one.ts - other.ts || other.dur - one.dur);
    for (const { ts, dur, name } of complete) {
      // Times are doubles since 1970: a quarter of a microsecond is their grain.
      while (ends.length > 0 && ends.at(-1)! <= ts + 1) ends.pop();
      assert(ends.length === 0 || ts + dur <= ends.at(-1)! + 1, `${name} of ${tid} at ${ts}`);
      ends.push(ts + dur);
    }
  }
}

describe("pool, trace", () => {
  it("a run is a file of packets, tasks, counters and names of threads", async () => {
    using folder = new Folder();
    const path = folder.path("run.json");
    const pool = await TestPool.open({ threads: 3, name: "traced", trace: path });
    for (let key = 1; key <= 20; key++) pool.post({ key, bytesTransferred: key * 2 });
    await pool.done(20);
    pool.post({ key: BLOCKING });
    await until(() => pool.counters.blocked === 1, "a handler blocks");
    pool.go();
    await Promise.all(Array.from({ length: 10 }, () => pool.run("echo", 1)));
    await pool.run("no such").catch(() => {});
    await pool.end();
    const events = read(path);
    assertFormat(events);
    assertNested(events);
    const complete = events.filter(({ ph }) => ph === "X");
    const posted = complete.filter(({ cat, args }) => cat === "packet" && args.key !== BLOCKING);
    assertEquals(
      posted.map(({ args }) => args.key).sort((a, b) => +a - +b).join(),
      [
        ...Array(20).keys(),
      ].map((key) => key + 1).join(),
    );
    assert(posted.every(({ args }) => +args.bytesTransferred === 2 * +args.key));
    assertEquals(complete.filter(({ name }) => name === "blocked").length, 1);
    const tasks = complete.filter(({ cat }) => cat === "task");
    assertEquals(tasks.filter(({ name }) => name === "echo").length, 10);
    assertEquals(tasks.filter(({ args }) => args.failed).map(({ name }) => name), ["no such"]);
    assertEquals([...threadsOf(events).values()].sort(), [
      "owner",
      "traced 0",
      "traced 1",
      "traced 2",
    ]);
    const counters = new Set(events.filter(({ ph }) => ph === "C").map(({ name }) => name));
    assertEquals([...counters].sort(), ["in flight", "queued", "threads"]);
  });

  it("every operation begins and ends, under one id, with what it was and brought", async () => {
    using folder = new Folder();
    const path = folder.path("run.json");
    using file = FileHandle.open(folder.file("data", "0123456789"));
    using buffer = NativeBuffer.allocate(4);
    const pool = await TestPool.open({ threads: 2, trace: path });
    pool.port.associate(file, 7);
    for (const offset of [0, 4, 8]) {
      file.read(buffer, offset, offset + 100);
      await pool.done(offset / 4 + 1);
    }
    await pool.end();
    const events = read(path);
    assertFormat(events);
    const [begun, ended] = ["b", "e"].map((ph) => events.filter((event) => event.ph === ph));
    assertEquals(begun.map(({ name, args }) => [name, args]), [
      ["read", { offset: 0, tag: 100, bytes: 4 }],
      ["read", { offset: 4, tag: 104, bytes: 4 }],
      ["read", { offset: 8, tag: 108, bytes: 4 }],
    ]);
    ended.sort((one, other) => one.ts - other.ts);
    assertEquals(ended.map(({ args }) => args.bytesTransferred), [4, 4, 2]);
    ended.forEach((end, index) => {
      assertEquals([end.id, end.cat], [begun[index].id, begun[index].cat]);
      assert(end.ts >= begun[index].ts - 1000, "clocks of threads agree");
    });
    const handled = events.filter(({ cat }) => cat === "packet");
    // Which thread notes first is open.
    handled.sort((one, other) => Number(one.args.tag) - Number(other.args.tag));
    assertEquals(handled.map(({ name, args }) => [name, args.key, args.tag]), [
      ["read", 7, 100],
      ["read", 7, 104],
      ["read", 7, 108],
    ]);
  });

  it("what a full ring loses is counted and written", async () => {
    using folder = new Folder();
    const path = folder.path("run.json");
    const pool = await TestPool.open({ threads: 1, trace: path });
    const packets = 2 * CAPACITY;
    for (let key = 0; key < packets; key++) pool.post({ key: 1 });
    // The owner does not come to empty the ring.
    while (pool.count(DONE) < packets);
    await pool.end();
    const events = read(path);
    const noted = events.filter(({ ph, cat }) => ph === "X" && cat === "packet").length;
    const lost = events.filter(({ name }) => name === "lost");
    assert(noted >= CAPACITY && noted < packets, `${noted}`);
    assertEquals(lost.reduce((sum, { args }) => sum + +args.notes, noted), packets);
    assertEquals(events.find(({ name }) => name === "lost in all")?.args.notes, packets - noted);
  });

  it("what a thread has noted that dies is in it, and what the one after it notes", async () => {
    using folder = new Folder();
    const path = folder.path("run.json");
    const pool = await TestPool.open({ threads: 1, trace: path });
    for (const key of [1, EXIT, 2]) pool.post({ key });
    await pool.done(2);
    await pool.end();
    const keys = read(path).filter(({ cat }) => cat === "packet").map(({ args }) => args.key);
    assertEquals(keys, [1, 2]);
  });

  it("a file that cannot be made is an error before anything is begun", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    const trace = folder.path("no/run.json");
    assertThrows(() => new TestPool({ port, trace }), Win32Error);
    // The port is nobody's, and takes packets.
    port.post({ key: 5 });
    assertEquals(port.get(0)?.key, 5);
  });

  itUnless(isWindows && "Windows has no /dev/full", "a full disk is an error event", async () => {
    const pool = await TestPool.open({ threads: 1, trace: "/dev/full" });
    await pool.run("echo", 1);
    await pool.end();
    assertEquals(pool.errors.map(({ error }) => (error as Win32Error).code), [112]);
  });

  it("nobody looks on any more when the pool is closed, nor without it", async () => {
    using folder = new Folder();
    const traced = await TestPool.open({ threads: 1, trace: folder.path("run.json") });
    assertEquals(onlookers?.length, 1);
    await traced.end();
    const pool = await TestPool.open({ threads: 1 });
    assertEquals(onlookers, null);
    await pool.end();
  });
});
