/**
 * A thread that ends in the middle of what it does under the lock, at every single store: whoever
 * takes the lock next goes on with it.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import type { NativeBuffer, Packet, PipeHandle } from "../../../mod.ts";
import { ledger, P_SYSTEM, readNumber } from "../../../src/core/ledger.ts";
import { timeoutBytes } from "../../../src/handles/serial-settings.ts";
import { endCalls } from "../../../src/system/linux/adoption.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { portAt } from "../../../src/system/linux/port.ts";
import { region } from "../../../src/system/linux/region.ts";
import { countOf } from "../../../src/system/linux/tail.ts";
import { self } from "../../../src/system/linux/threads.ts";
import { type CompletionEntries, ERROR_IO_PENDING, system } from "../../../src/system/system.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { Pipes } from "../../conformance/pipes.ts";
import { Pty } from "../../conformance/pty.ts";
import { type Memory, Raw } from "../../conformance/raw.ts";
import { Mortal } from "./breaking.ts";

/** What one packet of a message holds; see `pipe-sockets.ts`. */
const PACKET = 65532;

/** Steps of the longest case, and more. */
const MOST_STEPS = 3000;

/** How long a thing may take that happens soon or never. */
const HANGS_AFTER_MS = 10_000;

// Tags.
const A_READ = 1;
const ANOTHER_READ = 2;
const A_WRITE = 3;
const ANOTHER_WRITE = 4;

/** A pipe, and a thread that ends at some step of what it sees to. */
class Bench extends Pipes {
  readonly #mortal: Mortal;
  readonly server: PipeHandle;
  readonly client: PipeHandle;

  constructor(step: number, type: "byte" | "message") {
    super();
    [this.server, this.client] = this.pair({ type });
    const at = findHandle(readNumber(ledger().words, this.port.token.place + P_SYSTEM));
    const place = region().words[at + layout.H_FD] - 1;
    this.#mortal = new Mortal(place, step);
  }

  get isAlive(): boolean {
    return this.#mortal.isAlive;
  }

  /** So many packets, by their tags. Until all are queued, only the mortal thread sees to anything. */
  results(count: number): Map<number, Packet> {
    this.#mortal.reapUntil(count);
    return this.takeMany(count);
  }
}

function outcome(packets: Map<number, Packet>, tag: number): [code: number, bytes: number] {
  const { error, bytesTransferred } = packets.get(tag)!;
  return [error?.code ?? 0, bytesTransferred];
}

function text({ bytes }: NativeBuffer, length: number): string {
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** Bytes that are different wherever a packet may begin. */
function pattern(buffer: NativeBuffer): NativeBuffer {
  for (let index = 0; index < buffer.bytes.length; index++) buffer.bytes[index] = index % 251;
  return buffer;
}

/** The engine that ports of these tests have. */
function engineOfPipes(): string {
  using pipes = new Pipes();
  pipes.serve();
  return pipes.port.engine.split(":")[0];
}

function assertSame(from: NativeBuffer, into: NativeBuffer): void {
  const { length } = from.bytes;
  assert(Buffer.compare(from.bytes, into.bytes.subarray(0, length)) === 0, "other bytes");
}

/** Makes the thread end at each step, until it has done all there is to do. */
function atEachStep(type: "byte" | "message", round: (bench: Bench) => void): void {
  let step = 1;
  for (; step < MOST_STEPS; step++) {
    using bench = new Bench(step, type);
    try {
      round(bench);
    } catch (error) {
      throw new Error(`Ended at step ${step}: ${error}`, { cause: error });
    }
    assertEquals(bench.port.counters.inFlight, 0);
    if (bench.isAlive) break;
  }
  assertGreater(step, 20);
  assert(step < MOST_STEPS, "it never comes to its end");
}

describe("promise 8: whoever sees to a pipe ends at any step", () => {
  const unlessRing = unlessLinux || engineOfPipes() === "epoll" &&
      "without io_uring the threads that start them carry all of it out";

  itUnless(unlessLinux, "reads of messages: each message goes to one read, whole", () => {
    atEachStep("message", (bench) => {
      const [first, second] = [bench.buffer(8), bench.buffer(8)];
      bench.server.read(first, A_READ);
      bench.server.read(second, ANOTHER_READ);
      bench.client.write(bench.buffer("one"), A_WRITE);
      bench.client.write(bench.buffer("two2"), ANOTHER_WRITE);
      const packets = bench.results(4);
      assertEquals(
        [A_READ, ANOTHER_READ, A_WRITE, ANOTHER_WRITE].map((tag) => outcome(packets, tag)),
        [
          [0, 3],
          [0, 4],
          [0, 3],
          [0, 4],
        ],
      );
      assertEquals([text(first, 3), text(second, 4)], ["one", "two2"]);
    });
  });

  itUnless(
    unlessLinux,
    "a read without room: 234, and the next one goes on where it was left",
    () => {
      atEachStep("message", (bench) => {
        const [first, second] = [bench.buffer(2), bench.buffer(8)];
        bench.server.read(first, A_READ);
        bench.server.read(second, ANOTHER_READ);
        bench.client.write(bench.buffer("abcde"), A_WRITE);
        const packets = bench.results(3);
        assertEquals([outcome(packets, A_READ), outcome(packets, ANOTHER_READ)], [[234, 2], [
          0,
          3,
        ]]);
        assertEquals([text(first, 2), text(second, 3)], ["ab", "cde"]);
      });
    },
  );

  itUnless(unlessLinux, "an empty message is read and written once", () => {
    atEachStep("message", (bench) => {
      const [first, second] = [bench.buffer(2), bench.buffer(2)];
      bench.server.read(first, A_READ);
      bench.server.read(second, ANOTHER_READ);
      bench.client.write(bench.buffer(1).subarray(0, 0), A_WRITE);
      bench.client.write(bench.buffer("x"), ANOTHER_WRITE);
      const packets = bench.results(4);
      assertEquals([outcome(packets, A_READ), outcome(packets, ANOTHER_READ)], [[0, 0], [0, 1]]);
    });
  });

  itUnless(unlessLinux, "a message of several packets, longer than what the socket holds", () => {
    atEachStep("message", (bench) => {
      const length = 3 * PACKET + 7;
      const from = pattern(bench.buffer(length));
      const into = bench.buffer(length + 1);
      bench.server.read(into, A_READ);
      bench.client.write(from, A_WRITE);
      const packets = bench.results(2);
      assertEquals([outcome(packets, A_READ), outcome(packets, A_WRITE)], [[0, length], [
        0,
        length,
      ]]);
      assertSame(from, into);
    });
  });

  itUnless(unlessRing, "bytes: none is lost, none comes twice", () => {
    atEachStep("byte", (bench) => {
      const length = 250_000;
      const from = pattern(bench.buffer(length));
      const into = bench.buffer(length);
      bench.client.write(from, A_WRITE);
      let done = 0;
      let isWritten = false;
      while (done < length) {
        bench.server.read(into.subarray(done), A_READ);
        const packets = bench.results(1);
        if (packets.has(A_WRITE)) isWritten = true;
        if (!packets.has(A_READ)) packets.set(A_READ, bench.results(1).get(A_READ)!);
        done += outcome(packets, A_READ)[1];
      }
      if (!isWritten) assertEquals(outcome(bench.results(1), A_WRITE), [0, length]);
      assertSame(from, into);
    });
  });

  itUnless(unlessLinux, "a transaction: one request and its reply", () => {
    atEachStep("message", (bench) => {
      const [request, reply] = [bench.buffer(8), bench.buffer(8)];
      bench.server.read(request, A_READ);
      bench.client.transact(bench.buffer("ask"), reply, ANOTHER_READ);
      assertEquals(outcome(bench.results(1), A_READ), [0, 3]);
      bench.server.write(bench.buffer("told"), A_WRITE);
      const packets = bench.results(2);
      assertEquals([outcome(packets, ANOTHER_READ), outcome(packets, A_WRITE)], [[0, 4], [0, 4]]);
      assertEquals([text(request, 3), text(reply, 4)], ["ask", "told"]);
    });
  });
});

describe("promise 8: whoever starts a read of a serial line ends at any step", () => {
  /** Two reads of a line, which end after a millisecond. True if the first one was started without an end. */
  function endAt(step: number): boolean {
    using raw = new Raw();
    using pty = new Pty();
    const port = raw.port();
    const { value: line } = system.openCommPort(pty.path);
    raw.own(line);
    assertEquals(system.createIoCompletionPort(line, port, 1, 0).code, 0);
    system.setCommTimeouts(line, timeoutBytes({ readConstant: 1 }));
    const entries = raw.entries(4);
    const buffer = raw.memory(16).address;
    const [first, second] = [raw.overlapped(), raw.overlapped()];
    const place = region().words[findHandle(port) + layout.H_FD] - 1;
    const { at } = portAt(place);
    const mortal = new Mortal(place, step);
    mortal.run(() => system.readFile(line, buffer, 8, first.address));
    // Who buries it looks at every request, also at one that it had only begun.
    endCalls(layout.placeOf(self()));
    const { words } = region();
    const isStarted = words[at + layout.P_IN_FLIGHT] > 0 ||
      countOf(words[at + layout.P_TAIL], words[at + layout.P_HEAD]) > 0;
    if (isStarted) take(port, entries, first);
    assertEquals(system.readFile(line, buffer, 8, second.address), ERROR_IO_PENDING);
    take(port, entries, second);
    assertEquals(words[at + layout.P_IN_FLIGHT], 0);
    return mortal.isAlive;
  }

  function take(port: number, entries: CompletionEntries, { address }: Memory): void {
    assertEquals(system.getQueuedCompletionStatus(port, entries, HANGS_AFTER_MS), 0);
    assertEquals(entries.overlapped(0), address);
  }

  itUnless(unlessLinux, "what was started has a packet, and so has the next read", () => {
    let step = 1;
    while (!endAt(step)) step++;
    assertGreater(step, 40);
  });
});
