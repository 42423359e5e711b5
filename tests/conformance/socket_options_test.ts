import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { networkInterfaces } from "node:os";
import { type NetAddress, SocketHandle, type SocketOptions, Win32Error } from "../../mod.ts";
import { Datagrams } from "./datagrams.ts";
import { isWine, itUnless, unlessLinux } from "./fixture.ts";

type Make = () => SocketHandle;

const KINDS: Readonly<Record<string, Make>> = {
  tcp: () => SocketHandle.tcp(),
  tcp6: () => SocketHandle.tcp({ family: "ipv6" }),
  udp: () => SocketHandle.udp(),
  udp6: () => SocketHandle.udp({ family: "ipv6" }),
};

/** Sets every value of an option and reads it back. */
function tried(
  kind: string,
  values: readonly (keyof SocketOptions)[],
  all: readonly unknown[],
): void {
  using socket = KINDS[kind]();
  for (const name of values) {
    for (const value of all) {
      socket.setOptions({ [name]: value });
      assertEquals(socket.option(name as "linger"), value as null, `${name} of ${kind}`);
    }
  }
}

describe("options of sockets", () => {
  it("what is set is what is read: switches", () => {
    tried("tcp", ["noDelay", "keepAlive"], [true, false, true]);
    tried("tcp6", ["noDelay", "keepAlive", "dualStack"], [true, false, true]);
    tried("udp", ["reuseAddress", "broadcast", "multicastLoopback"], [true, false, true]);
    tried("udp", ["packetInfo", "receiveHopLimit"], [true, false, true]);
    tried("udp6", ["dualStack", "multicastLoopback"], [true, false, true]);
    tried("udp6", ["packetInfo", "receiveHopLimit"], [true, false, true]);
  });

  it("what is set is what is read: numbers", () => {
    for (const kind of ["udp", "udp6"]) {
      tried(kind, ["hopLimit"], [1, 64, 255]);
      tried(kind, ["multicastHopLimit"], [0, 1, 255]);
      tried(kind, ["sendBufferBytes", "receiveBufferBytes"], [16_384, 65_536]);
    }
    tried("tcp", ["hopLimit"], [1, 255]);
  });

  it("what is set is what is read: how long closing waits, and that it does not", () => {
    tried("tcp", ["linger"], [0, 5, 300, null, 1, null]);
  });

  it("at first: streams gather, nothing is asked for, IPv6 is alone", () => {
    using tcp = SocketHandle.tcp();
    assertEquals(tcp.option("noDelay"), false);
    assertEquals(tcp.option("keepAlive"), false);
    assertEquals(tcp.option("linger"), null);
    using udp = SocketHandle.udp({ family: "ipv6" });
    assertEquals(udp.option("dualStack"), false);
    assertEquals(udp.option("packetInfo"), false);
    assertEquals(udp.option("reuseAddress"), false);
    assertEquals(udp.option("multicastHopLimit"), 1);
  });

  it("options are set by the one who makes the socket; what is absent stays", () => {
    using socket = SocketHandle.tcp({ noDelay: true, linger: 7 });
    assertEquals([socket.option("noDelay"), socket.option("linger")], [true, 7]);
    socket.setOptions({ keepAlive: true });
    assertEquals([socket.option("noDelay"), socket.option("keepAlive")], [true, true]);
    socket.setOptions({});
  });

  it("keepAlive with its times and its count", () => {
    using socket = SocketHandle.tcp();
    socket.setOptions({ keepAlive: { idleSeconds: 10, intervalSeconds: 2, probes: 3 } });
    assertEquals(socket.option("keepAlive"), true);
    socket.setOptions({ keepAlive: {} });
    socket.setOptions({ keepAlive: false });
    assertEquals(socket.option("keepAlive"), false);
  });

  it("an option that no socket of the family has is a TypeError, a bad value names the option", () => {
    using tcp = SocketHandle.tcp();
    assertThrows(() => tcp.setOptions({ dualStack: true }), TypeError, "dualStack");
    assertThrows(() => tcp.setOptions({ credentials: true }), TypeError, "credentials");
    assertThrows(() => tcp.option("dualStack"), TypeError, "ipv4");
    assertThrows(() => tcp.option("nonsense" as "linger"), TypeError, "nonsense");
    const bad: [keyof SocketOptions, unknown, typeof TypeError | typeof RangeError][] = [
      ["noDelay", 1, TypeError],
      ["noDelay", null, TypeError],
      ["keepAlive", "yes", TypeError],
      ["keepAlive", null, TypeError],
      ["hopLimit", 0, RangeError],
      ["hopLimit", 256, RangeError],
      ["hopLimit", true, RangeError],
      ["multicastHopLimit", -1, RangeError],
      ["linger", -1, RangeError],
      ["linger", 32768, RangeError],
      ["linger", false, RangeError],
      ["sendBufferBytes", 0, RangeError],
      ["receiveBufferBytes", 1.5, RangeError],
      ["multicastInterface", -1, RangeError],
      ["multicastInterface", {}, RangeError],
      ["keepAlive", { probes: 0 }, RangeError],
      ["keepAlive", { idleSeconds: 0.5 }, RangeError],
    ];
    for (const [name, value, kind] of bad) {
      const error = assertThrows(() => tcp.setOptions({ noDelay: true, [name]: value }), kind);
      assert(error.message.includes(name), error.message);
    }
    // All are checked before the first is set.
    assertEquals(tcp.option("noDelay"), false);
  });

  it("what the system refuses is an error with the option and the socket", () => {
    using udp = SocketHandle.udp();
    const error = assertThrows(() => udp.setOptions({ noDelay: true }), Win32Error) as Win32Error;
    assertEquals(error.call, "setsockopt");
    assert(error.message.includes("noDelay of UDP socket"), error.message);
    const read = assertThrows(() => udp.option("noDelay"), Win32Error) as Win32Error;
    assertEquals(read.call, "getsockopt");
    assert(read.message.includes("noDelay of UDP socket"), read.message);
  });

  itUnless(
    isWine && "Wine has two codes for it",
    "asking for an option that there is not is refused as setting it is",
    () => {
      using udp = SocketHandle.udp();
      const codes = [() => udp.setOptions({ noDelay: true }), () => udp.option("noDelay")]
        .map((work) => (assertThrows(work, Win32Error) as Win32Error).code);
      assertEquals(codes[0], codes[1]);
    },
  );

  it("a closed socket has no options: ERROR_INVALID_HANDLE", () => {
    const socket = SocketHandle.udp();
    socket.close();
    assertThrows(() => socket.setOptions({ broadcast: true }), Error, "ERROR_INVALID_HANDLE");
    assertThrows(() => socket.option("broadcast"), Error, "ERROR_INVALID_HANDLE");
  });

  it("a socket whose options are refused is not left open", () => {
    assertThrows(() => SocketHandle.udp({ noDelay: true }), Win32Error);
    assertThrows(() => SocketHandle.udp({ hopLimit: 0 }), RangeError);
  });

  itUnless(unlessLinux, "Unix-domain: credentials, and buffers", () => {
    using socket = SocketHandle.unix({ credentials: true });
    assertEquals(socket.option("credentials"), true);
    socket.setOptions({ credentials: false, sendBufferBytes: 32_768 });
    assertEquals([socket.option("credentials"), socket.option("sendBufferBytes")], [false, 32_768]);
    assertThrows(() => socket.setOptions({ hopLimit: 1 }), TypeError);
  });
});

/** A group for this computer only, by the interface that is the computer itself. */
const GROUP = "239.255.83.51";

describe("groups", () => {
  it("IPv4: a member gets what is sent to the group, until it leaves", () => {
    using udp = new Datagrams();
    const member = udp.udp({}, { hostname: "0.0.0.0", port: 0 });
    const { port } = member.localAddress as NetAddress;
    const sender = udp.udp({ multicastInterface: "127.0.0.1", multicastHopLimit: 0 });
    member.joinGroup(GROUP, "127.0.0.1");
    udp.send(sender, "to all", { hostname: GROUP, port });
    assertEquals(udp.receive(member, 16), ["to all", sender.localAddress]);
    member.leaveGroup(GROUP, "127.0.0.1");
    udp.send(sender, "to nobody", { hostname: GROUP, port });
    udp.send(sender, "to it", { hostname: "127.0.0.1", port });
    assertEquals(udp.receive(member, 16)[0], "to it");
  });

  it("two members with the same address both get it", () => {
    using udp = new Datagrams();
    const first = udp.udp({ reuseAddress: true }, { hostname: "0.0.0.0", port: 0 });
    const address = first.localAddress as NetAddress;
    const second = udp.udp({ reuseAddress: true }, address);
    for (const member of [first, second]) member.joinGroup(GROUP, "127.0.0.1");
    const sender = udp.udp({ multicastInterface: "127.0.0.1" });
    udp.send(sender, "x", { hostname: GROUP, port: address.port });
    assertEquals(udp.receive(first, 8)[0], "x");
    assertEquals(udp.receive(second, 8)[0], "x");
  });

  itUnless(
    unlessLinux,
    "an interface by its index and by its name, of either system's making",
    () => {
      using udp = new Datagrams();
      const member = udp.udp({}, { hostname: "0.0.0.0", port: 0 });
      const { port } = member.localAddress as NetAddress;
      for (const name of [1, "1", "lo", "127.0.0.1"]) {
        const sender = udp.udp({ multicastInterface: name });
        member.joinGroup(GROUP, name);
        udp.send(sender, "x", { hostname: GROUP, port });
        assertEquals(udp.receive(member, 8)[0], "x");
        member.leaveGroup(GROUP, name);
      }
    },
  );

  const outside = Object.values(networkInterfaces()).flat().find((found) =>
    found !== undefined && !found.internal && found.family === "IPv6" && found.scopeid > 0
  ) as { scopeid: number } | undefined;

  itUnless(
    outside === undefined && "no network interface here speaks IPv6",
    "IPv6: a member gets what is sent to the group, by the interface behind the %",
    () => {
      using udp = new Datagrams();
      const index = outside!.scopeid;
      const member = udp.udp({ family: "ipv6" }, { hostname: "::", port: 0 });
      const { port } = member.localAddress as NetAddress;
      // Of this computer only, whatever the interface is.
      const group = "ff01::8351";
      const sender = udp.udp({ family: "ipv6", multicastInterface: index, multicastHopLimit: 0 }, {
        hostname: "::",
        port: 0,
      });
      member.joinGroup(`${group}%${index}`);
      udp.send(sender, "six", { hostname: `${group}%${index}`, port });
      const [text, from] = udp.receive(member, 8);
      assertEquals([text, (from as NetAddress).port], [
        "six",
        (sender.localAddress as NetAddress).port,
      ]);
      member.leaveGroup(group, index);
    },
  );

  itUnless(
    isWine && "Wine says 10022",
    "nobody leaves what it is not in: WSAEADDRNOTAVAIL (10049), and the group is named",
    () => {
      using udp = SocketHandle.udp();
      const error = assertThrows(
        () => udp.leaveGroup(GROUP, "127.0.0.1"),
        Win32Error,
      ) as Win32Error;
      assertEquals(error.code, 10049);
      assert(error.message.includes(GROUP), error.message);
      using udp6 = SocketHandle.udp({ family: "ipv6" });
      const error6 = assertThrows(() => udp6.leaveGroup("ff01::8351"), Win32Error) as Win32Error;
      assertEquals(error6.code, 10049);
    },
  );

  it("an address that is no group's, or of another family, is a TypeError", () => {
    using udp = SocketHandle.udp();
    using udp6 = SocketHandle.udp({ family: "ipv6" });
    for (const group of ["127.0.0.1", "223.255.255.255", "240.0.0.1", "ff02::1", "all", ""]) {
      assertThrows(() => udp.joinGroup(group), TypeError, "group");
      assertThrows(() => udp.leaveGroup(group), TypeError, "group");
    }
    for (const group of ["::1", "fe80::1", "ff02", ""]) {
      assertThrows(() => udp6.joinGroup(group), TypeError, "group");
    }
    assertThrows(() => udp.joinGroup(GROUP, "no such interface"), Win32Error);
  });
});
