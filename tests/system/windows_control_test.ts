import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { ControlData } from "../../src/system/contract.ts";
import { control } from "../../src/system/windows/socket-control.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../src/system/winsock.ts";

const { encodeControl, decodeControl } = control;

/** Bytes of words of 32 bits, the low byte first. */
function words(...values: number[]): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(new ArrayBuffer(values.length * 4));
  words.set(values);
  return new Uint8Array(words.buffer);
}

const LOOPBACK = { packetInfo: { hostname: "127.0.0.1", interfaceIndex: 7 } };
const LOOPBACK6 = { packetInfo: { hostname: "::1", interfaceIndex: 7 } };

describe("control data on Windows", () => {
  it("WSACMSGHDR: the length in eight bytes, level, type; then the data, aligned to 8", () => {
    // IPPROTO_IP, IP_PKTINFO: IN_PKTINFO of 8 bytes.
    const ipv4 = words(24, 0, 0, 19, 0x0100007F, 7);
    assertEquals(encodeControl(AF_INET, LOOPBACK), ipv4);
    assertEquals(decodeControl(0, ipv4), LOOPBACK);
    // IPPROTO_IPV6, IPV6_PKTINFO: IN6_PKTINFO of 20 bytes, and 4 to the next.
    const ipv6 = words(36, 0, 41, 19, 0, 0, 0, 0x01000000, 7, 0);
    assertEquals(encodeControl(AF_INET6, LOOPBACK6), ipv6);
    assertEquals(decodeControl(0, ipv6), LOOPBACK6);
  });

  it("a hop limit is IP_TTL or IPV6_HOPLIMIT, as the family says", () => {
    assertEquals(encodeControl(AF_INET, { hopLimit: 9 }), words(20, 0, 0, 4, 9, 0));
    assertEquals(encodeControl(AF_INET6, { hopLimit: 9 }), words(20, 0, 41, 21, 9, 0));
    // What newer systems may call IP_HOPLIMIT is read too.
    assertEquals(decodeControl(0, words(20, 0, 0, 21, 9, 0)), { hopLimit: 9 });
  });

  it("what was encoded is decoded, and nothing is nothing", () => {
    const all: [number, ControlData][] = [
      [AF_INET, { ...LOOPBACK, hopLimit: 64 }],
      [AF_INET6, { ...LOOPBACK6, hopLimit: 255 }],
      [AF_INET, {}],
    ];
    for (const [family, data] of all) {
      assertEquals(decodeControl(0, encodeControl(family, data)), data);
    }
    assertEquals(encodeControl(AF_INET, {}).length, 0);
  });

  it("what is unknown or cut off is passed over", () => {
    const known = words(20, 0, 0, 4, 9, 0);
    const unknown = words(17, 0, 0xFFFF, 1, 0xFF, 0);
    const both = new Uint8Array(new ArrayBuffer(unknown.length + known.length));
    both.set(unknown);
    both.set(known, unknown.length);
    assertEquals(decodeControl(0, both), { hopLimit: 9 });
    for (let length = 0; length < 20; length++) {
      assertEquals(decodeControl(0, known.slice(0, length)), {}, `${length} bytes`);
    }
    // A length that leads nowhere, also one of 0, ends it.
    for (const length of [0, 15, 21, 0xFFFFFFFF]) {
      assertEquals(decodeControl(0, words(length, 0, 0, 4, 9)), {}, `a length of ${length}`);
    }
    assertEquals(decodeControl(0, words(16, 0, 0, 19)), {});
  });

  it("what an IPv6 socket sends by IPv4 takes IPv4's item", () => {
    const expected = words(24, 0, 0, 19, 0x0100007F, 7);
    for (const hostname of ["127.0.0.1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1"]) {
      const packetInfo = { hostname, interfaceIndex: 7 };
      assertEquals(encodeControl(AF_INET6, { packetInfo }), expected, hostname);
    }
    const { packetInfo } = decodeControl(AF_INET6, expected);
    assertEquals(packetInfo, { hostname: "::ffff:127.0.0.1", interfaceIndex: 7 });
  });

  it("what the messages of a socket cannot carry is a TypeError that says so", () => {
    const wrong: [number, ControlData, string][] = [
      [AF_INET, { packetInfo: { hostname: "localhost", interfaceIndex: 0 } }, "localhost"],
      [AF_INET, LOOPBACK6, "no IPv4 address"],
      [AF_INET6, { packetInfo: { hostname: "1.2.3", interfaceIndex: 0 } }, "no IPv6 address"],
      [AF_UNIX, LOOPBACK, "Unix-domain"],
      [AF_UNIX, { hopLimit: 1 }, "Unix-domain"],
      [AF_INET, { descriptors: [] }, "descriptors"],
      [AF_UNIX, { credentials: { processId: 1, userId: 1, groupId: 1 } }, "credentials"],
    ];
    for (const [family, data, why] of wrong) {
      assertThrows(() => encodeControl(family, data), TypeError, why);
    }
  });
});
