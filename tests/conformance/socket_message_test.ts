import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type NetAddress, type ReceivedMessage, SocketHandle } from "../../mod.ts";
import { Datagrams, textOf } from "./datagrams.ts";
import { BAD_NUMBERS, isWindows, isWine, itUnless } from "./fixture.ts";

/** Why a test of control data that are sent is skipped. */
const unlessControlIsSent: string | false = isWine && "Wine sends no control data";

/** Why a test of what was cut is skipped. */
const unlessCutsAreTold: string | false = isWine && "Wine does not tell what it has cut";

/** Receives a message of at most 64 bytes: its text and what came beside it. */
function received(udp: Datagrams, socket: SocketHandle): [string, ReceivedMessage] {
  socket.receiveMessage({ data: udp.buffer(64) });
  const packet = udp.takeDone();
  return [textOf(packet), SocketHandle.message(packet)];
}

/** The same address as it is written by IPv6. */
function mapped(address: NetAddress): NetAddress {
  return { ...address, hostname: `::ffff:${address.hostname}` };
}

describe("messages", () => {
  it("without anything beside them: the bytes, the sender, no more", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    a.sendMessage({ data: udp.buffer("hello"), address: b.localAddress! }, 5);
    assertEquals(udp.take().bytesTransferred, 5);
    assertEquals(received(udp, b), ["hello", {
      address: a.localAddress,
      control: {},
      isTruncated: false,
      isControlTruncated: false,
    }]);
  });

  it("packetInfo: to which address of this computer a datagram came, and by which interface", () => {
    using udp = new Datagrams();
    const b = udp.udp({ packetInfo: true }, { hostname: "0.0.0.0", port: 0 });
    const { port } = b.localAddress as NetAddress;
    const a = udp.udp();
    for (const hostname of ["127.0.0.1", "127.0.0.2"]) {
      udp.send(a, "x", { hostname, port });
      const { packetInfo } = received(udp, b)[1].control;
      assertEquals(packetInfo?.hostname, hostname);
      assert(packetInfo!.interfaceIndex > 0);
    }
  });

  it("packetInfo and hopLimit by IPv6", () => {
    using udp = new Datagrams();
    const b = udp.udp({ family: "ipv6", packetInfo: true, receiveHopLimit: true });
    const a = udp.udp({ family: "ipv6", hopLimit: 42 });
    udp.send(a, "x", b.localAddress!);
    const { control } = received(udp, b)[1];
    assertEquals([control.packetInfo?.hostname, control.hopLimit], ["::1", 42]);
  });

  it("both on a dual stack, whichever way the datagram came", () => {
    using udp = new Datagrams();
    const options = {
      family: "ipv6",
      dualStack: true,
      packetInfo: true,
      receiveHopLimit: true,
    } as const;
    const b = udp.udp(options, { hostname: "::", port: 0 });
    const { port } = b.localAddress as NetAddress;
    const [four, six] = [udp.udp({ hopLimit: 44 }), udp.udp({ family: "ipv6", hopLimit: 66 })];
    udp.send(four, "4", { hostname: "127.0.0.1", port });
    const [, from4] = received(udp, b);
    assertEquals(from4.address, mapped(four.localAddress as NetAddress));
    assertEquals(from4.control.packetInfo?.hostname, "::ffff:127.0.0.1");
    assertEquals(from4.control.hopLimit, 44);
    udp.send(six, "6", { hostname: "::1", port });
    const [, from6] = received(udp, b);
    assertEquals(from6.address, six.localAddress);
    assertEquals([from6.control.packetInfo?.hostname, from6.control.hopLimit], ["::1", 66]);
  });

  itUnless(
    unlessControlIsSent,
    "an answer goes from the address that was asked, though the socket has all",
    () => {
      using udp = new Datagrams();
      const server = udp.udp({ packetInfo: true }, { hostname: "0.0.0.0", port: 0 });
      const { port } = server.localAddress as NetAddress;
      const client = udp.udp();
      udp.send(client, "question", { hostname: "127.0.0.3", port });
      const [, { address, control: { packetInfo } }] = received(udp, server);
      server.sendMessage({
        data: udp.buffer("answer"),
        address: address!,
        control: { packetInfo: packetInfo! },
      });
      assertEquals(udp.outcome(), [0, 6]);
      assertEquals(udp.receive(client, 16), ["answer", { hostname: "127.0.0.3", port }]);
    },
  );

  itUnless(
    unlessControlIsSent,
    "a hop limit of one message: that one has it, the next has the socket's",
    () => {
      using udp = new Datagrams();
      for (const family of ["ipv4", "ipv6"] as const) {
        const b = udp.udp({ family, receiveHopLimit: true });
        const a = udp.udp({ family, hopLimit: 50 });
        const address = b.localAddress!;
        a.sendMessage({ data: udp.buffer("x"), address, control: { hopLimit: 7 } });
        assertEquals(udp.outcome(), [0, 1]);
        udp.send(a, "y", address);
        assertEquals(received(udp, b)[1].control.hopLimit, 7);
        assertEquals(received(udp, b)[1].control.hopLimit, 50);
      }
    },
  );

  itUnless(
    unlessControlIsSent,
    "a hop limit by IPv4 of a socket of both",
    () => {
      using udp = new Datagrams();
      const b = udp.udp({ receiveHopLimit: true });
      const a = udp.udp({ family: "ipv6", dualStack: true }, { hostname: "::", port: 0 });
      const address = b.localAddress as NetAddress;
      a.sendMessage({ data: udp.buffer("x"), address, control: { hopLimit: 9 } });
      assertEquals(udp.outcome(), [0, 1]);
      assertEquals(received(udp, b)[1].control.hopLimit, 9);
    },
  );

  itUnless(
    unlessCutsAreTold,
    "a message longer than its room: ERROR_MORE_DATA, the count, the sender, and what came beside it",
    () => {
      using udp = new Datagrams();
      const [a, b] = [udp.udp({ hopLimit: 33 }), udp.udp({ receiveHopLimit: true })];
      udp.send(a, "0123456789", b.localAddress!);
      b.receiveMessage({ data: [udp.buffer(3), udp.buffer(4)] });
      const packet = udp.take();
      assertEquals([packet.error?.code, packet.bytesTransferred, textOf(packet)], [234, 7, "012"]);
      assertEquals(SocketHandle.message(packet), {
        address: a.localAddress,
        control: { hopLimit: 33 },
        isTruncated: true,
        isControlTruncated: false,
      });
    },
  );

  itUnless(
    unlessCutsAreTold,
    "control data longer than their room are said to be",
    () => {
      using udp = new Datagrams();
      const [a, b] = [udp.udp(), udp.udp({ packetInfo: true, receiveHopLimit: true })];
      for (const controlBytes of [8, 0]) {
        udp.send(a, "x", b.localAddress!);
        b.receiveMessage({ data: udp.buffer(8), controlBytes });
        const packet = udp.take();
        const { control, isControlTruncated, isTruncated } = SocketHandle.message(packet);
        assertEquals([control, isControlTruncated, isTruncated], [{}, true, false]);
        assertEquals(textOf(packet), "x");
      }
    },
  );

  it("a message is looked at without being taken", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp({ hopLimit: 3 }), udp.udp({ receiveHopLimit: true })];
    udp.send(a, "x", b.localAddress!);
    for (const peek of [true, false]) {
      b.receiveMessage({ data: udp.buffer(8), peek });
      const packet = udp.takeDone();
      assertEquals([textOf(packet), SocketHandle.message(packet).control.hopLimit], ["x", 3]);
    }
  });

  itUnless(
    unlessControlIsSent,
    "a message from an address that this computer does not have is refused in its packet",
    () => {
      using udp = new Datagrams();
      const [a, b] = [udp.udp({}, { hostname: "0.0.0.0", port: 0 }), udp.udp()];
      const packetInfo = { hostname: "192.0.2.99", interfaceIndex: 0 };
      const { port } = b.localAddress as NetAddress;
      const address = { hostname: "127.0.0.1", port };
      a.sendMessage({ data: udp.buffer("x"), address, control: { packetInfo } }, 1);
      const packet = udp.take();
      assertEquals([packet.operation?.tag, packet.bytesTransferred], [1, 0]);
      assert([10022, 10049, 10051, 1231].includes(packet.error!.code), packet.error!.message);
    },
  );

  it("a receive is cancelled, and the next gets the message with all that is beside it (60)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp({ hopLimit: 5 }), udp.udp({ receiveHopLimit: true })];
    const first = b.receiveMessage({ data: udp.buffer(8) });
    assert(first.cancel());
    const packet = udp.take();
    assertEquals(packet.error?.code, 995);
    assertThrows(() => SocketHandle.message(packet), Error, "ERROR_OPERATION_ABORTED");
    udp.send(a, "x", b.localAddress!);
    assertEquals(received(udp, b)[1].control.hopLimit, 5);
  });

  it("receives of datagrams and of messages are filled in the order of their starts (44)", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    for (let i = 0; i < 30; i++) {
      if (i % 2 === 0) b.receiveFrom(udp.buffer(8), 100 + i);
      else b.receiveMessage({ data: udp.buffer(8) }, 100 + i);
    }
    for (let i = 0; i < 30; i++) a.sendTo(udp.buffer(`${i}`), b.localAddress!, i);
    const packets = udp.takeMany(60);
    for (let i = 0; i < 30; i++) assertEquals(textOf(packets.get(100 + i)!), `${i}`);
  });

  it("what a message cannot carry is refused before anything is sent", () => {
    using udp = new Datagrams();
    const socket = udp.udp();
    const [data, address] = [udp.buffer("x"), socket.localAddress!];
    const send = (control: object) => () => socket.sendMessage({ data, address, control });
    assertThrows(send({ packetInfo: { hostname: "::1", interfaceIndex: 0 } }), TypeError, "::1");
    assertThrows(send({ packetInfo: { hostname: "lo", interfaceIndex: 0 } }), TypeError, "lo");
    assertThrows(send({ descriptors: [0] }), TypeError, "descriptors");
    assertThrows(send({ credentials: { processId: 1, userId: 0, groupId: 0 } }), TypeError);
    assertThrows(() => socket.receiveMessage({ data: [] }), RangeError);
    for (const controlBytes of [...BAD_NUMBERS, 65_537]) {
      assertThrows(() => socket.receiveMessage({ data, controlBytes }), RangeError, "controlBytes");
    }
    const address6 = { hostname: "::1", port: 1 };
    assertThrows(() => socket.sendMessage({ data, address: address6 }), TypeError);
    assertEquals(udp.port.counters.inFlight, 0);
  });

  it("what is asked of a packet of another kind is a TypeError", () => {
    using udp = new Datagrams();
    const [a, b] = [udp.udp(), udp.udp()];
    a.sendTo(udp.buffer("x"), b.localAddress!);
    const sent = udp.take();
    assertThrows(() => SocketHandle.sender(sent), TypeError, "receiveFrom");
    assertThrows(() => SocketHandle.message(sent), TypeError, "receiveMessage");
    udp.port.post({ key: 1 });
    assertThrows(() => SocketHandle.sender(udp.take()), TypeError);
    b.receiveFrom(udp.buffer(8));
    assertThrows(() => SocketHandle.message(udp.take()), TypeError);
  });

  itUnless(
    unlessControlIsSent,
    "1,000 messages with control data, 40 in flight: none is lost, and no room is left taken",
    () => {
      using udp = new Datagrams();
      const b = udp.udp({ packetInfo: true, receiveHopLimit: true, receiveBufferBytes: 200_000 });
      const a = udp.udp();
      const address = b.localAddress!;
      for (let i = 0; i < 20; i++) b.receiveMessage({ data: udp.buffer(64) }, 1);
      const hops: number[] = [];
      let sent = 0;
      const send = () => {
        const control = { hopLimit: 1 + sent % 255 };
        a.sendMessage({ data: udp.buffer(`${sent++}`), address, control }, 2);
      };
      for (let i = 0; i < 20; i++) send();
      while (hops.length < 1000) {
        const packet = udp.takeDone();
        if (packet.operation!.tag === 2) continue;
        const { control } = SocketHandle.message(packet);
        assertEquals(control.packetInfo?.hostname, "127.0.0.1");
        assertEquals(control.hopLimit, 1 + Number(textOf(packet)) % 255);
        hops.push(control.hopLimit!);
        b.receiveMessage({ data: packet.operation!.buffer! }, 1);
        if (sent < 1000) send();
      }
      assertEquals(hops.length, 1000);
      assertEquals(isWindows || udp.port.counters.inFlight >= 20, true);
    },
  );
});
