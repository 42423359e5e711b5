import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { NativeBuffer, type Packet, SocketHandle } from "../../mod.ts";
import { isWindows, isWine, itUnless, startWorker, until } from "./fixture.ts";
import { CLIENT, codeOf, fillPattern, outcomeOf, SERVER, Sockets, textOf } from "./sockets.ts";
import type { Begin } from "./workers/begin.ts";
import type { Run } from "./workers/drain.ts";

/** More than the system keeps between the two ends of a connection. */
const MUCH = 24 * 1024 * 1024;

describe("sending and receiving", () => {
  it("case 17: what is sent is received; the packets say whose, what and how much", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const [from, into] = [sockets.buffer("hello"), sockets.buffer(64)];
    server.receive(into, 5);
    client.send(from, 6);
    const packets = sockets.takeMany(2);
    const [received, sent] = [packets.get(5)!, packets.get(6)!];
    assertEquals([received.key, received.bytesTransferred], [SERVER, 5]);
    assertEquals([sent.key, sent.bytesTransferred], [CLIENT, 5]);
    assertEquals([received.operation!.kind, sent.operation!.kind], ["receive", "send"]);
    assert(received.operation!.buffer === into && sent.operation!.buffer === from);
    assertEquals(textOf(into, 5), "hello");
  });

  it("case 17: what came before a receive is there", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    sockets.send(client, "one");
    sockets.send(client, "two");
    assertEquals(sockets.receive(server, 2), "on");
    // Bytes have no borders.
    server.receive(sockets.buffer(4), { waitAll: true });
    assertEquals(sockets.outcome(), [0, 4]);
  });

  it("case 17: several buffers are sent and filled as if they were one", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const parts = ["ab", "", "cdefg", "h", "ijk", "l"];
    const from = parts.map((text) =>
      text === "" ? sockets.buffer(1).subarray(0, 0) : sockets.buffer(text)
    );
    const into = [3, 1, 6, 50].map((length) => sockets.buffer(length));
    client.send(from, 1);
    assertEquals(sockets.outcome(), [0, 12]);
    server.receive(into, 2);
    const packet = sockets.take();
    assertEquals([packet.bytesTransferred, packet.operation!.kind], [12, "receive"]);
    assert(packet.operation!.buffer === into[0]);
    const texts = [3, 1, 6, 2].map((length, index) => textOf(into[index], length));
    assertEquals(texts, ["abc", "d", "efghij", "kl"]);
  });

  it("1,024 buffers go at once, and one more is a RangeError", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const memory = sockets.buffer(1025);
    fillPattern(memory);
    const all = Array.from({ length: 1025 }, (_, i) => memory.subarray(i, i + 1));
    assertThrows(() => client.send(all), RangeError);
    assertThrows(() => client.send([]), RangeError);
    client.send(all.slice(0, 1024));
    assertEquals(sockets.outcome(), [0, 1024]);
    const into = sockets.buffer(1024);
    server.receive(into, { waitAll: true });
    assertEquals(sockets.outcome(), [0, 1024]);
    assertEquals([...into.bytes], [...memory.bytes.subarray(0, 1024)]);
  });

  it("a send goes whole, however long it is, and waits for a slow reader", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const [from, into] = [sockets.buffer(MUCH), sockets.buffer(MUCH)];
    fillPattern(from);
    client.send(from, 1);
    for (let done = 0; done < MUCH;) {
      server.receive(into.subarray(done, Math.min(done + 300_000, MUCH)), 2);
      let packet = sockets.take();
      if (packet.operation!.tag === 1) {
        assertEquals([packet.error, packet.bytesTransferred], [null, MUCH]);
        packet = sockets.take();
      }
      assert(packet.bytesTransferred > 0);
      done += packet.bytesTransferred;
      if (done === MUCH && sockets.port.counters.inFlight > 0) {
        assertEquals(sockets.outcome(), [0, MUCH]);
      }
    }
    assert(from.bytes.every((byte, at) => byte === into.bytes[at]));
  });

  it("a long send of several buffers goes whole too", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const [from, into] = [sockets.buffer(MUCH), sockets.buffer(MUCH)];
    fillPattern(from, 3);
    const cuts = [0, 1, 4096, 1_000_001, 9_000_000, 9_000_001, MUCH];
    const parts = cuts.slice(1).map((end, index) => from.subarray(cuts[index], end));
    client.send(parts, 1);
    server.receive([into.subarray(0, 5), into.subarray(5)], { waitAll: true }, 2);
    const expected = isWine ? null : [[1, 0, MUCH], [2, 0, MUCH]];
    if (expected !== null) assertEquals(sockets.outcomes(2), expected);
    else receiveRest(sockets, server, into);
    assert(from.bytes.every((byte, at) => byte === into.bytes[at]));
  });

  it("case 70: nothing is sent and received without a byte lost", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const nothing = sockets.buffer(1).subarray(0, 0);
    client.send(nothing);
    assertEquals(sockets.outcome(), [0, 0]);
    server.receive(nothing, 1);
    client.send(sockets.buffer("x"), 2);
    assertEquals(sockets.outcomes(2), [[1, 0, 0], [2, 0, 1]]);
    assertEquals(sockets.receive(server), "x");
  });

  it("a receive of nothing waits until there is something, or the end", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const nothing = sockets.buffer(1).subarray(0, 0);
    server.receive(nothing, 1);
    assertEquals(sockets.port.get(0), null);
    client.send(sockets.buffer("x"), 2);
    // Which of the two comes first is open.
    assertEquals(sockets.outcomes(2), [[1, 0, 0], [2, 0, 1]]);
    assertEquals(sockets.receive(server), "x");
    server.receive(nothing, 2);
    client.shutdown("send");
    assertEquals(sockets.outcome(), [0, 0]);
  });

  it("a look leaves the bytes there", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    sockets.send(client, "look");
    const into = sockets.buffer(2);
    for (const tag of [1, 2]) {
      server.receive(into, { peek: true }, tag);
      assertEquals(sockets.outcome(), [0, 2]);
      assertEquals(textOf(into, 2), "lo");
    }
    assertEquals(sockets.receive(server), "look");
  });

  itUnless(
    isWine && "Wine ends it with the first bytes",
    "case 74: a receive with waitAll waits until the memory is full",
    () => {
      using sockets = new Sockets();
      const [server, client] = sockets.pair();
      const into = sockets.buffer(6);
      server.receive(into, { waitAll: true }, 1);
      sockets.send(client, "abc");
      assertEquals(sockets.port.get(0), null);
      client.send(sockets.buffer("def"), 2);
      assertEquals(sockets.outcomes(2), [[1, 0, 6], [2, 0, 3]]);
      assertEquals(textOf(into, 6), "abcdef");
      server.receive(into, { waitAll: true }, 1);
      sockets.send(client, "gh");
      client.shutdown("send");
      assertEquals(sockets.outcome(), [0, 2]);
    },
  );

  it("case 44: receives in flight are filled in the order of their starts", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const into = sockets.buffer(64);
    const COUNT = 16;
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < COUNT; i++) server.receive(into.subarray(i * 2, i * 2 + 2), i);
      for (let i = 0; i < COUNT; i++) client.send(sockets.buffer(`${i.toString(16)}!`), COUNT + i);
      const packets = sockets.takeMany(2 * COUNT);
      for (const packet of packets.values()) assertEquals(packet.bytesTransferred, 2);
      const expected = Array.from({ length: COUNT }, (_, i) => `${i.toString(16)}!`).join("");
      assertEquals(textOf(into, 2 * COUNT), expected);
    }
  });

  for (const isTogether of [false, true]) {
    const how = isTogether ? ", started together" : "";
    it(`sends in flight go in the order of their starts, whatever their lengths and buffers${how}`, () => {
      using sockets = new Sockets();
      const [server, client] = sockets.pair();
      const LENGTHS = [5_000_000, 1, 70_000, 3_000_000, 12];
      const total = LENGTHS.reduce((sum, length) => sum + length, 0);
      const start = () =>
        LENGTHS.forEach((length, index) => {
          const from = sockets.buffer(length);
          from.bytes.fill(index + 1);
          client.send(index % 2 === 0 ? from : [from.subarray(0, 1), from.subarray(1)], index);
        });
      if (isTogether) sockets.port.batch(start);
      else start();
      const into = sockets.buffer(total);
      receiveAll(sockets, server, into, LENGTHS.length);
      let at = 0;
      LENGTHS.forEach((length, index) => {
        assert(into.bytes.subarray(at, at + length).every((byte) => byte === index + 1));
        at += length;
      });
    });
  }

  it("sends in flight are not mixed while another thread receives them", async () => {
    using sockets = new Sockets();
    const server = sockets.tcp(SERVER);
    sockets.listener.accept(server, 9);
    const drained = startWorker<Run[]>("drain", sockets.address);
    // Not blocking: the Worker needs this thread's event loop to begin.
    let accepted: Packet | null = null;
    await until(() => (accepted = sockets.port.get(0)) !== null, "the Worker connects");
    assertEquals(outcomeOf(accepted!), [0, 0]);
    server.setOptions({ sendBufferBytes: 65_536 });
    const sent = [1, 2, 3, 4, 5, 6].map((byte): Run => [byte, 2_000_000 + byte]);
    for (const [byte, count] of sent) {
      const from = sockets.buffer(count);
      from.bytes.fill(byte);
      server.send(byte % 3 === 0 ? [from.subarray(0, 1), from.subarray(1)] : from, byte);
    }
    sockets.takeMany(sent.length);
    server.shutdown("send");
    assertEquals(await drained, sent);
  });

  it("an attached socket is the same one, and a receive outlives the thread that has started it", async () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const into = sockets.buffer(16);
    const data: Begin = { what: "receive", socket: server.token, buffer: into.token };
    await startWorker<number>("begin", data);
    // The thread that has started the receive has ended.
    client.send(sockets.buffer("still there"), 1);
    const packets = sockets.takeMany(2);
    assertEquals([packets.get(7)!.error, packets.get(7)!.bytesTransferred], [null, 11]);
    assertEquals(textOf(into, 11), "still there");
  });

  it("names: each end knows both addresses, and the other's are its own", () => {
    using sockets = new Sockets();
    const fresh = sockets.fresh();
    assertEquals([fresh.localAddress, fresh.remoteAddress], [null, null]);
    const [server, client] = sockets.pair();
    assertEquals(server.localAddress, sockets.address);
    assertEquals(client.remoteAddress, sockets.address);
    assertEquals(server.remoteAddress, client.localAddress);
    assertEquals([client.family, client.type], ["ipv4", "stream"]);
    const attached = SocketHandle.attach(client.token);
    assertEquals([attached.localAddress, attached.family], [client.localAddress, "ipv4"]);
  });

  it("what cannot be used is refused before anything is started", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const buffer = sockets.buffer(8);
    assertThrows(() => client.send(buffer, 0.5), RangeError);
    assertThrows(() => client.receive(buffer, NaN), RangeError);
    assertThrows(() => client.shutdown("all" as "both"), TypeError);
    const freed = NativeBuffer.allocate(8);
    freed.free();
    assertThrows(() => client.send(freed), TypeError);
    assertThrows(() => client.send([buffer, freed]), TypeError);
    assertThrows(() => sockets.fresh().send(buffer), TypeError);
    assertEquals(sockets.port.counters.inFlight, 0);
    server.close();
    assertEquals([codeOf(() => server.send(buffer)), codeOf(() => server.shutdown("send"))], [
      6,
      6,
    ]);
    assertEquals(codeOf(() => server.localAddress), 6);
  });

  itUnless(isWindows && "Linux alone has both engines", "errors name where the socket is", () => {
    using sockets = new Sockets();
    const [, client] = sockets.pair();
    client.shutdown("send");
    client.send(sockets.buffer(1));
    const { error } = sockets.take();
    assertEquals(error!.subject, `127.0.0.1:${sockets.address.port}`);
    assertEquals(error!.call, "WSASend");
  });
});

/** Receives until the memory is full; `others` packets of sends come meanwhile. */
function receiveAll(
  sockets: Sockets,
  socket: SocketHandle,
  into: NativeBuffer,
  others: number,
): void {
  const RECEIVE = 1000;
  let sent = 0;
  let done = 0;
  while (done < into.byteLength || sent < others) {
    const isReceiving = done < into.byteLength;
    if (isReceiving) socket.receive(into.subarray(done), RECEIVE);
    for (;;) {
      const { operation, error, bytesTransferred } = sockets.take();
      assertEquals(error, null);
      if (operation!.tag === RECEIVE) {
        done += bytesTransferred;
        break;
      }
      sent++;
      if (!isReceiving && sent === others) break;
    }
  }
}

/** Under Wine, a receive with waitAll comes with less: receives what is missing. */
function receiveRest(sockets: Sockets, socket: SocketHandle, into: NativeBuffer): void {
  let done = 0;
  let isSent = false;
  while (done < into.byteLength || !isSent) {
    const { operation, error, bytesTransferred } = sockets.take();
    assertEquals(error, null);
    if (operation!.tag === 1) isSent = true;
    else {
      done += bytesTransferred;
      if (done < into.byteLength) socket.receive(into.subarray(done), 2);
    }
  }
}
