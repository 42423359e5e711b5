/**
 * A thread that ends in the middle of starting a file's reads, or of seeing to their results, at
 * every single store: each read has one packet, and no place is given twice.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { CompletionPort } from "../../../mod.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { type Port, portAt } from "../../../src/system/linux/port.ts";
import { region } from "../../../src/system/linux/region.ts";
import { STATUS_END_OF_FILE } from "../../../src/system/linux/transfers.ts";
import { ERROR_IO_PENDING, system } from "../../../src/system/system.ts";
import { Folder, isLinux, itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { type Memory, Raw } from "../../conformance/raw.ts";
import { Mortal } from "./breaking.ts";

/** Steps of the longest case, and more. */
const MOST_STEPS = 3000;

/** How long a thing may take that happens soon or never. */
const HANGS_AFTER_MS = 10_000;

const CONTENT = "abcdefgh";
const END = CONTENT.length;

/** A port, a file on it, and a thread that ends at some step of what it does with them. */
class Bench extends Raw {
  readonly mortal: Mortal;
  readonly #handle: number = this.port();
  readonly #file: number;
  readonly #port: Port;
  readonly #buffer: Memory = this.memory(64);
  readonly #entries = this.entries(16);

  constructor(path: string, step: number) {
    super();
    this.#file = this.associated(path, this.#handle, 7);
    const place = region().words[findHandle(this.#handle) + layout.H_FD] - 1;
    this.mortal = new Mortal(place, step);
    this.#port = portAt(place);
  }

  /** Starts a read of two bytes at each of the offsets, together. Returns their OVERLAPPEDs. */
  start(...offsets: number[]): number[] {
    system.gatherOperations();
    const started = offsets.map((offset) => {
      const { address, words } = this.overlapped();
      words[4] = offset;
      this.read(address);
      return address;
    });
    system.submitOperations();
    return started;
  }

  read(overlapped: number): void {
    const answer = system.readFile(this.#file, this.#buffer.address, 2, overlapped);
    assertEquals(answer, ERROR_IO_PENDING);
  }

  /** The mortal thread sees to what has completed; all that was started has. */
  reap(): void {
    assert(this.#port.engine().hasCompletions());
    this.mortal.reap();
  }

  /** So many packets: their OVERLAPPEDs, statuses and bytes, in order. */
  take(count: number): [overlapped: number, status: number, bytes: number][] {
    const packets: [number, number, number][] = [];
    const entries = this.#entries;
    while (packets.length < count) {
      assertEquals(
        system.getQueuedCompletionStatusEx(this.#handle, entries, 16, HANGS_AFTER_MS),
        0,
      );
      for (let i = 0; i < entries.removed; i++) {
        packets.push([entries.overlapped(i), entries.status(i), entries.bytes(i)]);
      }
    }
    return packets;
  }

  /** Whether a packet has come or will. */
  get isStarted(): boolean {
    const { at, queue } = this.#port;
    return region().words[at + layout.P_IN_FLIGHT] > 0 || queue.queued() > 0;
  }

  /** Nothing is in flight, and every place that waits to be used again is there once. */
  assertIdle(): void {
    const { words, requests } = region();
    const { at } = this.#port;
    const handle = findHandle(this.#file);
    assertEquals(
      [at + layout.P_IN_FLIGHT, handle + layout.H_IN_FLIGHT, handle + layout.H_NEWEST].map(
        (word) => words[word],
      ),
      [0, 0, 0],
    );
    const idle = new Set<number>();
    for (let next = words[at + layout.P_IDLE]; next !== 0; next = words[next + layout.R_NEWER]) {
      assert(!idle.has(next), "a place is there twice");
      idle.add(next);
      assertEquals(words[next + layout.R_STATE], 0);
      assert(requests.has(layout.requestPlace(next)));
    }
  }
}

function withoutRing(): string | false {
  if (!isLinux) return unlessLinux;
  using port = new CompletionPort();
  return !port.engine.startsWith("io_uring") &&
    "without a ring the starting thread carries them out";
}

const unlessRing = withoutRing();

/** Makes the thread end at each step, until it has done all there is to do. */
function atEachStep(round: (bench: Bench) => void): void {
  using folder = new Folder();
  const path = folder.file("data.bin", CONTENT);
  let step = 1;
  for (; step < MOST_STEPS; step++) {
    using bench = new Bench(path, step);
    try {
      round(bench);
      bench.assertIdle();
    } catch (error) {
      throw new Error(`Ended at step ${step}: ${error}`, { cause: error });
    }
    if (bench.mortal.isAlive) break;
  }
  assertGreater(step, 20);
  assert(step < MOST_STEPS, "it never comes to its end");
}

describe("promise 8: whoever sees to a file's reads ends at any step", () => {
  const whole = (overlapped: number) => [overlapped, 0, 2];
  const ended = (overlapped: number) => [overlapped, STATUS_END_OF_FILE, 0];

  itUnless(unlessRing, "each of several has one packet, in their order", () => {
    atEachStep((bench) => {
      const first = bench.start(0, 2, 4);
      bench.reap();
      assertEquals(bench.take(3), first.map(whole));
      const second = bench.start(6, 0, 2, 4, 6);
      assertEquals(bench.take(5), second.map(whole));
    });
  });

  itUnless(unlessRing, "also if one of them comes to more than its packet", () => {
    atEachStep((bench) => {
      const [a, b, c, d, e] = bench.start(0, END, 2, END + 1, 4);
      bench.reap();
      assertEquals(bench.take(5), [whole(a), ended(b), whole(c), ended(d), whole(e)]);
      const again = bench.start(6, 0);
      assertEquals(bench.take(2), again.map(whole));
    });
  });

  itUnless(
    unlessRing,
    "one that only comes to its beginning is closed with it or has a packet",
    () => {
      atEachStep((bench) => {
        const { address } = bench.overlapped();
        bench.mortal.run(() => bench.read(address));
        if (bench.isStarted) assertEquals(bench.take(1)[0][0], address);
        const again = bench.start(0, 2, 4);
        assertEquals(bench.take(3), again.map(whole));
      });
    },
  );
});
