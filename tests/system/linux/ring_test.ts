/**
 * A ring with a handful of entries: full and overflowing in every round.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { readFileSync, writeFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../../mod.ts";
import { ledger, P_SYSTEM, readNumber } from "../../../src/core/ledger.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import {
  Folder,
  isLinux,
  itUnless,
  startWorker,
  unlessLinux,
  until,
} from "../../conformance/fixture.ts";

function withoutRing(): string | false {
  if (!isLinux) return unlessLinux;
  try {
    new CompletionPort({ engine: "io_uring" }).close();
    return false;
  } catch (error) {
    if (error instanceof Win32Error) return error.message;
    throw error;
  }
}

const unlessRing = withoutRing();

/** A port on a tiny ring, and a file on it of one letter after the other. */
class Bench {
  readonly folder: Folder = new Folder();
  readonly port: CompletionPort;
  readonly file: FileHandle;
  readonly buffer: NativeBuffer = NativeBuffer.allocate(4096);

  constructor(submissions: number, completions: number) {
    this.port = new CompletionPort({ engine: "io_uring", ring: { submissions, completions } });
    const letters = Array.from({ length: 4096 }, (_, index) => letter(index)).join("");
    this.file = FileHandle.open(this.folder.file("data.bin", letters));
    this.port.associate(this.file, 1);
  }

  /** Starts a read of one byte, its tag being its place in file and buffer. */
  read(tag: number): void {
    this.file.read(this.buffer.subarray(tag, tag + 1), tag, tag);
  }

  /** Takes so many packets and returns their tags, in order. */
  take(count: number): number[] {
    const tags: number[] = [];
    while (tags.length < count) {
      for (const { operation, error, bytesTransferred } of this.port.getMany(64)) {
        assertEquals([error, bytesTransferred], [null, 1]);
        const tag = operation!.tag;
        assertEquals(String.fromCharCode(this.buffer.bytes[tag]), letter(tag));
        tags.push(tag);
      }
    }
    assertEquals([this.port.get(0), this.port.counters.inFlight], [null, 0]);
    return tags.sort((a, b) => a - b);
  }

  /** What the kernel says of the ring: `/proc/self/fdinfo`. */
  get info(): string {
    const { words } = region();
    const at = findHandle(readNumber(ledger().words, this.port.token.place + P_SYSTEM));
    const port = layout.PORTS + (words[at + layout.H_FD] - 1) * layout.PORT_WORDS;
    return readFileSync(`/proc/self/fdinfo/${words[port + layout.P_RING] - 1}`, "utf8");
  }

  /** Results that the kernel keeps because the ring has no room for them. */
  get overflown(): number {
    return this.info.split("CqOverflowList:")[1].match(/user_data=/g)?.length ?? 0;
  }

  [Symbol.dispose](): void {
    this.file.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

function letter(index: number): string {
  return String.fromCharCode(97 + index % 26);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe("promise 10: a ring with a handful of entries", () => {
  const SIZES = [[1, 1], [1, 2], [2, 2], [2, 64], [4, 4], [64, 64]];
  for (const [submissions, completions] of SIZES) {
    const name = `${submissions} to submit, ${completions} to complete`;
    itUnless(
      unlessRing,
      `${name}: a batch of 500 is handed over in parts, and all complete`,
      () => {
        using bench = new Bench(submissions, completions);
        for (let round = 0; round < 5; round++) {
          bench.port.batch(() => {
            for (let tag = 0; tag < 500; tag++) bench.read(tag);
          });
          assertEquals(bench.take(500), upTo(500));
        }
      },
    );
  }

  itUnless(unlessRing, "reads of one file are all with the kernel before any is taken", () => {
    using bench = new Bench(64, 64);
    bench.port.batch(() => {
      for (let tag = 0; tag < 20; tag++) bench.read(tag);
    });
    assert(/^SqHead:\t20$/m.test(bench.info), bench.info);
    assertEquals(bench.take(20), upTo(20));
  });

  itUnless(unlessRing, "results that have no room are kept by the kernel, and none is lost", () => {
    using bench = new Bench(2, 4);
    let most = 0;
    for (let round = 0; round < 5; round++) {
      bench.port.batch(() => {
        for (let tag = 0; tag < 300; tag++) bench.read(tag);
      });
      most = Math.max(most, bench.overflown);
      assertEquals(bench.take(300), upTo(300));
      assertEquals(bench.overflown, 0);
    }
    assertGreater(most, 4);
  });

  itUnless(unlessRing, "so it is without a batch, one start after the other", () => {
    using bench = new Bench(1, 1);
    for (let tag = 0; tag < 200; tag++) bench.read(tag);
    assertGreater(bench.overflown, 1);
    assertEquals(bench.take(200), upTo(200));
  });

  itUnless(unlessRing, "cancelling far more than the ring holds: a packet for each", () => {
    using folder = new Folder();
    using port = new CompletionPort({
      engine: "io_uring",
      ring: { submissions: 1, completions: 2 },
    });
    using buffer = NativeBuffer.allocate(64);
    const fifos = upTo(40).map((index) =>
      FileHandle.open(folder.fifo(`fifo${index}`), { read: true, write: true })
    );
    fifos.forEach((fifo, index) => port.associate(fifo, index));
    fifos.forEach((fifo, index) => fifo.read(buffer, 0, index));
    port.batch(() => fifos.forEach((fifo) => assert(fifo.cancel())));
    const keys = fifos.map(() => {
      const packet = port.get()!;
      assertEquals(packet.error?.code, 995);
      return packet.key;
    });
    assertEquals(keys.sort((a, b) => a - b), upTo(40));
    assertEquals(port.counters.inFlight, 0);
    fifos.forEach((fifo) => fifo.close());
  });

  itUnless(unlessRing, "a port closed with results overflown: everything is given back", () => {
    const bench = new Bench(1, 1);
    for (let tag = 0; tag < 100; tag++) bench.read(tag);
    bench[Symbol.dispose]();
    using other = new CompletionPort();
    assertEquals(other.counters.kept, 0);
  });

  itUnless(unlessRing, "threads wait in it and are woken through it all the same", async () => {
    using bench = new Bench(1, 1);
    const path = bench.folder.fifo("fifo");
    using fifo = FileHandle.open(path, { read: true, write: true });
    bench.port.associate(fifo, 5);
    const data = { port: bench.port.token, seed: 1 };
    const takers = [1, 2, 3].map(() => startWorker<number[]>("take", data));
    for (let round = 0; round < 50; round++) {
      fifo.read(bench.buffer.subarray(4000, 4001), 0, round);
      bench.read(round);
      bench.port.post({ key: 9 });
      writeFileSync(path, "x");
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    for (const _ of takers) bench.port.post({ key: 0 });
    const keys = (await Promise.all(takers)).flat();
    while (keys.length < 150) keys.push(bench.port.get()!.key);
    assertEquals([1, 5, 9].map((key) => keys.filter((other) => other === key).length), [
      50,
      50,
      50,
    ]);
  });
});

describe("a ring that does not interrupt who computes", () => {
  itUnless(unlessRing, "a look finds what has come while its thread made no call", async () => {
    using folder = new Folder();
    using port = new CompletionPort({ engine: "io_uring" });
    using buffer = NativeBuffer.allocate(64);
    const path = folder.fifo("fifo");
    using fifo = FileHandle.open(path, { read: true, write: true });
    port.associate(fifo, 5);
    const turn = new Int32Array(new SharedArrayBuffer(4)).fill(-2);
    const count = 50;
    const spilled = startWorker("spill", { path, turn, count });
    await until(() => Atomics.load(turn, 0) === 0, "the other thread is there");
    for (let round = 0; round < count; round++) {
      fifo.read(buffer.subarray(0, 1), 0, round);
      Atomics.add(turn, 0, 1);
      while (Atomics.load(turn, 0) % 2 !== 0);
      assertEquals(port.get(0)?.operation?.tag, round);
    }
    await spilled;
  });
});
