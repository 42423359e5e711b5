import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ACCEPT_ROOM_BYTES, SocketHandle } from "../../mod.ts";
import { Folder, isWindows, isWine, itUnless, unlessLinux } from "./fixture.ts";
import { CLIENT, deadAddress, outcomeOf, SERVER, Sockets, textOf } from "./sockets.ts";

describe("connecting", () => {
  it("promise 9: a socket that was bound to any port is named by the port it has", () => {
    using sockets = new Sockets();
    const { port } = sockets.address;
    assertEquals(sockets.listener.name, `127.0.0.1:${port}`);
    // For other threads as well.
    assertEquals(SocketHandle.attach(sockets.listener.token).name, `127.0.0.1:${port}`);
  });

  it("case 13: the packet of a connection comes when it is there", () => {
    using sockets = new Sockets();
    const client = sockets.tcp();
    client.connect(sockets.address, 4);
    const packet = sockets.take();
    assertEquals([packet.key, packet.operation!.kind, packet.operation!.tag], [
      CLIENT,
      "connect",
      4,
    ]);
    assertEquals(outcomeOf(packet), [0, 0]);
    assertEquals(client.remoteAddress, sockets.address);
  });

  it("case 13: with first bytes it counts them, and the server gets them", () => {
    using sockets = new Sockets();
    const server = sockets.tcp(SERVER);
    const client = sockets.tcp();
    const into = sockets.buffer(16 + ACCEPT_ROOM_BYTES);
    sockets.listener.accept(server, into, 1);
    client.connect(sockets.address, sockets.buffer("hello"), 2);
    assertEquals(sockets.outcomes(2), [[1, 0, 5], [2, 0, 5]]);
    assertEquals(textOf(into, 5), "hello");
  });

  it("case 13: nobody listens: 1225, naming the address, and it can be tried again", () => {
    using sockets = new Sockets();
    const client = sockets.tcp();
    const address = deadAddress();
    client.connect(address, sockets.buffer("x"));
    const { error, bytesTransferred } = sockets.take();
    assertEquals([error?.code, error?.name], [1225, "ERROR_CONNECTION_REFUSED"]);
    assertEquals([error?.call, error?.subject], ["ConnectEx", `127.0.0.1:${address.port}`]);
    assertEquals(bytesTransferred, 0);
    client.connect(sockets.address);
    assertEquals(sockets.outcome(), [0, 0]);
  });

  itUnless(
    unlessLinux,
    "a Unix-domain listener that keeps no more waiting: who comes then waits for an accept",
    () => {
      using folder = new Folder();
      using sockets = new Sockets();
      const path = folder.path("socket");
      using listener = SocketHandle.unix();
      listener.bind({ path });
      listener.listen(1);
      sockets.port.associate(listener, 1);
      using stack = new DisposableStack();
      const tags = [0, 1, 2, 3, 4];
      for (const tag of tags) {
        const client = stack.use(SocketHandle.unix());
        sockets.port.associate(client, CLIENT);
        client.connect({ path }, tag);
      }
      for (const tag of tags) listener.accept(stack.use(SocketHandle.unix()), 10 + tag);
      const all = [...tags, ...tags.map((tag) => 10 + tag)];
      assertEquals(sockets.outcomes(10), all.map((tag) => [tag, 0, 0]));
    },
  );

  itUnless(unlessLinux, "one that waits so can be cancelled", () => {
    using folder = new Folder();
    using sockets = new Sockets();
    const path = folder.path("socket");
    using listener = SocketHandle.unix();
    listener.bind({ path });
    listener.listen(1);
    using stack = new DisposableStack();
    const clients = [0, 1, 2].map(() => stack.use(SocketHandle.unix()));
    const connects = clients.map((client, tag) => {
      sockets.port.associate(client, CLIENT);
      return client.connect({ path }, tag);
    });
    assertEquals(sockets.outcomes(2), [[0, 0, 0], [1, 0, 0]]);
    assert(connects[2].cancel());
    assertEquals(sockets.outcomes(1), [[2, 995, 0]]);
  });

  it("case 13: a socket that is connected already: 10056, and it goes on", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    client.connect(sockets.address);
    assertEquals(sockets.outcome(), [10056, 0]);
    sockets.send(client, "still");
    assertEquals(sockets.receive(server), "still");
  });

  itUnless(
    isWindows && "what a firewall or a router says differs from machine to machine",
    "an address that no connection goes to: the packet says why",
    () => {
      using sockets = new Sockets();
      sockets.tcp().connect({ hostname: "255.255.255.255", port: 9 });
      const [code] = sockets.outcome();
      assert([1231, 1232, 10013].includes(code), `${code}`);
    },
  );

  it("addresses of another family, and those that are none, are refused at once", () => {
    using sockets = new Sockets();
    const client = sockets.tcp();
    assertThrows(() => client.connect({ hostname: "::1", port: 80 }), TypeError);
    assertThrows(() => client.connect({ hostname: "localhost", port: 80 }), TypeError);
    assertThrows(() => client.connect({ hostname: "127.0.0.1", port: 65536 }), RangeError);
    assertThrows(() => client.connect({ path: "/tmp/x" }), TypeError);
    assertEquals(sockets.port.counters.inFlight, 0);
  });

  it("IPv6: connect, send, names", () => {
    using sockets = new Sockets();
    const listener = sockets.tcp(1, { family: "ipv6" });
    listener.bind({ hostname: "::1", port: 0 });
    listener.listen();
    const [server, client] = [1, 2].map(() => sockets.tcp(CLIENT, { family: "ipv6" }));
    listener.accept(server, 1);
    client.connect(listener.localAddress!, 2);
    assertEquals(sockets.outcomes(2), [[1, 0, 0], [2, 0, 0]]);
    assertEquals(server.remoteAddress, client.localAddress);
    assertEquals((client.remoteAddress as { hostname: string }).hostname, "::1");
    sockets.send(client, "six");
    assertEquals(sockets.receive(server), "six");
  });

  itUnless(
    isWindows && "a full backlog is answered otherwise",
    "case 60: one that nobody answers is cancelled: 995",
    () => {
      using sockets = new Sockets();
      const listener = sockets.listen(0);
      const address = listener.localAddress!;
      // Linux drops what does not fit into the queue of a listener, as if nobody were there.
      const clients = [0, 1, 2, 3, 4, 5].map(() => sockets.tcp());
      const operations = clients.map((client, tag) => client.connect(address, tag));
      for (const operation of operations) operation.cancel();
      const outcomes = sockets.outcomes(6);
      assert(outcomes.every(([, code]) => code === 0 || code === 995), `${outcomes}`);
      const cancelled = outcomes.find(([, code]) => code === 995);
      assert(cancelled !== undefined, "all could connect");
      // The kernel still tries: to go elsewhere the program needs a new socket, and is told so.
      clients[cancelled[0]].connect(sockets.address);
      const [code] = sockets.outcome();
      assert(code === 10037 || code === 10056, `${code}`);
    },
  );

  it("closing a socket that connects, or is just connected, leaves one packet", () => {
    using sockets = new Sockets();
    const { address } = sockets;
    for (let round = 0; round < 50; round++) {
      const client = sockets.tcp();
      client.connect(address, round);
      client.close();
      const packet = sockets.take();
      assertEquals(packet.operation!.tag, round);
      assert([0, 995].includes(packet.error?.code ?? 0), `${packet.error}`);
    }
    assertEquals(sockets.port.get(0), null);
  });
});

describe("parting", () => {
  it("case 14: the other end receives what was sent, then its end", () => {
    using sockets = new Sockets();
    const [server, client] = sockets.pair();
    sockets.send(server, "goodbye");
    server.disconnect({}, 9);
    const packet = sockets.take();
    assertEquals([packet.operation!.kind, packet.operation!.tag, packet.error], [
      "disconnect",
      9,
      null,
    ]);
    assertEquals([sockets.receive(client), sockets.receive(client)], ["goodbye", ""]);
  });

  it("case 14: one that is not connected: 10057", () => {
    using sockets = new Sockets();
    for (const socket of [sockets.tcp(), sockets.listener]) {
      socket.disconnect();
      assertEquals(sockets.outcome(), [10057, 0]);
    }
  });

  itUnless(
    isWine && "Wine keeps on a used socket that the other end has ended",
    "case 14: a socket that is used again accepts and connects as a new one",
    () => {
      using sockets = new Sockets();
      const server = sockets.tcp(SERVER);
      for (let round = 0; round < 5; round++) {
        const client = sockets.tcp();
        sockets.listener.accept(server, 1);
        client.connect(sockets.address, 2);
        assertEquals(sockets.outcomes(2), [[1, 0, 0], [2, 0, 0]]);
        sockets.send(client, `round ${round}`);
        assertEquals(sockets.receive(server), `round ${round}`);
        client.close();
        assertEquals(sockets.receive(server), "");
        server.disconnect({ reuse: true });
        assertEquals(sockets.outcome(), [0, 0]);
      }
      const other = sockets.tcp();
      sockets.listener.accept(other, 1);
      server.connect(sockets.address, 2);
      assertEquals(sockets.outcomes(2), [[1, 0, 0], [2, 0, 0]]);
      sockets.send(other, "and out");
      assertEquals(sockets.receive(server), "and out");
    },
  );

  itUnless(
    isWine && "Wine does not wait for the other end",
    "to be used again it waits for the other end's end, and throws away what still comes",
    () => {
      using sockets = new Sockets();
      const [server, client] = sockets.pair();
      server.disconnect({ reuse: true }, 1);
      assertEquals(sockets.port.get(0), null);
      client.send(sockets.buffer(300_000), 2);
      assertEquals(sockets.outcomes(1), [[2, 0, 300_000]]);
      assertEquals(sockets.port.get(0), null);
      client.close();
      assertEquals(sockets.outcomes(1), [[1, 0, 0]]);
    },
  );

  itUnless(
    isWine && "Wine does not wait for the other end",
    "one that waits can be cancelled",
    () => {
      using sockets = new Sockets();
      const [server] = sockets.pair();
      const operation = server.disconnect({ reuse: true });
      assert(operation.cancel());
      assertEquals(sockets.outcome(), [995, 0]);
    },
  );
});
