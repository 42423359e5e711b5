import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readdirSync, readlinkSync } from "node:fs";
import { sockets } from "../../src/ffi/libc.ts";
import { word } from "../../src/ffi/library.ts";
import { isLinux, isWine, itUnless, startWorker, unlessLinux } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { Pipes } from "./pipes.ts";
import type { ReadPipe, ReadPipeResult } from "./workers/read-pipe.ts";

/** Whether a descriptor of this process is a socket. */
function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  } catch {
    return false; // The one that lists the folder.
  }
}

const TYPES = ["byte", "message"] as const;

describe("cancelling on a pipe", () => {
  for (const type of TYPES) {
    it(`case 60: a pending read of a ${type} pipe: 995, and the next read gets the data`, () => {
      using pipes = new Pipes();
      const [server, client] = pipes.pair({ type });
      assertEquals(server.read(pipes.buffer(8)).cancel(), true);
      assertEquals(pipes.outcome(), [995, 0]);
      pipes.write(client, "data");
      assertEquals(pipes.read(server, 8), "data");
    });

    it(`case 60: the middle one of three pending reads of a ${type} pipe`, () => {
      using pipes = new Pipes();
      const [server, client] = pipes.pair({ type });
      const into = pipes.buffer(3);
      const reads = [1, 2, 3].map((tag) => server.read(into.subarray(tag - 1, tag), tag));
      assertEquals(reads[1].cancel(), true);
      const { operation, error } = pipes.take();
      assertEquals([operation?.tag, error?.code], [2, 995]);
      client.write(pipes.buffer("x"), 4);
      client.write(pipes.buffer("y"), 5);
      pipes.takeMany(4);
      assertEquals([...into.bytes], [120, 0, 121]);
    });
  }

  it("case 64: a write that waits for room: 995, and what it has put in can be read", () => {
    using pipes = new Pipes();
    const [server, client] = pipes.pair();
    const from = pipes.buffer(4_000_000);
    const write = client.write(from);
    assertEquals(pipes.port.get(0), null);
    assertEquals(write.cancel(), true);
    const [code, bytes] = pipes.outcome();
    assertEquals(code, 995);
    assert(bytes < 4_000_000);
    client.close();
    let done = 0;
    for (;;) {
      server.read(pipes.buffer(1_000_000));
      const [code, count] = pipes.outcome();
      if (code === 109) break;
      assertEquals(code, 0);
      done += count;
    }
    if (isLinux) assertEquals(done, bytes);
  });

  itUnless(
    unlessLinux,
    "a message that is given up in the middle is not seen; the next one is",
    () => {
      using pipes = new Pipes();
      const [server, client] = pipes.pair({ type: "message" });
      const write = client.write(pipes.buffer(4_000_000));
      assertEquals(pipes.port.get(0), null);
      assertEquals(write.cancel(), true);
      const [code, bytes] = pipes.outcome();
      assertEquals([code, bytes > 0 && bytes < 4_000_000], [995, true]);
      client.write(pipes.buffer("next"), 1);
      server.read(pipes.buffer(4_000_000), 2);
      const packets = pipes.takeMany(2);
      assertEquals([packets.get(2)?.error, packets.get(2)?.bytesTransferred], [null, 4]);
    },
  );

  itUnless(
    unlessLinux,
    "a read that is cancelled in the middle of a message: 234, and the rest for the next",
    () => {
      using pipes = new Pipes();
      const server = pipes.serve({ type: "message" });
      server.connect();
      const before = new Set(readdirSync("/proc/self/fd"));
      const client = pipes.open({ type: "message" });
      assertEquals(pipes.outcome(), [0, 0]);
      assertEquals(pipes.port.get(0), null);
      const fd = readdirSync("/proc/self/fd").find((fd) => !before.has(fd) && isSocket(fd));
      const packet = pipes.buffer("\x01\x00PIbegin");
      const send = () => {
        const { address, bytes } = packet;
        return Number(sockets().send(Number(fd), word(address), word(bytes.length), 0));
      };
      // The first packet of a message, and not its last.
      assertEquals(send(), 9);
      const read = server.read(pipes.buffer(64));
      assertEquals(pipes.port.get(0), null);
      assertEquals(read.cancel(), true);
      assertEquals(pipes.outcome(), [234, 5]);
      packet.bytes[0] = 2;
      assertEquals(send(), 9);
      assertEquals(pipes.read(server, 64), "begin");
      pipes.write(client, "next");
      assertEquals(pipes.read(server, 64), "next");
    },
  );

  it("case 62: of a handle: a packet for each of its operations", () => {
    using pipes = new Pipes();
    const [server] = pipes.pair({ type: "message" });
    for (let tag = 1; tag <= 10; tag++) server.read(pipes.buffer(8), tag);
    assertEquals(server.cancel(), true);
    for (const { error } of pipes.takeMany(10).values()) assertEquals(error?.code, 995);
    assertEquals(server.cancel(), false);
  });

  it("a transaction that waits for its answer: 995", () => {
    using pipes = new Pipes();
    const [server, client] = pipes.pair({ type: "message" });
    const operation = client.transact(pipes.buffer("q"), pipes.buffer(8), 1);
    assertEquals(pipes.read(server, 8), "q");
    assertEquals(operation.cancel(), true);
    assertEquals(pipes.outcome(), [995, 0]);
    pipes.write(server, "late");
    assertEquals(pipes.read(client, 8), "late");
  });
});

describe("closing a pipe", () => {
  for (const type of TYPES) {
    itUnless(isWine && "Wine answers 676", `case 59: pending reads of a ${type} pipe: 109`, () => {
      using pipes = new Pipes();
      const [server] = pipes.pair({ type });
      for (let tag = 1; tag <= 3; tag++) server.read(pipes.buffer(8), tag);
      server.close();
      for (const { error } of pipes.takeMany(3).values()) assertEquals(error?.code, 109);
    });
  }

  it("everything is given back", () => {
    const round = () => {
      using pipes = new Pipes();
      const [server, client] = pipes.pair({ type: "message" });
      pipes.write(client, "unread and longer");
      pipes.read(server, 3);
      server.read(pipes.buffer(3));
      client.read(pipes.buffer(3));
      server.disconnect();
      server.connect();
    };
    round();
    const before = openHandles();
    for (let i = 0; i < 20; i++) round();
    assertEquals(openHandles(), before);
  });
});

describe("a pipe and other threads", () => {
  for (const type of TYPES) {
    it(`promise 8: a read of a ${type} pipe outlives the thread that started it`, async () => {
      using pipes = new Pipes();
      const [server, client] = pipes.pair({ type });
      const buffer = pipes.buffer(16);
      const data: ReadPipe = { pipe: server.token, buffer: buffer.token, tag: 8 };
      assertEquals(await startWorker<ReadPipeResult>("read-pipe", data), null);
      client.write(pipes.buffer("to whom"), 9);
      const packet = pipes.takeMany(2).get(8)!;
      assertEquals([packet.error, packet.bytesTransferred], [null, 7]);
      assertEquals(packet.operation!.buffer!.bytes.subarray(0, 7), buffer.bytes.subarray(0, 7));
    });

    it(`another thread takes the rest of what this one has read in part (${type})`, async () => {
      using pipes = new Pipes();
      const [server, client] = pipes.pair({ type });
      pipes.write(client, "shared");
      pipes.read(server, 2);
      const { token: port } = pipes.port;
      const buffer = pipes.buffer(16).token;
      const data: ReadPipe = { pipe: server.token, buffer, tag: 8, port };
      const result = await startWorker<ReadPipeResult>("read-pipe", data);
      assertEquals(result, { code: 0, bytes: 4, text: "ared" });
    });
  }

  it("what one thread closes is closed for all", async () => {
    using pipes = new Pipes();
    const [server] = pipes.pair();
    const { token: port } = pipes.port;
    const data: ReadPipe = { pipe: server.token, buffer: null, tag: 0, port };
    assertEquals(await startWorker<ReadPipeResult>("read-pipe", data), null);
    assert(server.isClosed);
  });
});
