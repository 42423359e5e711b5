import { assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { view } from "../../../src/ffi/memory.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import * as vectors from "../../../src/system/linux/vectors.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";

/** The vector as the kernel sees it: address and length of each buffer. */
function seen(request: number): number[][] {
  const length = vectors.vectorLength(request);
  const fields = new DataView(view(vectors.vectorAddress(request), length * 16));
  return Array.from({ length }, (_, i) => [
    Number(fields.getBigUint64(i * 16, true)),
    Number(fields.getBigUint64(i * 16 + 8, true)),
  ]);
}

describe("vectors", () => {
  for (const length of [1, 4, 5, 1024]) {
    itUnless(unlessLinux, `of ${length} buffers lose from their front what was transferred`, () => {
      const place = region().requests.acquire();
      const request = layout.REQUESTS + place * layout.REQUEST_WORDS;
      try {
        assertEquals(vectors.openVector(request, length), true);
        assertEquals(region().vectors.count(), length > 4 ? 1 : 0);
        for (let i = 0; i < length; i++) vectors.setBuffer(request, i, 2 ** 40 + i * 1000, 100);
        let left = Array.from({ length }, (_, i) => [2 ** 40 + i * 1000, 100]);
        assertEquals(seen(request), left);
        for (const bytes of [1, 99, 150, 0, 51]) {
          let rest = bytes;
          left = left.map(([address, length]) => {
            const part = Math.min(length, rest);
            rest -= part;
            return [address + part, length - part];
          });
          vectors.advanceVector(request, bytes);
          assertEquals(seen(request), left);
        }
      } finally {
        vectors.closeVector(request);
        region().requests.release(place);
      }
      assertEquals(region().vectors.count(), 0);
    });
  }
});
