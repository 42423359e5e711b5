/**
 * A thread that ends in the middle of what it does for a server's end of a pipe, at every single
 * store: no client is lost, and the instance can be used.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import * as code from "../../../src/system/codes.ts";
import { system } from "../../../src/system/system.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { freshName } from "../../conformance/pipes.ts";
import { RawSockets } from "../../conformance/raw-sockets.ts";
import type { Memory } from "../../conformance/raw.ts";
import * as breaking from "./breaking.ts";

/** Steps of the longest case, and more. */
const MOST_STEPS = 1000;

/** A port, a pipe, and a thread that ends at some step of what it does with it. */
class Bench extends RawSockets {
  readonly #mortal: breaking.Mortal;
  readonly name: string = freshName();

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

  /** An instance, on the port. */
  serve(): number {
    const { code: answer, value } = this.create();
    assertEquals(answer, 0);
    this.associate(this.own(value), 1);
    return value;
  }

  create(): { code: number; value: number } {
    const mode = code.PIPE_ACCESS_DUPLEX | code.FILE_FLAG_OVERLAPPED;
    const type = code.PIPE_TYPE_MESSAGE | code.PIPE_READMODE_MESSAGE;
    return system.createNamedPipe(this.name, mode, type, 255, 0, 0, 0, "", 0o600);
  }

  /** A client, on the port. */
  open(): number {
    const access = code.GENERIC_READ | code.GENERIC_WRITE;
    const flags = code.FILE_FLAG_OVERLAPPED;
    const made = system.createFile(this.name, access, 0, code.OPEN_EXISTING, flags, 0);
    assertEquals(made.code, 0);
    this.associate(this.own(made.value), 2);
    return made.value;
  }

  /** What the mortal thread does. Whether it has started an operation with that. */
  try(work: () => void): boolean {
    return this.#mortal.run(work);
  }

  /** What it comes to. Until then only the mortal thread sees to anything. */
  result(begun: Memory): [code: number, bytes: number] {
    this.#mortal.reapUntil(1);
    return this.outcome(begun);
  }

  /** Starts waiting for a client, unless it is there. */
  awaitClient(server: number): Memory | null {
    const overlapped = this.overlapped();
    const answer = system.connectNamedPipe(server, overlapped.address);
    assert([code.ERROR_IO_PENDING, code.ERROR_PIPE_CONNECTED].includes(answer), `${answer}`);
    return answer === code.ERROR_IO_PENDING ? overlapped : null;
  }

  /** The two are the ends of one connection, and nobody else keeps it. */
  assertConnected(server: number, client: number): void {
    const [from, into] = [this.bytes("hello!"), this.memory(8)];
    const writing = this.begin((at) => system.writeFile(client, from.address, 6, at));
    assertEquals(this.result(writing), [0, 6]);
    const reading = this.begin((at) => system.readFile(server, into.address, 8, at));
    assertEquals(this.result(reading), [0, 6]);
    this.close(server);
    const last = this.begin((at) => system.readFile(client, into.address, 8, at));
    assertEquals(this.result(last), [code.ERROR_BROKEN_PIPE, 0]);
  }
}

/** Makes the thread end at each step of the round. */
function atEachStep(atLeast: number, round: (bench: Bench) => void): void {
  breaking.atEachStep((step) => new Bench(step), round, atLeast, MOST_STEPS);
}

describe("promise 8: whoever serves a pipe ends at any step", () => {
  itUnless(unlessLinux, "a client that is waited for is in its place", () => {
    atEachStep(12, (bench) => {
      const server = bench.serve();
      const connecting = bench.awaitClient(server)!;
      const client = bench.open();
      assertEquals(bench.result(connecting), [0, 0]);
      bench.assertConnected(server, client);
    });
  });

  itUnless(unlessLinux, "a client that has come before is in its place", () => {
    atEachStep(4, (bench) => {
      const server = bench.serve();
      const client = bench.open();
      let waits: Memory | null = null;
      bench.try(() => waits = bench.awaitClient(server));
      assertEquals(waits, null);
      assertEquals(bench.awaitClient(server), null);
      bench.assertConnected(server, client);
    });
  });

  itUnless(unlessLinux, "a client that is parted from knows it, and the next one comes", () => {
    atEachStep(4, (bench) => {
      const server = bench.serve();
      const first = bench.open();
      assertEquals(bench.awaitClient(server), null);
      let answer = -1;
      bench.try(() => answer = system.disconnectNamedPipe(server));
      if (answer < 0) answer = system.disconnectNamedPipe(server);
      assert([0, code.ERROR_PIPE_NOT_CONNECTED].includes(answer));
      const into = bench.memory(8);
      const reading = bench.begin((at) => system.readFile(first, into.address, 8, at));
      assertEquals(bench.result(reading), [code.ERROR_BROKEN_PIPE, 0]);
      const connecting = bench.awaitClient(server)!;
      const second = bench.open();
      assertEquals(bench.result(connecting), [0, 0]);
      bench.assertConnected(server, second);
    });
  });

  itUnless(
    unlessLinux,
    "an instance that is to wait again does, and nothing else takes its clients",
    () => {
      atEachStep(12, (bench) => {
        const server = bench.serve();
        bench.open();
        assertEquals(bench.awaitClient(server), null);
        assertEquals(system.disconnectNamedPipe(server), 0);
        const overlapped = bench.overlapped();
        if (bench.try(() => system.connectNamedPipe(server, overlapped.address))) {
          system.cancelIoEx(server, overlapped.address);
          assertEquals(bench.result(overlapped), [code.ERROR_OPERATION_ABORTED, 0]);
        }
        const connecting = bench.awaitClient(server)!;
        const client = bench.open();
        assertEquals(bench.result(connecting), [0, 0]);
        bench.assertConnected(server, client);
      });
    },
  );

  itUnless(unlessLinux, "the next instance can be made", () => {
    atEachStep(4, (bench) => {
      bench.serve();
      let made = 0;
      bench.try(() => made = bench.create().value);
      if (made !== 0) bench.own(made);
      bench.serve();
    });
  });
});
