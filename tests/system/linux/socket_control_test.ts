import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { ControlData } from "../../../src/system/contract-sockets.ts";
import { decodeControl, encodeControl } from "../../../src/system/linux/socket-control.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../../src/system/winsock.ts";
import { chooseSeed, randomFrom } from "../../conformance/random.ts";

/** A header and its data, as the kernel lays them out. */
function piece(level: number, type: number, ...words: number[]): number[] {
  const bytes = new Uint8Array(16 + Math.ceil(words.length / 2) * 8);
  const fields = new DataView(bytes.buffer);
  [16 + words.length * 4, 0, level, type, ...words].forEach((word, index) => {
    fields.setUint32(index * 4, word, true);
  });
  return [...bytes];
}

describe("control data on Linux", () => {
  it("IPv4: the address goes into the second field of in_pktinfo, and comes in the third", () => {
    const control = { packetInfo: { hostname: "1.2.3.4", interfaceIndex: 7 }, hopLimit: 9 };
    const there = [...piece(0, 8, 7, 0x04030201, 0), ...piece(0, 2, 9)];
    assertEquals([...encodeControl(AF_INET, control)], there);
    const came = new Uint8Array([...piece(0, 8, 7, 0x0101007f, 0x04030201), ...piece(0, 2, 9)]);
    assertEquals(decodeControl(0, came), control);
  });

  it("IPv6: the hop limit for either way; an IPv4 address as the one that stands for it", () => {
    const control = { packetInfo: { hostname: "::1", interfaceIndex: 1 }, hopLimit: 3 };
    const info = piece(41, 50, 0, 0, 0, 0x01000000, 1);
    assertEquals(
      [...encodeControl(AF_INET6, control)],
      [...info, ...piece(41, 52, 3), ...piece(0, 2, 3)],
    );
    assertEquals(decodeControl(0, new Uint8Array([...info, ...piece(41, 52, 3)])), control);
    const mapped = { packetInfo: { hostname: "1.2.3.4", interfaceIndex: 0 } };
    assertEquals(
      decodeControl(0, encodeControl(AF_INET6, mapped)).packetInfo?.hostname,
      "::ffff:1.2.3.4",
    );
  });

  it("Unix-domain: descriptors and credentials, of several headers together", () => {
    const credentials = { processId: 12, userId: 4294967294, groupId: 0 };
    const control = { descriptors: [0, 3, 1000], credentials };
    assertEquals(
      [...encodeControl(AF_UNIX, control)],
      [...piece(1, 1, 0, 3, 1000), ...piece(1, 2, 12, 4294967294, 0)],
    );
    assertEquals(decodeControl(0, encodeControl(AF_UNIX, control)), control);
    const twice = new Uint8Array([...piece(1, 1, 5), ...piece(1, 1, 6, 7)]);
    assertEquals(decodeControl(0, twice), { descriptors: [5, 6, 7] });
  });

  it("nothing is nothing", () => {
    assertEquals(encodeControl(AF_INET, {}).length, 0);
    assertEquals(encodeControl(AF_UNIX, { descriptors: [] }).length, 0);
    assertEquals(decodeControl(0, new Uint8Array(0)), {});
  });

  it("what a family cannot carry is refused by name", () => {
    const packetInfo = { hostname: "::1", interfaceIndex: 0 };
    const rows: [number, ControlData, string][] = [
      [AF_INET, { packetInfo }, "::1"],
      [AF_INET6, { packetInfo: { hostname: "here", interfaceIndex: 0 } }, "here"],
      [AF_UNIX, { packetInfo }, "packetInfo"],
      [AF_UNIX, { hopLimit: 1 }, "hopLimit"],
      [AF_INET, { descriptors: [1] }, "descriptors"],
      [AF_INET6, { credentials: { processId: 1, userId: 0, groupId: 0 } }, "credentials"],
      [AF_UNIX, { descriptors: new Array<number>(254).fill(0) }, "254"],
      [AF_UNIX, { descriptors: [-1] }, "descriptors"],
      [AF_UNIX, { descriptors: [1.5] }, "descriptors"],
    ];
    for (const [family, control, text] of rows) {
      const error = assertThrows(() => encodeControl(family, control), TypeError);
      assertEquals(error.message.includes(text), true, error.message);
    }
  });

  it("what is not known is left out, what is cut off ends it", () => {
    const other = piece(1, 29, 1, 2, 3, 4);
    const bytes = new Uint8Array([...other, ...piece(0, 2, 64), ...piece(41, 67, 1)]);
    assertEquals(decodeControl(0, bytes), { hopLimit: 64 });
    assertEquals(decodeControl(0, bytes.subarray(0, other.length + 12)), {});
    assertEquals(decodeControl(0, new Uint8Array([...piece(0, 2), ...piece(0, 8, 1)])), {});
    assertEquals(decodeControl(0, new Uint8Array(64)), {});
  });

  it("100,000 garbled buffers are read without an error and without an end that does not come", () => {
    const random = randomFrom(chooseSeed("garbled control data"));
    const whole = [...piece(0, 8, 1, 2, 3), ...piece(1, 1, 4, 5), ...piece(41, 50, 1, 2, 3, 4, 5)];
    for (let round = 0; round < 100_000; round++) {
      const bytes = new Uint8Array(whole);
      for (let flips = random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
      const found = decodeControl(0, bytes.subarray(0, bytes.length - random(bytes.length)));
      assertEquals((found.descriptors?.length ?? 0) <= 30, true);
    }
  });
});
