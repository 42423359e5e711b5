import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { NativeBuffer } from "../../mod.ts";
import { setWord } from "../../src/core/annex.ts";
import {
  addressAt,
  addressOf,
  MAX_UNIX_PATH_BYTES,
  sockaddrOf,
  type SocketAddress,
  type SocketFamily,
  textOf,
  writeSockaddr,
} from "../../src/handles/socket-addresses.ts";
import { itUnless, unlessLinux } from "../conformance/fixture.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";

function there(address: SocketAddress, family: SocketFamily): SocketAddress | null {
  return addressOf(sockaddrOf(address, family));
}

describe("addresses of sockets", () => {
  it("a SOCKADDR_IN: family, port and address the other way round", () => {
    assertEquals(
      sockaddrOf({ hostname: "192.0.2.1", port: 0x1234 }, "ipv4"),
      new Uint8Array([2, 0, 0x12, 0x34, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    );
  });

  it("a SOCKADDR_IN6 with Winsock's number on every system, and the interface at its end", () => {
    const bytes = sockaddrOf({ hostname: "fe80::1%258", port: 80 }, "ipv6");
    assertEquals(bytes.length, 28);
    assertEquals([...bytes.subarray(0, 8)], [23, 0, 0, 80, 0, 0, 0, 0]);
    assertEquals([...bytes.subarray(8, 10), bytes[23]], [0xfe, 0x80, 1]);
    assertEquals([...bytes.subarray(24)], [2, 1, 0, 0]);
    assertEquals(addressOf(bytes), { hostname: "fe80::1%258", port: 80 });
  });

  it("what is read is what was written", () => {
    for (const hostname of ["0.0.0.0", "255.255.255.255", "127.0.0.1"]) {
      const address = { hostname, port: 65535 };
      assertEquals(there(address, "ipv4"), address);
    }
    for (const hostname of ["::", "::1", "2001:db8::1", "::ffff:1.2.3.4", "fe80::1%4294967295"]) {
      const address = { hostname, port: 0 };
      assertEquals(there(address, "ipv6"), address);
    }
    for (const path of ["/run/a", "a", "é".repeat(53), "x".repeat(MAX_UNIX_PATH_BYTES)]) {
      assertEquals(there({ path }, "unix"), { path });
    }
    for (const path of ["\0name", "\0" + "x".repeat(MAX_UNIX_PATH_BYTES)]) {
      assertEquals(there({ path }, "unix"), { path });
    }
  });

  it("an IPv4 address on an IPv6 socket is the one that stands for it", () => {
    assertEquals(there({ hostname: "10.0.0.1", port: 1 }, "ipv6"), {
      hostname: "::ffff:10.0.0.1",
      port: 1,
    });
  });

  it("names, other families and broken ports are refused by name", () => {
    const bad: [unknown, SocketFamily, typeof TypeError | typeof RangeError, string][] = [
      [{ hostname: "localhost", port: 1 }, "ipv4", TypeError, "localhost"],
      [{ hostname: "localhost", port: 1 }, "ipv6", TypeError, "localhost"],
      [{ hostname: "::1", port: 1 }, "ipv4", TypeError, "::1"],
      [{ hostname: "[::1]", port: 1 }, "ipv6", TypeError, "[::1]"],
      [{ hostname: "127.1", port: 1 }, "ipv4", TypeError, "127.1"],
      [{ hostname: "", port: 1 }, "ipv4", TypeError, "IPv4"],
      [{ port: 1 }, "ipv4", TypeError, "hostname"],
      [{ path: "/x" }, "ipv4", TypeError, "/x"],
      [{ hostname: "127.0.0.1", port: 1 }, "unix", TypeError, "path"],
      [{ path: "" }, "unix", TypeError, "path"],
      [{ path: "a\0b" }, "unix", TypeError, "NUL"],
      [null, "ipv4", TypeError, "null"],
      ["127.0.0.1", "ipv4", TypeError, "127.0.0.1"],
      [{ path: "é".repeat(54) }, "unix", RangeError, "108 bytes"],
      [{ path: "x".repeat(MAX_UNIX_PATH_BYTES + 1) }, "unix", RangeError, "107"],
    ];
    for (const port of [-1, 65536, 1.5, NaN, "80", undefined]) {
      bad.push([{ hostname: "127.0.0.1", port }, "ipv4", RangeError, String(port)]);
    }
    for (const [address, family, kind, text] of bad) {
      const error = assertThrows(() => sockaddrOf(address as SocketAddress, family), kind);
      assertEquals(error.message.includes(text), true, error.message);
    }
  });

  itUnless(
    unlessLinux,
    "an interface by its name; one that is not there is an error with it",
    () => {
      const sockaddr = sockaddrOf({ hostname: "ff02::1%lo", port: 1 }, "ipv6");
      assertEquals(addressOf(sockaddr), { hostname: "ff02::1%1", port: 1 });
    },
  );

  it("an interface that does not exist: ERROR_FILE_NOT_FOUND with its name", () => {
    const error = assertThrows(() => sockaddrOf({ hostname: "fe80::1%nowhere", port: 1 }, "ipv6"));
    assertEquals((error as { code?: number }).code, 2);
    assertEquals((error as Error).message.includes("nowhere"), true);
    assertThrows(() => sockaddrOf({ hostname: "fe80::1%", port: 1 }, "ipv6"), TypeError);
    assertThrows(() => sockaddrOf({ hostname: "fe80::1%-1", port: 1 }, "ipv6"));
    assertThrows(() => sockaddrOf({ hostname: "fe80::1%4294967296", port: 1 }, "ipv6"));
  });

  it("a SOCKADDR that is none, or cut off, is no address; an empty path is a socket without one", () => {
    const bytes = (...values: number[]) => new Uint8Array(values);
    assertEquals(addressOf(bytes(99, 0, 1, 2, 3, 4, 5, 6, 7, 8)), null);
    assertEquals(addressOf(bytes(2, 0, 1, 2, 3)), null);
    assertEquals(addressOf(new Uint8Array(16)), null);
    assertEquals(addressOf(bytes(23, 0, ...new Array<number>(20).fill(0))), null);
    assertEquals(addressOf(bytes(2)), null);
    assertEquals(addressOf(bytes()), null);
    assertEquals(addressOf(bytes(1, 0)), { path: "" });
    assertEquals(addressOf(bytes(1, 0, 0, 0, 0, 0)), { path: "" });
    assertEquals(addressOf(bytes(1, 0, 47, 97)), { path: "/a" });
    assertEquals(addressOf(bytes(1, 0, 47, 97, 0, 98)), { path: "/a" });
  });

  it("in one word: brackets around IPv6, @ for a name that is in no file system", () => {
    assertEquals(textOf({ hostname: "192.0.2.1", port: 80 }), "192.0.2.1:80");
    assertEquals(textOf({ hostname: "::1", port: 80 }), "[::1]:80");
    assertEquals(textOf({ path: "/run/x" }), "/run/x");
    assertEquals(textOf({ path: "\0x" }), "@x");
  });

  it("10,000 addresses in native memory, many of them again: each is what was written there", () => {
    using memory = NativeBuffer.allocate(4096);
    const random = randomFrom(chooseSeed("addresses in memory"));
    for (let i = 0; i < 10_000; i++) {
      const family = (["ipv4", "ipv6", "unix"] as const)[random(3)];
      const port = random(4) === 0 ? random(65536) : random(3);
      const address: SocketAddress = family === "unix"
        ? { path: "/" + random(50) }
        : family === "ipv4"
        ? { hostname: `10.0.${random(2)}.${random(256)}`, port }
        : { hostname: `2001:db8::${(1 + random(1000)).toString(16)}`, port };
      const bytes = sockaddrOf(address, family);
      memory.bytes.fill(0xAA);
      writeSockaddr(memory.address, bytes);
      const found = addressAt(memory.address, bytes.length)!;
      assertEquals(found, address);
      // An answer goes to the same bytes, whether the address is remembered or not.
      assertEquals(sockaddrOf(found, family), bytes);
      assertEquals(Object.isFrozen(found) || family === "unix", true);
    }
  });

  it("an address that was received goes to a socket of the other family as if it were new", () => {
    using memory = NativeBuffer.allocate(64);
    writeSockaddr(memory.address, sockaddrOf({ hostname: "10.1.2.3", port: 9 }, "ipv4"));
    const found = addressAt(memory.address, 16)!;
    assertStrictEquals(addressAt(memory.address, 16), found);
    assertEquals(there(found, "ipv6"), { hostname: "::ffff:10.1.2.3", port: 9 });
    setWord(memory.address, 99);
    assertEquals(addressAt(memory.address, 16), null);
    assertEquals(addressAt(memory.address, 0), null);
  });
});
