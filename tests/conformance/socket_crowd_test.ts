import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFileSync } from "node:fs";
import { CompletionPort, NativeBuffer, type Operation, SocketHandle } from "../../mod.ts";
import { isLinux, isWindows, isWine, itUnless, startWorker, turn, until } from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { OtherProcess } from "./other-process.ts";
import { chooseSeed, randomFrom } from "./random.ts";
import { addressOf, HERE, LISTENER, reset, Sockets } from "./sockets.ts";
import type { Echo } from "./workers/echo-crowd.ts";

/** Connections that one process holds open. */
const CROWD = isWindows ? 300 : 10_000;
const THREADS = 4;
/** Accepts in flight. */
const ACCEPTS = 128;
const MESSAGE_BYTES = 64;

/** Descriptors this process may have. */
function descriptorLimit(): number {
  if (!isLinux) return Infinity;
  const line = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return line === null || line[1] === "unlimited" ? Infinity : Number(line[1]);
}

describe("many connections", () => {
  itUnless(
    descriptorLimit() < CROWD + 500 && `this process may not have ${CROWD} descriptors`,
    `${CROWD} are held open by one process on one port with ${THREADS} threads, and all speak`,
    async () => {
      const round = async (crowd: number) => {
        using port = new CompletionPort();
        using listener = SocketHandle.tcp();
        listener.bind(HERE);
        listener.listen(4096);
        port.associate(listener, LISTENER);
        using memory = NativeBuffer.allocate(crowd * MESSAGE_BYTES);
        const tokens = new Int32Array(new SharedArrayBuffer(crowd * 8));
        const counts = new Int32Array(new SharedArrayBuffer(12));
        const data: Echo = {
          port: port.token,
          listener: listener.token,
          memory: memory.token,
          messageBytes: MESSAGE_BYTES,
          tokens,
          counts,
        };
        const threads = Array.from(
          { length: THREADS },
          () => startWorker<number>("echo-crowd", data),
        );
        for (let i = 0; i < Math.min(ACCEPTS, crowd); i++) {
          listener.accept(SocketHandle.tcp(), Atomics.add(counts, 0, 1));
        }
        const { hostname, port: number } = addressOf(listener);
        await using clients = new OtherProcess("socket-crowd", hostname, String(number));
        assertEquals(await clients.ask({ verb: "open", value: crowd }), crowd);
        await until(() => Atomics.load(counts, 1) === crowd, () => `${counts[1]} are accepted`);
        for (const value of [1, 2]) {
          assertEquals(await clients.ask({ verb: "ask", value }), crowd);
        }
        assertEquals(counts[2], 0);
        assertEquals(await clients.ask({ verb: "close" }), crowd);
        await until(() => Atomics.load(counts, 2) === crowd, () => `${counts[2]} have ended`);
        await until(() => port.counters.inFlight === 0, "nothing is in flight");
        port.post({ key: 0 });
        await Promise.all(threads);
      };
      await round(CROWD / 10);
      const before = openHandles();
      await round(CROWD);
      // A thread's own handles go soon after it has ended.
      await until(() => openHandles() <= before, () => `${openHandles()} handles, not ${before}`);
    },
  );

  it("slow readers keep only their own connections", () => {
    using sockets = new Sockets();
    const READERS = isWine ? 5 : 20;
    const LENGTH = 8 * 1024 * 1024;
    const [answer, question] = sockets.pair();
    const slow = Array.from({ length: READERS }, () => sockets.pair());
    const much = sockets.buffer(LENGTH);
    slow.forEach(([server], index) => server.send(much, 100 + index));
    // All of them wait; who reads is served at once.
    for (let i = 0; i < 100; i++) {
      sockets.send(question, `question ${i}`);
      assertEquals(sockets.receive(answer), `question ${i}`);
    }
    assertEquals(sockets.port.counters.inFlight, READERS);
    const into = sockets.buffer(LENGTH);
    const received = slow.map(() => 0);
    let sent = 0;
    slow.forEach(([, client], index) => client.receive(into, index));
    while (sent < READERS || received.some((count) => count < LENGTH)) {
      const { operation, error, bytesTransferred } = sockets.take();
      assertEquals(error, null);
      const { tag } = operation!;
      if (tag >= 100) {
        assertEquals(bytesTransferred, LENGTH);
        sent++;
        continue;
      }
      received[tag] += bytesTransferred;
      if (received[tag] < LENGTH) slow[tag][1].receive(into, tag);
    }
    assertEquals(new Set(received), new Set([LENGTH]));
  });

  it("half-open peers: each end of sending is seen once, and all answers arrive", () => {
    using sockets = new Sockets();
    const pairs = Array.from({ length: isWine ? 30 : 200 }, () => sockets.pair());
    const [into, text] = [sockets.buffer(64), sockets.buffer("answer")];
    pairs.forEach(([server, client], tag) => {
      server.receive(into, tag);
      client.shutdown("send");
    });
    for (const { error, bytesTransferred } of sockets.takeMany(pairs.length).values()) {
      assertEquals([error, bytesTransferred], [null, 0]);
    }
    pairs.forEach(([server, client], tag) => {
      server.send(text, tag);
      client.receive(into, { waitAll: true }, pairs.length + tag);
      server.shutdown("send");
    });
    for (const [tag, packet] of sockets.takeMany(2 * pairs.length)) {
      assertEquals([tag, packet.error, packet.bytesTransferred], [tag, null, 6]);
    }
  });

  itUnless(
    isWine && "an assertion of Wine's own server fails",
    "whatever happens to connections, each operation gets its one packet",
    async () => {
      const random = randomFrom(chooseSeed("a random walk over connections"));
      const walk = async () => {
        using sockets = new Sockets();
        const waiting = new Set<number>();
        let tags = 0;
        const start = (begin: (tag: number) => Operation) => {
          const tag = tags++;
          const operation = begin(tag);
          waiting.add(tag);
          if (random(8) === 0) operation.cancel();
        };
        const settle = () => {
          for (let packet = sockets.port.get(0); packet !== null; packet = sockets.port.get(0)) {
            const { tag } = packet.operation!;
            assert(waiting.delete(tag), `the packet of ${tag} has come twice`);
          }
        };
        const large = sockets.buffer(700_000);
        const small = sockets.buffer(400);
        const parts = [small.subarray(0, 100), small.subarray(100, 300)];
        for (let life = 0; life < 30; life++) {
          const ends: SocketHandle[] = [sockets.tcp(), sockets.tcp()];
          const [server, client] = ends;
          start((tag) => sockets.listener.accept(server, tag));
          start((tag) => client.connect(sockets.address, tag));
          for (let step = 0; step < 40; step++) {
            if (random(3) === 0) settle();
            const end = ends[random(2)];
            if (end.isClosed) continue;
            const choice = random(24);
            if (choice < 7) start((tag) => end.receive(random(2) === 0 ? small : parts, tag));
            else if (choice < 9) start((tag) => end.receive(small, { waitAll: true }, tag));
            else if (choice < 12) start((tag) => end.send(small, tag));
            else if (choice < 14) start((tag) => end.send(large, tag));
            else if (choice < 16) start((tag) => end.send(parts, tag));
            else if (choice < 17) start((tag) => end.transmitFile(null, { head: small }, tag));
            else if (choice < 18) start((tag) => end.disconnect({ reuse: random(2) === 0 }, tag));
            else if (choice < 19) end.cancel();
            else if (choice < 20) start((tag) => sockets.listener.accept(end, tag));
            else if (choice < 21) start((tag) => end.connect(sockets.address, tag));
            else if (choice < 22) tryShutdown(end, random(2) === 0 ? "send" : "both");
            else if (choice < 23) end.close();
            else reset(end);
          }
          for (const end of ends) end.close();
        }
        sockets.listener.close();
        await until(() => {
          settle();
          return waiting.size === 0;
        }, () => `${waiting.size} packets are missing`);
        await turn();
        assertEquals(sockets.port.get(0), null);
        assertEquals(sockets.port.counters.inFlight, 0);
      };
      await walk();
      const before = openHandles();
      for (let i = 0; i < 4; i++) await walk();
      await until(() => openHandles() <= before, () => `${openHandles()} handles, not ${before}`);
    },
  );
});

/** It may have no other end, or none any more. */
function tryShutdown(socket: SocketHandle, direction: "send" | "both"): void {
  try {
    socket.shutdown(direction);
  } catch (error) {
    const { code } = error as { code?: number };
    assert(code === 10057 || code === 10054 || code === 10058, `${error}`);
  }
}
