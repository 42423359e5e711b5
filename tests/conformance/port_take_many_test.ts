import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CompletionPort, FileHandle, limits, NativeBuffer, type Packet } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import {
  BAD_NUMBERS,
  Folder,
  GARBAGE_HANDLES,
  isLinux,
  itUnless,
  startWorker,
  unlessWaitingIsTold,
  until,
} from "./fixture.ts";
import { Raw } from "./raw.ts";
import type { Waited } from "./workers/wait.ts";

const take = system.getQueuedCompletionStatusEx;

function keysOf(packets: Packet[]): number[] {
  return packets.map(({ key }) => key);
}

describe("taking many packets, contract", () => {
  it("case 34: of 10 packets with room for 3 come 3, then 7, the oldest first", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(16)];
    for (let key = 1; key <= 10; key++) system.postQueuedCompletionStatus(port, 0, key, 0);
    const keys: number[] = [];
    for (const [count, expected] of [[3, 3], [16, 7]]) {
      assertEquals(take(port, entries, count, Infinity), 0);
      assertEquals(entries.removed, expected);
      for (let i = 0; i < entries.removed; i++) keys.push(entries.key(i));
    }
    assertEquals(keys, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("case 36: 0 also when an operation has failed; its status says so", () => {
    using folder = new Folder();
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(4)];
    const file = raw.associated(folder.file("data.bin", "abc"), port, 1);
    const into = raw.memory(16);
    const [good, bad] = [raw.overlapped(0), raw.overlapped(3)];
    for (const { address } of [good, bad]) {
      assertEquals(system.readFile(file, into.address, 16, address), 997);
    }
    const statuses = new Map<number, number>();
    while (statuses.size < 2) {
      assertEquals(take(port, entries, 4, Infinity), 0);
      for (let i = 0; i < entries.removed; i++) {
        statuses.set(entries.overlapped(i), entries.status(i));
      }
    }
    assertEquals(statuses.get(good.address), 0);
    assertEquals(statuses.get(bad.address), 0xC0000011);
  });

  it("case 41: a count of 0: 87, and nothing is taken", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(4)];
    assertEquals(take(port, entries, 0, 0), 87);
    system.postQueuedCompletionStatus(port, 0, 7, 0);
    assertEquals(take(port, entries, 0, Infinity), 87);
    assertEquals(take(port, entries, 4, 0), 0);
    assertEquals([entries.removed, entries.key(0)], [1, 7]);
  });

  it("case 42: a port that is none: 6; an empty one: 258", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(4)];
    for (const garbage of GARBAGE_HANDLES) {
      assertEquals(take(garbage, entries, 4, 0), 6, String(garbage));
    }
    assertEquals(take(port, entries, 4, 0), 258);
  });

  it("case 42: a count beyond the room: 87, and nothing is written", () => {
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(4)];
    for (let key = 1; key <= 6; key++) system.postQueuedCompletionStatus(port, 0, key, 0);
    entries.words.fill(0xCCCCCCCC);
    assertEquals(take(port, entries, 5, 0), 87);
    assertEquals(entries.words.every((word) => word >>> 0 === 0xCCCCCCCC), true);
  });
});

describe("taking many packets", () => {
  it("case 34: of 10 packets come 3, then 7, the oldest first", () => {
    using port = new CompletionPort();
    for (let key = 1; key <= 10; key++) port.post({ key });
    assertEquals(keysOf(port.getMany(3)), [1, 2, 3]);
    assertEquals(keysOf(port.getMany(64)), [4, 5, 6, 7, 8, 9, 10]);
  });

  it("case 35: on an empty port it waits for the first packet, and not for more", async () => {
    using port = new CompletionPort();
    const waiter = startWorker<Waited>("wait", { port: port.token, max: 64 });
    if (isLinux) await until(() => port.counters.waiting === 1, "a thread waits");
    port.post({ key: 1 });
    assertEquals((await waiter).keys, [1]);
  });

  itUnless(
    unlessWaitingIsTold,
    "case 35: one wake-up, and one call with many packets, count as one active thread",
    () => {
      using port = new CompletionPort({ concurrency: 4 });
      for (let key = 1; key <= 5; key++) port.post({ key });
      assertEquals(port.counters.active, 0);
      assertEquals(port.getMany(5).length, 5);
      assertEquals(port.counters.active, 1);
      assertEquals(port.getMany(5, 0), []);
      assertEquals(port.counters.active, 1);
    },
  );

  it("case 36: failed and successful operations come side by side", () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    using buffer = NativeBuffer.allocate(16);
    port.associate(file, 1);
    file.read(buffer, 0, 1);
    file.read(buffer, 3, 2);
    const codes: Record<number, number> = {};
    for (let taken = 0; taken < 2;) {
      for (const { operation, error } of port.getMany(8)) {
        codes[operation!.tag] = error?.code ?? 0;
        taken++;
      }
    }
    assertEquals(codes, { 1: 0, 2: 38 });
  });

  it("case 37: nothing in time: an empty array", () => {
    using port = new CompletionPort();
    port.post({ key: 1 });
    port.getMany(8);
    assertEquals([port.getMany(8, 0), port.getMany(8, 5)], [[], []]);
  });

  it("case 41: 0 packets cannot be asked for, nor anything that is no count", () => {
    using port = new CompletionPort();
    port.post({ key: 1 });
    for (const max of [0, ...BAD_NUMBERS]) {
      assertThrows(() => port.getMany(max, 0), RangeError);
    }
    assertEquals(keysOf(port.getMany(1)), [1]);
  });

  it("case 42: a huge count with one packet gives the one", () => {
    using port = new CompletionPort();
    port.post({ key: 1 });
    assertEquals(keysOf(port.getMany(0x7FFFFFFF)), [1]);
  });

  it("promise 10: one call takes at most MAX_BATCH; the rest stays in order", () => {
    using port = new CompletionPort();
    const total = limits.MAX_BATCH + 476;
    for (let key = 0; key < total; key++) port.post({ key });
    const first = port.getMany(total);
    assertEquals(first.length, limits.MAX_BATCH);
    const keys = keysOf([...first, ...port.getMany(total)]);
    assertEquals(keys, Array.from({ length: total }, (_, key) => key));
  });
});
