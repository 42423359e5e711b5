import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  MSG_PEEK,
  MSG_WAITALL,
  SD_SEND,
  SO_LINGER,
  SOL_SOCKET,
  system,
} from "../../src/system/system.ts";
import { isWine, itUnless } from "./fixture.ts";
import { bytesOf, RawSockets, textIn } from "./raw-sockets.ts";

describe("streams, contract", () => {
  it("case 17: several buffers are sent and received as one", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const from = raw.vector([raw.bytes("one"), 3], [raw.bytes(""), 0], [raw.bytes("three"), 5]);
    assertEquals(raw.run((ov) => system.wsaSend(server, from, 3, 0, ov)), [0, 8]);
    const [a, b, flags] = [raw.memory(4), raw.memory(8), raw.memory(4)];
    const into = raw.vector(a, b);
    const received = raw.run((ov) => system.wsaRecv(client, into, 2, flags.address, ov));
    assertEquals(received, [0, 8]);
    assertEquals(textIn(a, 4) + textIn(b, 4), "onethree");
  });

  it("case 17: nothing can be sent and received too", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    assertEquals(raw.outcome(raw.send(server, "")), [0, 0]);
    const [empty, flags] = [raw.vector([raw.memory(4), 0]), raw.memory(4)];
    const waiting = raw.begin((ov) => system.wsaRecv(client, empty, 1, flags.address, ov));
    assert(raw.isEmpty); // It waits until there is something to receive.
    assertEquals(raw.both(waiting, raw.send(server, "x")), [[0, 0], [0, 1]]);
  });

  it("case 21: ReadFile and WriteFile are receive and send", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const [from, into] = [raw.bytes("file"), raw.memory(8)];
    assertEquals(raw.run((ov) => system.writeFile(server, from.address, 4, ov)), [0, 4]);
    assertEquals(raw.run((ov) => system.readFile(client, into.address, 8, ov)), [0, 4]);
    assertEquals(textIn(into, 4), "file");
  });

  it("case 15 of associating: an accepted socket is not on its listener's port", () => {
    using raw = new RawSockets();
    const [listener, address] = raw.listener();
    const [server, client] = [raw.loose(), raw.socket()];
    const [accepting] = raw.accept(listener, server);
    const connecting = raw.connect(client, address);
    assertEquals(raw.both(accepting, connecting), [[0, 0], [0, 0]]);
    raw.update(server, client, listener);
    raw.associate(server, 7);
    raw.send(server, "x");
    assertEquals(raw.take().key, 7);
  });

  it("MSG_PEEK leaves the bytes there for the next receive", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const into = raw.memory(8);
    for (const isThere of [false, true]) {
      const peeking = isThere ? null : raw.receive(client, into, MSG_PEEK);
      const sending = raw.send(server, "peek");
      if (peeking === null) assertEquals(raw.outcome(sending), [0, 4]);
      else assertEquals(raw.both(peeking, sending), [[0, 4], [0, 4]]);
      for (const flags of [MSG_PEEK, 0]) {
        into.bytes.fill(0);
        assertEquals(raw.outcome(raw.receive(client, into, flags)), [0, 4]);
        assertEquals(textIn(into, 4), "peek");
      }
    }
  });

  itUnless(
    isWine && "Wine completes it with the first bytes",
    "case 74: MSG_WAITALL waits until the buffer is full, or the other end sends no more",
    () => {
      using raw = new RawSockets();
      const [server, client] = raw.pair();
      const into = raw.memory(8);
      const receiving = raw.receive(client, into, MSG_WAITALL);
      assertEquals(raw.outcome(raw.send(server, "half")), [0, 4]);
      assert(raw.isEmpty);
      assertEquals(raw.both(receiving, raw.send(server, "more")), [[0, 8], [0, 4]]);
      assertEquals(textIn(into, 8), "halfmore");
      const rest = raw.receive(client, into, MSG_WAITALL);
      assertEquals(raw.outcome(raw.send(server, "end")), [0, 3]);
      assertEquals(system.shutdown(server, SD_SEND), 0);
      assertEquals(raw.outcome(rest), [0, 3]);
    },
  );

  it("case 44: two receives are filled in the order they were started", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const [a, b] = [raw.memory(4), raw.memory(4)];
    const [first, second] = [raw.receive(client, a), raw.receive(client, b)];
    const sending = raw.send(server, "abcdefgh");
    const order = [raw.take(), raw.take(), raw.take()].map(({ overlapped }) => overlapped);
    assertEquals(order.filter((o) => o !== sending.address), [first.address, second.address]);
    assertEquals(textIn(a, 4) + textIn(b, 4), "abcdefgh");
  });

  it("case 60: a cancelled receive and a cancelled accept end with 995", () => {
    using raw = new RawSockets();
    const [, client] = raw.pair();
    const receiving = raw.receive(client, raw.memory(4));
    assertEquals(system.cancelIoEx(client, receiving.address), 0);
    assertEquals(raw.outcome(receiving), [995, 0]);
    const [listener] = raw.listener();
    const [accepting] = raw.accept(listener, raw.socket());
    assertEquals(system.cancelIoEx(listener, 0), 0);
    assertEquals(raw.outcome(accepting), [995, 0]);
    assertEquals(system.cancelIoEx(listener, 0), 1168);
  });

  itUnless(
    isWine && "Wine says 676",
    "case 59: closing a socket ends its receive with 995",
    () => {
      using raw = new RawSockets();
      const [, client] = raw.pair();
      const receiving = raw.receive(client, raw.memory(4));
      raw.close(client);
      assertEquals(raw.outcome(receiving), [995, 0]);
    },
  );

  it("case 73: when the other end sends no more, every receive comes to 0 bytes", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const into = raw.memory(4);
    const receiving = raw.receive(client, into);
    assertEquals(system.shutdown(server, SD_SEND), 0);
    assertEquals(raw.outcome(receiving), [0, 0]);
    assertEquals(raw.outcome(raw.receive(client, into)), [0, 0]);
    // The other direction goes on.
    assertEquals(raw.outcome(raw.send(client, "more")), [0, 4]);
    assertEquals(raw.outcome(raw.receive(server, into)), [0, 4]);
  });

  it("case 73: after shutdown of its own a socket sends no more: 10058", () => {
    using raw = new RawSockets();
    const [server] = raw.pair();
    assertEquals(system.shutdown(server, SD_SEND), 0);
    const [vector, overlapped] = [raw.vector(raw.bytes("more")), raw.overlapped()];
    assertEquals(system.wsaSend(server, vector, 1, 0, overlapped.address), 10058);
    assert(raw.isEmpty);
  });

  it("case 73: a reset ends a receive with 64, and is 10054 from then on", () => {
    using raw = new RawSockets();
    const [server, client] = raw.pair();
    const receiving = raw.receive(client, raw.memory(4));
    // Closing with a linger time of 0 resets.
    const linger = bytesOf(4);
    linger[0] = 1;
    assertEquals(system.setSockOpt(server, SOL_SOCKET, SO_LINGER, linger), 0);
    raw.close(server);
    assertEquals(raw.outcome(receiving), [64, 0]);
    const [vector, flags] = [raw.vector(raw.memory(4)), raw.memory(4)];
    const [ov, again] = [raw.overlapped(), raw.overlapped()];
    assertEquals(system.wsaRecv(client, vector, 1, flags.address, ov.address), 10054);
    assertEquals(system.wsaSend(client, vector, 1, 0, again.address), 10054);
    assert(raw.isEmpty);
  });

  it("case 73: what is not connected cannot receive: 10057", () => {
    using raw = new RawSockets();
    const socket = raw.socket();
    const [vector, flags, ov] = [raw.vector(raw.memory(4)), raw.memory(4), raw.overlapped()];
    assertEquals(system.wsaRecv(socket, vector, 1, flags.address, ov.address), 10057);
    assert(raw.isEmpty);
  });

  itUnless(
    isWine && "Wine says 10054",
    "case 73: what is not connected cannot send: 10057",
    () => {
      using raw = new RawSockets();
      const [vector, ov] = [raw.vector(raw.memory(4)), raw.overlapped()];
      assertEquals(system.wsaSend(raw.socket(), vector, 1, 0, ov.address), 10057);
      assert(raw.isEmpty);
    },
  );
});
