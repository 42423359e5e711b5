import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "../../src/system/literals.ts";
import { chooseSeed, randomFrom } from "../conformance/random.ts";

function textOf(text: string): string | null {
  const bytes = parseIPv6(text);
  return bytes === null ? null : formatIPv6(bytes);
}

describe("addresses as text", () => {
  it("IPv4: four numbers, and nothing that could mean something else", () => {
    assertEquals(parseIPv4("192.0.2.255"), new Uint8Array([192, 0, 2, 255]));
    assertEquals(formatIPv4(new Uint8Array([9, 0, 10, 0, 255]), 1), "0.10.0.255");
    for (
      const text of ["", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.", ".1.2.3", "01.2.3.4"]
    ) assertEquals(parseIPv4(text), null, text);
    for (const text of ["1.2.3.0x4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.-4", "1e1.2.3.4", "١.2.3.4"]) {
      assertEquals(parseIPv4(text), null, text);
    }
  });

  it("IPv6: the examples of RFC 4291 and RFC 5952", () => {
    const rows: [text: string, written: string][] = [
      ["::", "::"],
      ["::1", "::1"],
      ["1::", "1::"],
      ["ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"],
      ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
      ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"],
      ["::ffff:0:1.2.3.4", "::ffff:0:102:304"],
      ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
      ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
    ];
    for (const [text, written] of rows) assertEquals(textOf(text), written, text);
  });

  it("IPv6: what is none", () => {
    const rows = ["", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::12345"];
    rows.push("g::", "1:2:3:4:5:6:7::8:9", "1:2:3:4:5:6:7:8::", ":1::", "::1:", "1.2.3.4");
    rows.push("1.2.3.4::", "::1.2.3.4:5", "::1.2.3", "fe80::1%2", "[::1]", "1:2:3:4:5:6:7:1.2.3.4");
    for (const text of rows) assertEquals(parseIPv6(text), null, text);
    assertEquals(parseIPv6("1:2:3:4:5:6:7::") === null, false);
    assertEquals(parseIPv6("::2:3:4:5:6:7:8") === null, false);
  });

  it("20,000 random texts are addresses where the runtime says so, and what is written reads back", () => {
    const random = randomFrom(chooseSeed("addresses as text"));
    const pieces = ["0", "1", "ff", "ffff", "12345", ":", ":", "::", ":", ".", "1.2.3.4", "a", "g"];
    let valid = 0;
    for (let round = 0; round < 20_000; round++) {
      let text = "";
      if (random(2) === 0) {
        const length = 8 - random(3);
        text = Array.from({ length }, () => random(3) === 0 ? "0" : random(65536).toString(16))
          .join(":");
        if (random(2) === 0) text = text.replace(/(:0)+:/, "::");
      } else for (let i = 1 + random(12); i > 0; i--) text += pieces[random(pieces.length)];
      assertEquals(parseIPv4(text) !== null, isIPv4(text), text);
      const bytes = parseIPv6(text);
      assertEquals(bytes !== null, isIPv6(text), text);
      if (bytes === null) continue;
      valid++;
      assertEquals(isIP(formatIPv6(bytes)), 6);
      assertEquals(parseIPv6(formatIPv6(bytes)), bytes);
    }
    assertEquals(valid > 1000, true);
  });
});
