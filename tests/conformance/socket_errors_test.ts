import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ACCEPT_ROOM_BYTES, type SocketHandle } from "../../mod.ts";
import { isWine, itUnless } from "./fixture.ts";
import { codeOf, outcomeOf, reset, SERVER, Sockets, textOf } from "./sockets.ts";

/** What a reset is called: while an operation is in flight, and when one is started later. */
const RESET = [64, 10054];

/** Bytes that do not fit between two ends. */
const MUCH = 16 * 1024 * 1024;

/** The code of the packet of what this starts. */
function codeAfter(sockets: Sockets, start: () => unknown): number {
  start();
  return sockets.outcome()[0];
}

/** Comes back when the socket has seen the reset: a send fails from then on. */
function untilReset(sockets: Sockets, socket: SocketHandle): void {
  while (codeAfter(sockets, () => socket.send(sockets.buffer("x"))) === 0);
}

describe("ends of connections", () => {
  it("case 73: an orderly end is 0 bytes, as often as it is asked for", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    sockets.send(client, "last");
    client.close();
    assertEquals(sockets.receive(server), "last");
    for (let i = 0; i < 3; i++) assertEquals(sockets.receive(server), "");
    server.receive([sockets.buffer(1), sockets.buffer(1)]);
    assertEquals(sockets.outcome(), [0, 0]);
  });

  it("case 73: a receive in flight ends with 0 bytes when the other end closes", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    server.receive(sockets.buffer(8));
    client.close();
    assertEquals(sockets.outcome(), [0, 0]);
  });

  it("case 73: a reset ends a receive in flight with 64; from then on it is 10054", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    server.receive(sockets.buffer(8));
    reset(client);
    const { error } = sockets.take();
    assertEquals([error?.code, error?.call], [64, "WSARecv"]);
    assertEquals(sockets.receive(server), 10054);
    assertEquals(codeAfter(sockets, () => server.send(sockets.buffer(1))), 10054);
    const vector = [sockets.buffer(1), sockets.buffer(1)];
    assertEquals(codeAfter(sockets, () => server.send(vector)), 10054);
    assertEquals(codeAfter(sockets, () => server.receive(vector)), 10054);
  });

  itUnless(
    isWine && "Wine tells it as an end first",
    "a reset that nobody waited for is told to the next operation, and never as an end",
    () => {
      using sockets = new Sockets();
      for (const first of ["receive", "send"] as const) {
        const [server, client] = sockets.pair();
        reset(client);
        if (first === "send") untilReset(sockets, server);
        const answers = [1, 2, 3].map(() => sockets.receive(server));
        assert(answers.every((answer) => RESET.includes(answer as number)), `${answers}`);
        assertEquals(answers[2], 10054);
      }
    },
  );

  it("a reset ends a send in flight with 64, and with how much was sent", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.narrowPair();
    server.send(sockets.buffer(MUCH), 1);
    server.receive(sockets.buffer(8), 2);
    assertEquals(sockets.port.get(0), null);
    reset(client);
    const packets = sockets.takeMany(2);
    for (const { error } of packets.values()) {
      assert(error !== null && RESET.includes(error.code), `${error}`);
    }
    assert(packets.get(1)!.bytesTransferred < MUCH);
  });

  it("case 73: what was never connected can neither receive nor be shut down: 10057", () => {
    using sockets = new Sockets();
    const socket = sockets.tcp();
    assertEquals(codeAfter(sockets, () => socket.receive(sockets.buffer(8))), 10057);
    for (const one of [socket, sockets.listener]) {
      assertEquals(codeOf(() => one.shutdown("send")), 10057);
    }
  });

  itUnless(
    isWine && "Wine has a listener wait for data, and says 10054 of sends",
    "case 73: nor send, and a listener neither",
    () => {
      using sockets = new Sockets();
      const buffer = sockets.buffer(8);
      assertEquals(codeAfter(sockets, () => sockets.listener.receive(buffer)), 10057);
      for (const socket of [sockets.tcp(), sockets.listener]) {
        assertEquals(codeAfter(sockets, () => socket.send(buffer)), 10057);
        assertEquals(codeAfter(sockets, () => socket.transmitFile(null, { head: buffer })), 10057);
      }
    },
  );

  it("case 73: after its own end of sending a send is 10058, and a receive goes on", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    client.shutdown("send");
    const buffer = sockets.buffer(8);
    assertEquals(codeAfter(sockets, () => client.send(buffer)), 10058);
    assertEquals(codeAfter(sockets, () => client.send([buffer, buffer])), 10058);
    assertEquals(sockets.receive(server), "");
    sockets.send(server, "answer");
    assertEquals(sockets.receive(client), "answer");
  });

  it("an end of sending lets what is being sent go first", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    client.send(sockets.buffer(MUCH), 1);
    client.send([sockets.buffer("tail"), sockets.buffer("!")], 2);
    client.shutdown("send");
    assertEquals(codeAfter(sockets, () => client.send(sockets.buffer(1), 3)), 10058);
    const into = sockets.buffer(MUCH);
    let received = 0;
    let last = "";
    const sent = new Set<number>();
    for (let isOver = false; !isOver || sent.size < 2;) {
      if (!isOver) server.receive(into, 4);
      for (;;) {
        const packet = sockets.take();
        assertEquals(packet.error, null);
        const { tag } = packet.operation!;
        if (tag === 4) {
          received += packet.bytesTransferred;
          isOver = packet.bytesTransferred === 0;
          if (!isOver) last = textOf(into.subarray(packet.bytesTransferred - 1), 1);
          break;
        }
        sent.add(tag);
        if (isOver && sent.size === 2) break;
      }
    }
    assertEquals([received, last], [MUCH + 5, "!"]);
  });

  it("case 74: an end of receiving leaves a receive in flight; later ones are 10058", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    server.receive(sockets.buffer(8), 1);
    server.shutdown("receive");
    assertEquals(sockets.port.get(0), null);
    assertEquals(codeAfter(sockets, () => server.receive(sockets.buffer(8), 2)), 10058);
    client.send(sockets.buffer("x"), 3);
    assertEquals(sockets.outcomes(2), [[1, 0, 1], [3, 0, 1]]);
  });

  it("half open: one end sends no more and still receives for as long as the other likes", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    sockets.send(client, "question");
    client.shutdown("send");
    assertEquals([sockets.receive(server), sockets.receive(server)], ["question", ""]);
    for (const text of ["one", "two", "three"]) {
      sockets.send(server, text);
      assertEquals(sockets.receive(client), text);
    }
    server.close();
    assertEquals(sockets.receive(client), "");
  });

  it("a shutdown of both ends both", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    client.shutdown("both");
    assertEquals(sockets.receive(client), 10058);
    assertEquals(codeAfter(sockets, () => client.send(sockets.buffer(1))), 10058);
    assertEquals(sockets.receive(server), "");
  });
});

describe("operations that end early", () => {
  it("case 60: receives and sends are cancelled with 995, and the connection goes on", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    const operation = server.receive(sockets.buffer(8), 1);
    assert(operation.cancel());
    assertEquals(sockets.outcome(), [995, 0]);
    assert(!operation.cancel());
    const into = [sockets.buffer(4), sockets.buffer(4)];
    const tags = [2, 3, 4];
    for (const tag of tags) server.receive(tag === 3 ? into : into[0], tag);
    assert(server.cancel());
    assertEquals(sockets.outcomes(3), tags.map((tag) => [tag, 995, 0]));
    sockets.send(client, "on");
    assertEquals(sockets.receive(server), "on");
  });

  it("case 64: a send that is cancelled half way says how much has gone", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.narrowPair();
    const operation = client.send(sockets.buffer(MUCH), 1);
    client.send(sockets.buffer(1), 2);
    assertEquals(sockets.port.get(0), null);
    assert(operation.cancel());
    const packet = sockets.take();
    assertEquals([packet.operation!.tag, packet.error?.code], [1, 995]);
    const gone = packet.bytesTransferred;
    assert(gone < MUCH);
    const into = sockets.buffer(MUCH);
    let received = 0;
    for (let isSent = false; received < gone + 1 || !isSent;) {
      if (received < gone + 1) server.receive(into, 3);
      const { operation, bytesTransferred, error } = sockets.take();
      assertEquals(error, null);
      if (operation!.tag === 2) {
        isSent = true;
        const rest = received < gone + 1 ? sockets.take().bytesTransferred : 0;
        received += rest;
      } else received += bytesTransferred;
    }
    assertEquals(received, gone + 1);
  });

  it("case 59: closing a socket ends what is in flight on it, each with its one packet", () => {
    using sockets = new Sockets();
    for (let round = 0; round < 20; round++) {
      const [server] = sockets.pair();
      const into = sockets.buffer(8);
      for (let tag = 0; tag < 5; tag++) server.receive(tag % 2 === 0 ? into : [into, into], tag);
      server.send(sockets.buffer(MUCH / 16), 5);
      server.close();
      const outcomes = [...sockets.takeMany(6).values()].map(outcomeOf);
      const codes = outcomes.slice(0, 5).map(([code]) => code);
      // Wine says that the handle was closed.
      assert(outcomes.every(([code]) => [0, 995, isWine ? 676 : 995].includes(code)), `${codes}`);
    }
    assertEquals(sockets.port.get(0), null);
  });

  itUnless(
    isWine && "Wine knows no reset of a client that was not accepted",
    "resets in every state: each operation gets its one packet",
    () => {
      using sockets = new Sockets();
      const { listener, address } = sockets;
      for (let round = 0; round < 10; round++) {
        // While it waits to be accepted.
        const early = sockets.fresh();
        sockets.port.associate(early, 9);
        early.connect(address, 1);
        assertEquals(sockets.outcomes(1), [[1, 0, 0]]);
        reset(early);
        const one = sockets.fresh();
        listener.accept(one, 2);
        const [[, code]] = sockets.outcomes(1);
        assert([0, 64].includes(code), `${code}`);
        // While its first bytes are waited for.
        const two = sockets.fresh();
        listener.accept(two, sockets.buffer(8 + ACCEPT_ROOM_BYTES), 3);
        const silent = sockets.tcp();
        silent.connect(address, 4);
        assertEquals(sockets.outcomes(1), [[4, 0, 0]]);
        reset(silent);
        const [[tag, late]] = sockets.outcomes(1);
        assertEquals(tag, 3);
        assert([0, 64].includes(late), `${late}`);
        // While both directions are busy, and one is over.
        for (const isHalf of [false, true]) {
          const [server, client] = sockets.narrowPair();
          if (isHalf) server.shutdown("send");
          else server.send(sockets.buffer(MUCH), 5);
          server.receive(sockets.buffer(8), 6);
          if (!isHalf) server.receive([sockets.buffer(8), sockets.buffer(8)], 7);
          reset(client);
          const packets = [...sockets.takeMany(isHalf ? 1 : 3).values()];
          for (const { error } of packets) assert(error !== null && RESET.includes(error.code));
        }
        // While it parts.
        const [server, client] = sockets.pair();
        server.disconnect({ reuse: true }, 8);
        reset(client);
        const parted = sockets.outcomes(1)[0][1];
        assert([0, 64].includes(parted), `${parted}`);
      }
      assertEquals(sockets.port.get(0), null);
      assertEquals(SERVER, 2);
    },
  );
});
