import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as ledger from "../../src/core/ledger.ts";
import * as limits from "../../src/core/limits.ts";
import { view } from "../../src/ffi/memory.ts";
import * as layout from "../../src/system/linux/layout.ts";
import {
  CompletionEntries,
  ENTRY_WORDS,
  OVERLAPPED_BYTES,
  system,
} from "../../src/system/system.ts";

describe("OVERLAPPED_ENTRY", () => {
  it("is 32 bytes: key at 0, overlapped at 8, status at 16, bytes at 24; low half first", () => {
    assertEquals([ENTRY_WORDS * 4, OVERLAPPED_BYTES], [32, 32]);
    const { value: address } = system.virtualAlloc(64);
    try {
      const entries = new CompletionEntries(address, 2);
      const fields = new DataView(view(address, 64));
      for (const index of [0, 1]) {
        const at = index * 32;
        fields.setBigUint64(at, 0x1F_FFFF_8000_0001n, true);
        fields.setBigUint64(at + 8, 0x0000_7FFF_FFFF_FFF0n, true);
        fields.setUint32(at + 16, 0xC0000011, true);
        fields.setUint32(at + 20, 0xCCCCCCCC, true); // case 36: not defined
        fields.setUint32(at + 24, 0xFFFFFFFF, true);
        fields.setUint32(at + 28, 11, true);
        assertEquals(entries.key(index), 0x1F_FFFF_8000_0001);
        assertEquals(entries.overlapped(index), 0x7FFF_FFFF_FFF0);
        assertEquals([entries.status(index), entries.bytes(index)], [0xC0000011, 0xFFFFFFFF]);
        assertEquals(entries.errno(index), 11);
      }
      assertEquals([entries.capacity, entries.address, entries.removed], [2, address, 0]);
    } finally {
      system.virtualFree(address, 64);
    }
  });
});

describe("OVERLAPPED", () => {
  it("begins each operation's place: Internal at 0, Offset at 16, nothing of ours in its 32 bytes", () => {
    assertEquals([ledger.O_INTERNAL * 4, ledger.O_OFFSET * 4], [0, 16]);
    const own = Object.entries(ledger).filter(([name]) =>
      /^O_/.test(name) || name === "GENERATION"
    );
    for (const [name, at] of own) {
      const isOfWindows = name === "O_INTERNAL" || name === "O_OFFSET";
      assert(isOfWindows || typeof at === "number" && at * 4 >= OVERLAPPED_BYTES, name);
    }
  });

  it("is aligned to 8 bytes in every place", () => {
    const { address, operations } = ledger.ledger();
    const place = operations.acquire();
    try {
      assertEquals([address % 4096, (address + place * 4) % 8], [0, 0]);
      assertEquals(ledger.OPERATION_WORDS * 4 % 8, 0);
    } finally {
      operations.release(place);
    }
  });
});

describe("the engine's tables on Linux", () => {
  const tables = [
    [layout.THREAD_BITMAP, layout.MAX_THREADS / 32],
    [layout.PORT_BITMAP, layout.MAX_PORTS / 32],
    [layout.HANDLE_BITMAP, layout.MAX_HANDLES / 32],
    [layout.REQUEST_BITMAP, layout.MAX_REQUESTS / 32],
    [layout.VECTOR_BITMAP, layout.MAX_VECTORS / 32],
    [layout.LOCK_BITMAP, layout.MAX_LOCKS / 32],
    [layout.LOCKED_FILE_BITMAP, layout.MAX_LOCKED_FILES / 32],
    [layout.THREADS, layout.MAX_THREADS * layout.THREAD_WORDS],
    [layout.PORTS, layout.MAX_PORTS * layout.PORT_WORDS],
    [layout.HANDLES, layout.MAX_HANDLES * layout.HANDLE_WORDS],
    [layout.REQUESTS, layout.MAX_REQUESTS * layout.REQUEST_WORDS],
    [layout.ANNEXES, layout.MAX_REQUESTS * layout.ANNEX_WORDS],
    [layout.VECTORS, layout.MAX_VECTORS * layout.VECTOR_WORDS],
    [layout.LOCKS, layout.MAX_LOCKS * layout.LOCK_WORDS],
    [layout.LOCKED_FILES, layout.MAX_LOCKED_FILES * layout.LOCKED_FILE_WORDS],
  ];

  it("lie one behind the other, without overlap, and end before the queues", () => {
    for (const [index, [begin, words]] of tables.entries()) {
      const next = tables[index + 1]?.[0] ?? layout.TABLE_BYTES / 4;
      assert(begin + words <= next, `table ${index}`);
    }
    assertEquals(layout.TABLE_BYTES % 4096, 0);
    assertEquals(layout.TABLE_BYTES + layout.MAX_PORTS * layout.QUEUE_BYTES, layout.REGION_BYTES);
  });

  it("have room in each place for all its words", () => {
    const sizes = {
      T: layout.THREAD_WORDS,
      P: layout.PORT_WORDS,
      H: layout.HANDLE_WORDS,
      R: layout.REQUEST_WORDS,
      X: layout.ANNEX_WORDS,
      W: layout.ANNEX_WORDS,
      F: layout.LOCKED_FILE_WORDS,
      L: layout.LOCK_WORDS,
    };
    for (const [name, at] of Object.entries({ ...layout, ...{} })) {
      const size = sizes[name.split("_")[0] as keyof typeof sizes];
      if (name[1] !== "_" || typeof at !== "number" || size === undefined) continue;
      assert(at >= 0 && at < size, name);
    }
    // struct io_uring_params is 120 bytes.
    assert(layout.P_RING_PARAMS + 30 <= layout.PORT_WORDS);
    assert(layout.T_PACKET + layout.PACKET_WORDS <= layout.T_MUTEX);
    // pthread_mutex_t is 40 bytes on x86-64 and 48 on arm64; timespec 16, io_uring_getevents_arg 24.
    assert(layout.T_MUTEX + 12 <= layout.T_TIMESPEC && layout.T_TIMESPEC + 4 <= layout.T_GETEVENTS);
    assert(layout.T_GETEVENTS + 6 <= layout.THREAD_WORDS);
    assertEquals(layout.PACKET_WORDS * 4, OVERLAPPED_BYTES);
  });

  it("the limits of the core are those of the engine", () => {
    assertEquals(
      [limits.MAX_THREADS, limits.MAX_PORTS, limits.MAX_QUEUED, limits.MAX_VECTOR],
      [layout.MAX_THREADS, layout.MAX_PORTS, layout.MAX_QUEUE, layout.MAX_VECTOR_LENGTH],
    );
    // A place of the core is reached first: its error is the one that names the limit.
    assert(limits.MAX_HANDLES + limits.MAX_PORTS < layout.MAX_HANDLES);
    assert(limits.MAX_OPERATIONS <= layout.MAX_REQUESTS);
  });

  it("a queue's sizes are powers of two, so that its places are found by masking", () => {
    for (const size of [layout.FIRST_QUEUE, layout.MAX_QUEUE]) {
      assertEquals(size & size - 1, 0);
    }
  });
});

describe("the core's tables", () => {
  it("lie one behind the other in whole pages, and a place is of one table only", () => {
    const { operations, handles, buffers, ports, words, byteLength } = ledger.ledger();
    assertEquals([words.byteLength, byteLength % 65536], [byteLength, 0]);
    const tables = [operations, handles, buffers, ports];
    const places = tables.map((table) => table.acquire());
    try {
      for (const [index, table] of tables.entries()) {
        assertEquals(
          tables.map((other) => other.isPlace(places[index])),
          tables.map((other) => other === table),
        );
        for (const wrong of [places[index] + 1, places[index] + 0.5, -1, NaN, Infinity]) {
          assertEquals(table.isPlace(wrong), false);
        }
      }
    } finally {
      tables.forEach((table, index) => table.release(places[index]));
    }
  });

  it("a place's generation is new in each life, and odd lives only are live", () => {
    const { buffers, words } = ledger.ledger();
    const place = buffers.acquire();
    const first = words[place + ledger.GENERATION];
    assertEquals(buffers.isLive(place, first), true);
    buffers.release(place);
    assertEquals([buffers.isLive(place, first), buffers.isLive(place, first + 1)], [false, false]);
  });

  it("numbers of 53 bits survive in two words; counts carry over", () => {
    const words = new Int32Array(4);
    for (
      const value of [
        0,
        1,
        -1,
        2 ** 31,
        2 ** 32 - 1,
        2 ** 32,
        2 ** 53 - 1,
        -(2 ** 53 - 1),
        -(2 ** 32),
      ]
    ) {
      ledger.writeNumber(words, 1, value);
      assertEquals(ledger.readNumber(words, 1), value);
    }
    assertEquals([words[0], words[3]], [0, 0]);
    ledger.writeNumber(words, 1, 2 ** 32 - 2);
    ledger.addToCount(words, 1, 5);
    assertEquals(ledger.readNumber(words, 1), 2 ** 32 + 3);
  });
});
