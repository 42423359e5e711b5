/**
 * A thread that ends in the middle of what it does for a socket, at every single store: no client is
 * lost, and no datagram is lost or comes twice.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { libc, sockets, streams } from "../../../src/ffi/libc.ts";
import { word } from "../../../src/ffi/library.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { IN } from "../../../src/system/linux/rules.ts";
import {
  AF_UNIX,
  ERROR_IO_PENDING,
  SOCK_DGRAM,
  SOCK_STREAM,
  system,
} from "../../../src/system/system.ts";
import { Folder, itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { bytesOf, RawSockets, textIn } from "../../conformance/raw-sockets.ts";
import type { Memory } from "../../conformance/raw.ts";
import * as breaking from "./breaking.ts";

/** Steps of the longest case, and more. */
const MOST_STEPS = 3000;

/** How long a thing may take that happens soon or never. */
const HANGS_AFTER_MS = 10_000;

const OPERATION_ABORTED = 995;

type Result = [code: number, bytes: number];

/** Sockets, and a thread that ends at some step of what it sees to. */
class Bench extends RawSockets {
  readonly #mortal: breaking.Mortal;

  constructor(step: number) {
    super();
    this.#mortal = new breaking.Mortal(
      region().words[findHandle(this.onPort) + layout.H_FD] - 1,
      step,
    );
  }

  get isAlive(): boolean {
    return this.#mortal.isAlive;
  }

  /** What these come to. Until then only the mortal thread sees to anything. */
  results(...begun: Memory[]): Result[] {
    this.#mortal.reapUntil(begun.length);
    const packets = begun.map(() => this.take());
    return begun.map(({ address }) => {
      const packet = packets.find(({ overlapped }) => overlapped === address);
      assert(packet !== undefined, "a packet of another");
      return [packet.code, packet.bytes];
    });
  }

  /** The mortal thread starts something; `null` if it has ended before that. */
  try(start: (overlapped: number) => number): Memory | null {
    const overlapped = this.overlapped();
    const work = () => assertEquals(start(overlapped.address), ERROR_IO_PENDING);
    return this.#mortal.run(work) ? overlapped : null;
  }

  /** A receive of a datagram of at most eight bytes. */
  receiveDatagram(socket: number, into: Memory): Memory {
    return this.begin((overlapped) => this.#receiveFrom(socket, into, overlapped));
  }

  tryReceiveDatagram(socket: number, into: Memory): Memory | null {
    return this.try((overlapped) => this.#receiveFrom(socket, into, overlapped));
  }

  #receiveFrom(socket: number, into: Memory, overlapped: number): number {
    const vector = this.vector([into, 8]);
    return system.wsaRecvFrom(socket, vector, 1, 0, 0, 0, overlapped);
  }

  sendDatagram(socket: number, text: string, to: Memory): Memory {
    return this.begin((overlapped) => this.#sendTo(socket, text, to, overlapped));
  }

  trySendDatagram(socket: number, text: string, to: Memory): Memory | null {
    return this.try((overlapped) => this.#sendTo(socket, text, to, overlapped));
  }

  #sendTo(socket: number, text: string, to: Memory, overlapped: number): number {
    const vector = this.vector([this.bytes(text), text.length]);
    const { address, bytes } = to;
    return system.wsaSendTo(socket, vector, 1, 0, address, bytes.length, overlapped);
  }
}

/** Makes the thread end at each step of the round. */
function atEachStep(round: (bench: Bench) => void): void {
  breaking.atEachStep((step) => new Bench(step), round, 12, MOST_STEPS);
}

/** A client by plain calls, of which no port knows. */
class Client {
  readonly #fd: number;

  constructor(address: Uint8Array<ArrayBuffer>) {
    const SOCK_STREAM_CLOEXEC = 0x80001;
    this.#fd = sockets().socket(address[0], SOCK_STREAM_CLOEXEC, 0);
    assertEquals(sockets().connect(this.#fd, address, address.length), 0);
  }

  send(content: Memory): void {
    const { length } = content.bytes;
    assertEquals(Number(sockets().send(this.#fd, word(content.address), word(length), 0)), length);
  }

  /** Whether the connection has come to its end. */
  get isAtEnd(): boolean {
    const bytes = bytesOf(8);
    new Int32Array(bytes.buffer).set([this.#fd, IN]);
    assertEquals(sockets().poll(bytes, word(1), HANGS_AFTER_MS), 1, "nobody ends it");
    return Number(streams().recv(this.#fd, bytesOf(8), word(8), 0)) === 0;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

/** The client is in its place, and is nowhere else: its end is the connection's. */
function assertConnected(bench: Bench, server: number, client: Client): void {
  const into = bench.memory(8);
  client.send(bench.bytes("hello"));
  assertEquals(bench.results(bench.receive(server, into)), [[0, 5]]);
  assertEquals(textIn(into, 5), "hello");
  bench.close(server);
  assert(client.isAtEnd);
}

describe("promise 8: whoever accepts a client ends at any step", () => {
  itUnless(unlessLinux, "a client that comes to an accept is in its place", () => {
    atEachStep((bench) => {
      const [listener, address] = bench.listener();
      const server = bench.socket();
      const [accepting] = bench.accept(listener, server);
      using client = new Client(address);
      assertEquals(bench.results(accepting), [[0, 0]]);
      assertConnected(bench, server, client);
    });
  });

  itUnless(unlessLinux, "a client whose first bytes are waited for", () => {
    atEachStep((bench) => {
      const [listener, address] = bench.listener();
      const server = bench.socket();
      const [accepting, room] = bench.accept(listener, server, 8);
      using client = new Client(address);
      client.send(bench.bytes("first"));
      assertEquals(bench.results(accepting), [[0, 5]]);
      assertEquals(textIn(room, 5), "first");
      assertConnected(bench, server, client);
    });
  });

  itUnless(unlessLinux, "an accept of a client that waits goes on, or can be started anew", () => {
    atEachStep((bench) => {
      const [listener, address] = bench.listener();
      const server = bench.socket();
      using client = new Client(address);
      const room = bench.memory(256);
      const start = (overlapped: number) =>
        system.acceptEx(listener, server, room.address, 0, 64, 64, overlapped);
      const accepting = bench.try(start);
      let [code] = accepting === null ? [OPERATION_ABORTED] : bench.results(accepting)[0];
      if (code === OPERATION_ABORTED) [[code]] = bench.results(bench.begin(start));
      assertEquals(code, 0);
      assertConnected(bench, server, client);
    });
  });

  itUnless(unlessLinux, "a client without an address of its own", () => {
    using folder = new Folder();
    let paths = 0;
    atEachStep((bench) => {
      const path = new TextEncoder().encode(folder.path(`socket-${paths++}`));
      const address = bytesOf(2 + path.length + 1);
      address[0] = AF_UNIX;
      address.set(path, 2);
      const [listener, server] = [0, 1].map(() => bench.socket(SOCK_STREAM, AF_UNIX));
      assertEquals(system.bind(listener, address), 0);
      assertEquals(system.listen(listener, 16), 0);
      const [accepting] = bench.accept(listener, server);
      using client = new Client(address);
      assertEquals(bench.results(accepting), [[0, 0]]);
      assertConnected(bench, server, client);
    });
  });
});

describe("promise 8: whoever sees to datagrams ends at any step", () => {
  itUnless(unlessLinux, "each that comes goes to one receive", () => {
    atEachStep((bench) => {
      const [server, address] = bench.bound(SOCK_DGRAM);
      const client = bench.socket(SOCK_DGRAM);
      const to = bench.bytes(address);
      const into = [bench.memory(8), bench.memory(8), bench.memory(8)];
      const receives = into.map((memory) => bench.receiveDatagram(server, memory));
      const sends = ["one", "two2", "three"].map((text) => bench.sendDatagram(client, text, to));
      assertEquals(bench.results(...receives, ...sends), [
        [0, 3],
        [0, 4],
        [0, 5],
        [0, 3],
        [0, 4],
        [0, 5],
      ]);
      assertEquals(into.map((memory, i) => textIn(memory, i + 3)), ["one", "two2", "three"]);
    });
  });

  itUnless(unlessLinux, "one that was sent is not sent again", () => {
    atEachStep((bench) => {
      const [server, address] = bench.bound(SOCK_DGRAM);
      const client = bench.socket(SOCK_DGRAM);
      const to = bench.bytes(address);
      const sending = bench.trySendDatagram(client, "one", to);
      const isSent = sending !== null && bench.results(sending)[0][0] === 0;
      assertEquals(bench.results(bench.sendDatagram(client, "two2", to)), [[0, 4]]);
      const into = bench.memory(8);
      const receive = () => bench.results(bench.receiveDatagram(server, into))[0];
      if (isSent) assertEquals([receive(), textIn(into, 3)], [[0, 3], "one"]);
      assertEquals([receive(), textIn(into, 4)], [[0, 4], "two2"]);
    });
  });

  itUnless(unlessLinux, "one that was received is the receive's", () => {
    atEachStep((bench) => {
      const [server, address] = bench.bound(SOCK_DGRAM);
      const client = bench.socket(SOCK_DGRAM);
      const to = bench.bytes(address);
      for (const text of ["one", "two2"]) bench.results(bench.sendDatagram(client, text, to));
      const into = bench.memory(8);
      const receiving = bench.tryReceiveDatagram(server, into);
      const [code, bytes] = receiving === null
        ? [OPERATION_ABORTED, 0]
        : bench.results(receiving)[0];
      assert(code === 0 || code === OPERATION_ABORTED && bytes === 0);
      if (code === 0) assertEquals(textIn(into, bytes), "one");
      const next = bench.results(bench.receiveDatagram(server, into))[0];
      assertEquals(textIn(into, next[1]), code === 0 ? "two2" : "one");
    });
  });
});
