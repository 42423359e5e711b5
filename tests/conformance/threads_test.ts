import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  type BufferToken,
  CompletionPort,
  FileHandle,
  type HandleToken,
  NativeBuffer,
  type PortToken,
} from "../../mod.ts";
import { Folder, startWorker } from "./fixture.ts";
import { chooseSeed, randomFrom } from "./random.ts";
import type { Made } from "./workers/make.ts";
import type { ReadResult } from "./workers/read.ts";

/** Packets that each posting thread posts. */
const PACKETS = 5000;

/** All keys that `posters` threads post, in order. */
function allKeys(posters: number): number[] {
  return Array.from({ length: posters * PACKETS }, (_, index) => index + 1);
}

/** Lets `posters` threads post and `takers` take; returns what each taker got. */
async function exchange(
  port: CompletionPort,
  posters: number,
  takers: number,
  seed: number,
): Promise<number[][]> {
  const random = randomFrom(seed);
  const token = { port: port.token };
  const taking = Array.from(
    { length: takers },
    () => startWorker<number[]>("take", { ...token, seed: random(2 ** 32) }),
  );
  const posting = Array.from({ length: posters }, (_, index) => {
    const first = index * PACKETS + 1;
    return startWorker<number>("post", {
      ...token,
      first,
      count: PACKETS,
      seed: random(2 ** 32),
    });
  });
  await Promise.all(posting);
  for (let i = 0; i < takers; i++) port.post({ key: 0 });
  return await Promise.all(taking);
}

function isAscending(keys: number[]): boolean {
  return keys.every((key, index) => index === 0 || keys[index - 1] < key);
}

describe("threads on one port", () => {
  const schedules = [[1, 1], [1, 4], [3, 1], [2, 2], [3, 4]].flatMap((threads) =>
    [false, true].map((withFile) => [...threads, withFile] as [number, number, boolean])
  );
  for (const [posters, takers, withFile] of schedules) {
    // On Linux a port has a ring from its first file on, and threads wait in other ways.
    const kind = withFile ? "on a port with a file, " : "";
    const name = `promise 2: ${kind}${posters} posting, ${takers} taking: each packet to one`;
    it(name, async () => {
      const seed = chooseSeed(name);
      using folder = new Folder();
      using port = new CompletionPort({ concurrency: 8 });
      using file = FileHandle.open(folder.file("data.bin"));
      if (withFile) port.associate(file, 1);
      const taken = await exchange(port, posters, takers, seed);
      assertEquals(taken.flat().sort((a, b) => a - b), allKeys(posters));
      const { queued, posted, taken: count } = port.counters;
      assertEquals([queued, port.get(0)], [0, null]);
      assertEquals(posted, count);
      // Of one poster each taker sees a part in its order (43).
      for (const keys of taken) {
        for (let poster = 0; poster < posters; poster++) {
          const own = keys.filter((key) => Math.ceil(key / PACKETS) === poster + 1);
          assert(isAscending(own), "the packets of one poster are in order for each taker");
        }
      }
    });
  }

  it("case 43: one taker sees the packets of each poster in the order of posting", async () => {
    using port = new CompletionPort();
    const [keys] = await exchange(port, 2, 1, 43);
    for (const from of [1, PACKETS + 1]) {
      const own = keys.filter((key) => key >= from && key < from + PACKETS);
      assertEquals(own, Array.from({ length: PACKETS }, (_, index) => from + index));
    }
  });
});

describe("things of one thread in another", () => {
  it("promise 8: a file and a buffer serve a thread that did not make them", async () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "0123456789"));
    using buffer = NativeBuffer.allocate(64);
    port.associate(file, 5);
    const read = { file: file.token, offset: 3, tag: 77 };
    const part = buffer.subarray(10, 14);
    const data = { ...read, buffer: part.token, port: port.token };
    const result = await startWorker<ReadResult>("read", data);
    assertEquals(result, { key: 5, bytes: 4, tag: 77, isOwn: true });
    assertEquals(new TextDecoder().decode(part.bytes), "3456");
    assertEquals([buffer.bytes[9], buffer.bytes[14]], [0, 0]);
  });

  it("promise 8: this thread takes the packet of an operation of one that has ended", async () => {
    using folder = new Folder();
    using port = new CompletionPort();
    using file = FileHandle.open(folder.file("data.bin", "0123456789"));
    using buffer = NativeBuffer.allocate(64);
    port.associate(file, 5);
    const part = buffer.subarray(10, 14);
    await startWorker("read", { file: file.token, offset: 3, tag: 78, buffer: part.token });
    const { key, bytesTransferred, operation } = port.get()!;
    assertEquals([key, bytesTransferred], [5, 4]);
    assertEquals([operation?.kind, operation?.offset, operation?.tag], ["read", 3, 78]);
    assertEquals(new TextDecoder().decode(operation!.buffer!.bytes), "3456");
    operation!.buffer!.bytes[0] = 120;
    assertEquals(buffer.bytes[10], 120); // the same memory, not a copy
  });

  it("promise 8: port, file and buffer outlive the thread that has made them", async () => {
    using folder = new Folder();
    const path = folder.file("data.bin", "0123456789");
    const made = await startWorker<Made>("make", { path });
    const port = CompletionPort.attach(made.port);
    const file = FileHandle.attach(made.file);
    using buffer = NativeBuffer.attach(made.buffer);
    const packet = port.get()!;
    assertEquals([packet.key, packet.bytesTransferred, packet.operation?.tag], [12, 8, 34]);
    assertEquals(new TextDecoder().decode(buffer.bytes.subarray(8, 16)), "23456789");
    assertEquals([file.name, file.size()], [path, 10]);
    file.read(buffer, 0);
    assertEquals(port.get()?.bytesTransferred, 10);
    file.close();
    port.close();
    assertThrows(() => FileHandle.attach(made.file), TypeError);
  });

  it("promise 8: disposing of an attached file leaves it open; closing it closes it for all", () => {
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin", "abc"));
    {
      using _attached = FileHandle.attach(file.token);
    }
    assertEquals([file.isClosed, file.size()], [false, 3]);
    FileHandle.attach(file.token).close();
    assertEquals(file.isClosed, true);
  });
});

describe("tokens that are none", () => {
  /** What somebody may pass by mistake; `place` and `generation` of a good token among it. */
  function badTokens(good: { kind: string; place: number; generation: number }): unknown[] {
    const places = [-1, 0, 1, good.place + 1, good.place + 0.5, 2 ** 31, 2 ** 52, NaN, Infinity];
    return [
      ...[null, undefined, 7, "token", {}, []],
      ...places.map((place) => ({ ...good, place })),
      ...[String(good.place), null, undefined, {}].map((place) => ({ ...good, place })),
      ...[-1, 0, good.generation + 1, NaN, "1"].map((generation) => ({ ...good, generation })),
      ...["", "iocp", "iocp.pipe", null].map((kind) => ({ ...good, kind })),
    ];
  }

  it("promise 1: garbage for a port: a TypeError that says so", () => {
    using port = new CompletionPort();
    for (const token of badTokens(port.token)) {
      const attach = () => CompletionPort.attach(token as PortToken);
      assertThrows(attach, TypeError, "Cannot attach the port", JSON.stringify(token));
    }
  });

  it("promise 1: garbage for a file: a TypeError that says so", () => {
    using folder = new Folder();
    using file = FileHandle.open(folder.file("data.bin"));
    for (const token of badTokens(file.token)) {
      const attach = () => FileHandle.attach(token as HandleToken);
      assertThrows(attach, TypeError, "Cannot attach the file", JSON.stringify(token));
    }
  });

  it("promise 1: garbage for a buffer: a TypeError that says so", () => {
    using buffer = NativeBuffer.allocate(64);
    for (const token of badTokens(buffer.token)) {
      const attach = () => NativeBuffer.attach(token as BufferToken);
      assertThrows(attach, TypeError, "Cannot attach the buffer", JSON.stringify(token));
    }
  });

  it("promise 5: a range outside the buffer is an error, never a view of other memory", () => {
    using buffer = NativeBuffer.allocate(64);
    const bad = [-1, 0.5, NaN, Infinity, 65, 2 ** 40, "1", null, undefined];
    for (const value of bad) {
      for (const field of ["byteOffset", "byteLength"]) {
        const token = { ...buffer.token, [field]: value } as BufferToken;
        assertThrows(() => NativeBuffer.attach(token), Error, "Cannot attach the buffer");
      }
    }
    buffer.free();
    assertThrows(() => NativeBuffer.attach(buffer.token), TypeError); // no view was left behind
  });

  it("promise 1: the token of a closed thing, also when its place has been used again", () => {
    using folder = new Folder();
    const path = folder.file("data.bin");
    const [port, file, buffer] = [
      new CompletionPort(),
      FileHandle.open(path),
      NativeBuffer.allocate(64),
    ];
    const tokens = { port: port.token, file: file.token, buffer: buffer.token };
    port.close();
    file.close();
    buffer.free();
    for (let again = 0; again < 2; again++) {
      assertThrows(() => CompletionPort.attach(tokens.port), TypeError, "closed");
      assertThrows(() => FileHandle.attach(tokens.file), TypeError, "closed");
      assertThrows(() => NativeBuffer.attach(tokens.buffer), TypeError, "freed");
      new CompletionPort().close();
      FileHandle.open(path).close();
      NativeBuffer.allocate(8).free();
    }
  });
});
