import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { NativeBuffer, type NetAddress, SocketHandle } from "../../mod.ts";
import { Datagrams, HERE, textOf } from "./datagrams.ts";
import { BAD_NUMBERS, isLinux, isWine, itUnless } from "./fixture.ts";
import { chooseSeed, randomFrom } from "./random.ts";

const FAMILIES = ["ipv4", "ipv6"] as const;

/** Why a test of what the network reports is skipped. */
const unlessReports: string | false = isWine && "Wine tells nobody that a datagram came to nobody";

/** Bytes of the longest datagram by IPv4: 65,535 without the headers. */
const LONGEST = 65_507;

describe("datagrams", () => {
  for (const family of FAMILIES) {
    it(`${family}: one comes whole, with its sender, who can be answered`, () => {
      using udp = new Datagrams();
      const [a, b] = [udp.udp({ family }), udp.udp({ family })];
      b.receiveFrom(udp.buffer(64), 7);
      udp.port.get(0);
      a.sendTo(udp.buffer("question"), b.localAddress!, 8);
      const packets = udp.takeMany(2);
      assertEquals(textOf(packets.get(7)!), "question");
      assertEquals(packets.get(8)!.bytesTransferred, 8);
      const sender = SocketHandle.sender(packets.get(7)!)!;
      assertEquals(sender, a.localAddress);
      udp.send(b, "answer", sender);
      assertEquals(udp.receive(a, 64), ["answer", b.localAddress]);
    });
  }

  it("an empty one: success, 0 bytes, and its sender (74)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    udp.send(a, "", b.localAddress!);
    udp.send(a, "next", b.localAddress!);
    assertEquals(udp.receive(b, 64), ["", a.localAddress]);
    assertEquals(udp.receive(b, 64), ["next", a.localAddress]);
  });

  it("one longer than the buffer: its beginning, the count, the sender and ERROR_MORE_DATA (18, 67)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    for (const size of [5, 0]) {
      udp.send(a, "0123456789", b.localAddress!);
      b.receiveFrom(udp.buffer(size));
      const packet = udp.take();
      assertEquals([packet.error?.code, packet.bytesTransferred], [234, size]);
      assertEquals(textOf(packet), "01234".slice(0, size));
      assertEquals(SocketHandle.sender(packet), a.localAddress);
    }
    // What did not fit is gone.
    udp.send(a, "next", b.localAddress!);
    assertEquals(udp.receive(b, 64)[0], "next");
  });

  it("one into a buffer of its very length is whole", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    udp.send(a, "0123456789", b.localAddress!);
    assertEquals(udp.receive(b, 10)[0], "0123456789");
  });

  it("several buffers are one datagram, and one fills several", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    for (const count of [2, 4, 5, 40]) {
      const parts = Array.from({ length: count }, (_, i) => udp.buffer(`${i}.`.repeat(i % 3)));
      const text = parts.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
      a.sendTo(parts, b.localAddress!);
      assertEquals(udp.outcome(), [0, text.length]);
      const room = Array.from({ length: count }, () => udp.buffer(3));
      b.receiveFrom(room);
      assertEquals(udp.outcome(), [0, text.length]);
      const came = room.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
      assertEquals(came.slice(0, text.length), text);
    }
  });

  it("1,500 of more than four buffers, one after the other: each gives its room back", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    const address = b.localAddress!;
    const [parts, room] = ["abcde", "....."].map((text) => [...text].map((c) => udp.buffer(c)));
    for (let i = 0; i < 1500; i++) {
      a.sendTo(parts, address);
      assertEquals(udp.outcome(), [0, 5]);
      b.receiveFrom(room);
      assertEquals(udp.outcome(), [0, 5]);
    }
    assertEquals(room.map(({ bytes }) => bytes[0]), parts.map(({ bytes }) => bytes[0]));
  });

  it("receives are filled in the order of their starts (44)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    const room = Array.from({ length: 50 }, () => udp.buffer(8));
    room.forEach((buffer, index) => b.receiveFrom(buffer, 100 + index));
    room.forEach((_, index) => a.sendTo(udp.buffer(`${index}`), b.localAddress!, index));
    const packets = udp.takeMany(100);
    room.forEach((_, index) => assertEquals(textOf(packets.get(100 + index)!), `${index}`));
  });

  it(`${LONGEST} bytes go; one more is WSAEMSGSIZE (10040), and nothing is sent`, () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp({ receiveBufferBytes: 200_000 })];
    const data = udp.buffer(LONGEST + 1);
    a.sendTo(data, b.localAddress!);
    assertEquals(udp.outcome(), [10040, 0]);
    a.sendTo(data.subarray(0, LONGEST), b.localAddress!);
    assertEquals(udp.outcome(), [0, LONGEST]);
    b.receiveFrom(udp.buffer(LONGEST + 1));
    assertEquals(udp.outcome(), [0, LONGEST]);
  });

  it("to everybody without the option broadcast: WSAEACCES (10013)", () => {
    using udp = new Datagrams();
    const socket = udp.udp({}, null);
    socket.bind({ hostname: "0.0.0.0", port: 0 });
    socket.sendTo(udp.buffer("x"), { hostname: "255.255.255.255", port: 9 });
    assertEquals(udp.outcome()[0], 10013);
  });

  it("promise 9: the error says where it was to go", () => {
    using udp = new Datagrams();
    const socket = udp.udp({}, null);
    socket.bind({ hostname: "0.0.0.0", port: 0 });
    const { port } = socket.localAddress as NetAddress;
    const address = { hostname: "255.255.255.255", port: 9 };
    for (let pass = 0; pass < 2; pass++) {
      if (pass === 0) socket.sendTo(udp.buffer("x"), address);
      else socket.sendMessage({ data: udp.buffer("x"), address });
      const { error } = udp.take();
      assertEquals(error?.subject, `0.0.0.0:${port} to 255.255.255.255:9`);
    }
  });

  it("to everybody in a network, with it", () => {
    using udp = new Datagrams();
    const b = udp.udp({}, { hostname: "0.0.0.0", port: 0 });
    const a = udp.udp({ broadcast: true });
    const { port } = b.localAddress as NetAddress;
    udp.send(a, "all", { hostname: "127.255.255.255", port });
    assertEquals(udp.receive(b, 8), ["all", a.localAddress]);
  });

  it("one socket that sends without an address of its own gets one", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp({}, null), udp.udp()];
    udp.send(a, "x", b.localAddress!);
    const { port } = a.localAddress as NetAddress;
    assert(port > 0);
    assertEquals(udp.receive(b, 8)[1], { hostname: "127.0.0.1", port });
  });

  it("a receive is cancelled: ERROR_OPERATION_ABORTED, and the next gets the datagram (60)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    const first = b.receiveFrom(udp.buffer(8), 1);
    b.receiveFrom(udp.buffer(8), 2);
    assertEquals(first.cancel(), true);
    const packet = udp.take();
    assertEquals([packet.operation!.tag, packet.error?.code], [1, 995]);
    assertThrows(() => SocketHandle.sender(packet), Error, "ERROR_OPERATION_ABORTED");
    udp.send(a, "kept", b.localAddress!);
    assertEquals(textOf(udp.takeDone()), "kept");
  });

  it("closing the socket ends all its receives, each with its packet (59)", () => {
    using udp = new Datagrams();
    const socket = udp.udp();
    for (let tag = 0; tag < 100; tag++) socket.receiveFrom(udp.buffer(8), tag);
    socket.close();
    for (const { error } of udp.takeMany(100).values()) assert(error !== null);
    assertThrows(() => socket.receiveFrom(udp.buffer(8)), Error, "ERROR_INVALID_HANDLE");
  });

  it("what cannot be an address, a tag or a buffer is refused before anything is sent", () => {
    using udp = new Datagrams();
    const socket = udp.udp();
    const data = udp.buffer("x");
    assertThrows(() => socket.sendTo(data, { hostname: "localhost", port: 1 }), TypeError);
    assertThrows(() => socket.sendTo(data, { hostname: "::1", port: 1 }), TypeError);
    assertThrows(() => socket.sendTo(data, { hostname: "127.0.0.1", port: 65536 }), RangeError);
    assertThrows(() => socket.sendTo([], HERE), RangeError);
    for (const tag of BAD_NUMBERS.filter((number) => number !== -1)) {
      assertThrows(() => socket.sendTo(data, HERE, tag), RangeError);
      assertThrows(() => socket.receiveFrom(data, tag), RangeError);
    }
    const freed = NativeBuffer.allocate(8);
    freed.free();
    assertThrows(() => socket.receiveFrom(freed), TypeError);
    assertEquals(udp.port.counters.inFlight, 0);
    assertEquals(udp.port.get(0), null);
  });

  it("an address in use is named: WSAEADDRINUSE (10048)", () => {
    using udp = new Datagrams();
    const address = udp.udp().localAddress as NetAddress;
    const error = assertThrows(() => udp.udp({}, address)) as { code?: number; message: string };
    assertEquals(error.code, 10048);
    assert(error.message.includes(`127.0.0.1:${address.port}`), error.message);
  });

  it("an address in use may be bound by all who say so", () => {
    using udp = new Datagrams();
    const first = udp.udp({ reuseAddress: true });
    const second = udp.udp({ reuseAddress: true }, first.localAddress as NetAddress);
    assertEquals(second.localAddress, first.localAddress);
  });

  it("dual stack: IPv4 comes and goes as addresses that begin with ::ffff:", () => {
    using udp = new Datagrams();
    const both = udp.udp({ family: "ipv6", dualStack: true }, { hostname: "::", port: 0 });
    const { port } = both.localAddress as NetAddress;
    const [a, b] = [udp.udp(), udp.udp({ family: "ipv6" })];
    udp.send(a, "4", { hostname: "127.0.0.1", port });
    const own = a.localAddress as NetAddress;
    const mapped = { hostname: "::ffff:127.0.0.1", port: own.port };
    assertEquals(udp.receive(both, 8), ["4", mapped]);
    udp.send(both, "back", mapped);
    assertEquals(udp.receive(a, 8)[0], "back");
    udp.send(both, "again", own);
    assertEquals(udp.receive(a, 8)[0], "again");
    udp.send(b, "6", { hostname: "::1", port });
    assertEquals(udp.receive(both, 8), ["6", b.localAddress]);
  });

  it("without dual stack an IPv6 socket leaves the port free for IPv4", () => {
    using udp = new Datagrams();
    const six = udp.udp({ family: "ipv6" }, { hostname: "::", port: 0 });
    const { port } = six.localAddress as NetAddress;
    const four = udp.udp({}, { hostname: "0.0.0.0", port });
    udp.send(udp.udp(), "4", { hostname: "127.0.0.1", port });
    assertEquals(udp.receive(four, 8)[0], "4");
  });

  for (const family of FAMILIES) {
    itUnless(
      unlessReports,
      `${family}: a datagram that comes to nobody: ERROR_PORT_UNREACHABLE for a receive (74)`,
      () => {
        using udp = new Datagrams();
        const [a, b, gone] = [udp.udp({ family }), udp.udp({ family }), udp.udp({ family })];
        const address = gone.localAddress!;
        gone.close();
        // One that waits already, and one that is started afterwards.
        for (const isFirst of [true, false]) {
          if (isFirst) a.receiveFrom(udp.buffer(8), 1);
          a.sendTo(udp.buffer("x"), address, 2);
          if (!isFirst) assertEquals(udp.take().operation!.tag, 2);
          if (!isFirst) a.receiveFrom(udp.buffer(8), 1);
          const packets = isFirst ? udp.takeMany(2) : udp.takeMany(1);
          const failed = packets.get(1)!;
          assertEquals([failed.error?.code, failed.bytesTransferred], [1234, 0]);
          assertThrows(() => SocketHandle.sender(failed), Error, "ERROR_PORT_UNREACHABLE");
        }
        // It is said once, and the socket is as good as before.
        udp.send(a, "question", b.localAddress!);
        udp.send(b, "answer", a.localAddress!);
        assertEquals(udp.receive(a, 8), ["answer", b.localAddress]);
        assertEquals(udp.receive(b, 8), ["question", a.localAddress]);
      },
    );
  }

  it("what is sent fails for no other's sake: 100 to nobody and 100 to somebody all go", () => {
    using udp = new Datagrams();
    const [a, b, gone] = [udp.udp(), udp.udp({ receiveBufferBytes: 200_000 }), udp.udp()];
    const addresses = [gone.localAddress!, b.localAddress!];
    gone.close();
    for (let i = 0; i < 200; i++) a.sendTo(udp.buffer(`${i}`), addresses[i % 2], i);
    for (const { error } of udp.takeMany(200).values()) assertEquals(error, null);
    for (let i = 1; i < 200; i += 2) assertEquals(udp.receive(b, 8)[0], `${i}`);
  });

  it("a connected socket: send and receive, and nobody else is heard", () => {
    using udp = new Datagrams();
    const [a, b, other] = [udp.udp(), udp.udp(), udp.udp()];
    a.connect(b.localAddress!);
    assertEquals(udp.outcome(), [0, 0]);
    assertEquals(a.remoteAddress, b.localAddress);
    udp.send(other, "no", a.localAddress!);
    a.send(udp.buffer("one"));
    assertEquals(udp.outcome(), [0, 3]);
    a.send([udp.buffer("t"), udp.buffer("wo")]);
    assertEquals(udp.outcome(), [0, 3]);
    assertEquals(udp.receive(b, 8)[0], "one");
    assertEquals(udp.receive(b, 8)[0], "two");
    udp.send(b, "longer", a.localAddress!);
    a.receive(udp.buffer(4));
    const cut = udp.take();
    assertEquals([cut.error?.code, textOf(cut)], [234, "long"]);
    udp.send(b, "", a.localAddress!);
    a.receive([udp.buffer(2), udp.buffer(2)]);
    assertEquals(udp.outcome(), [0, 0]);
  });

  it("receive and send of a socket that is not connected: whoever sends; WSAENOTCONN (10057)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    udp.send(a, "x", b.localAddress!);
    b.receive(udp.buffer(8));
    assertEquals(textOf(udp.takeDone()), "x");
    b.send(udp.buffer("y"));
    assertEquals(udp.outcome(), [10057, 0]);
  });

  it("after its own shutdown of sending: WSAESHUTDOWN (10058)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    a.shutdown("send");
    a.sendTo(udp.buffer("x"), b.localAddress!);
    assertEquals(udp.outcome(), [10058, 0]);
    udp.send(b, "still heard", a.localAddress!);
    assertEquals(udp.receive(a, 16)[0], "still heard");
  });

  it("2,000 datagrams between ten sockets: each comes to whom it was sent, whole, from whom it came", () => {
    using udp = new Datagrams();
    const random = randomFrom(chooseSeed("datagrams"));
    const sockets = Array.from({ length: 10 }, (_, i) => {
      return udp.udp({ family: i % 2 ? "ipv6" : "ipv4", receiveBufferBytes: 100_000 });
    });
    const names = new Map(sockets.map(({ localAddress }, i) => [JSON.stringify(localAddress), i]));
    let [received, sent] = [0, 0];
    const RECEIVE = 1000;
    sockets.forEach((socket, i) => {
      for (let n = 0; n < 4; n++) socket.receiveFrom(udp.buffer(600), RECEIVE + i);
    });
    const send = () => {
      const from = random(10);
      // Of the same family, which takes turns.
      const to = (from + 2 * random(5)) % 10;
      const text = `${from}>${to} `.padEnd(8 + random(500), "x");
      sockets[from].sendTo(udp.buffer(text), sockets[to].localAddress!, 1);
      sent++;
    };
    for (let i = 0; i < 10; i++) send();
    while (received < 2000) {
      const packet = udp.takeDone();
      const { operation } = packet;
      if (operation!.tag === 1) continue;
      const to = operation!.tag - RECEIVE;
      const from = names.get(JSON.stringify(SocketHandle.sender(packet)))!;
      const text = textOf(packet);
      assert(text.startsWith(`${from}>${to} `) && /^[^x]+x*$/.test(text), text);
      received++;
      sockets[to].receiveFrom(operation!.buffer!, RECEIVE + to);
      if (sent < 2000) send();
    }
    assertEquals(udp.port.counters.inFlight >= 40, true);
  });

  it("a buffer and an address stay until the packet is taken, also of a socket that is closed", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    const address = b.localAddress!;
    const data = NativeBuffer.allocate(4);
    a.sendTo(data, address);
    data.free();
    a.close();
    assertEquals(isLinux || udp.port.counters.inFlight <= 1, true);
    udp.take();
  });
});
