/**
 * A thread that ends in the middle of a transmission, at every single store: whoever buries it goes
 * on where it was.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { endCalls } from "../../../src/system/linux/adoption.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { self } from "../../../src/system/linux/threads.ts";
import { system } from "../../../src/system/system.ts";
import { Folder, itUnless, unlessLinux } from "../../conformance/fixture.ts";
import type { Memory } from "../../conformance/raw.ts";
import { RawSockets, textIn } from "../../conformance/raw-sockets.ts";
import { Mortal } from "./breaking.ts";

const HEAD = "head";
const TAIL = "the tail";
const ABORTED = 995;

/** Steps of the whole, and more. */
const MOST_STEPS = 3000;

/** A transmission whose thread ends at this step. */
class Round extends RawSockets {
  readonly #mortal: Mortal;
  readonly #at: number;
  readonly operation: Memory = this.overlapped();

  constructor(step: number) {
    super();
    const place = region().words[findHandle(this.onPort) + layout.H_FD] - 1;
    this.#at = layout.PORTS + place * layout.PORT_WORDS;
    this.#mortal = new Mortal(place, step);
  }

  get isAlive(): boolean {
    return this.#mortal.isAlive;
  }

  /** Sends the file between head and tail. False if nothing was started. */
  transmit(socket: number, file: number): boolean {
    const [head, tail] = [this.bytes(HEAD), this.bytes(TAIL)];
    this.#mortal.run(() =>
      system.transmitFile(
        socket,
        file,
        0,
        head.address,
        HEAD.length,
        tail.address,
        TAIL.length,
        0,
        this.operation.address,
      )
    );
    // As if the calling thread had ended with all that it was carrying out.
    endCalls(layout.placeOf(self()));
    const { words } = region();
    return words[this.#at + layout.P_IN_FLIGHT] > 0 ||
      words[this.#at + layout.P_TAIL] !== words[this.#at + layout.P_HEAD];
  }

  /** All that comes at `socket`, as text. */
  textAt(socket: number): string {
    const into = this.memory(4096);
    let text = "";
    for (;;) {
      const [code, count] = this.outcome(this.receive(socket, into));
      assertEquals(code, 0);
      if (count === 0) return text;
      text += textIn(into, count);
    }
  }
}

describe("promise 8: whoever carries a transmission out ends at any step", () => {
  itUnless(unlessLinux, "each byte is sent once, and one packet comes", () => {
    using folder = new Folder();
    const content = "of the file;".repeat(500);
    const path = folder.file("data.txt", content);
    let step = 1;
    let wholes = 0;
    for (; step < MOST_STEPS; step++) {
      using round = new Round(step);
      const [server, client] = round.pair();
      const isStarted = round.transmit(server, round.file(path));
      const [code, bytes] = isStarted ? round.outcome(round.operation) : [ABORTED, 0];
      const whole = HEAD + content + TAIL;
      assert(code === 0 || code === ABORTED, `ended at step ${step}: ${code}`);
      // Where it had not begun it is cancelled; from there on it goes on to its end.
      assertEquals(bytes, code === 0 ? whole.length : 0);
      assert(code === 0 || wholes === 0, `ended at step ${step}: cancelled later than begun`);
      if (code === 0) wholes++;
      assertEquals(system.shutdown(server, 1), 0);
      assertEquals(round.textAt(client), code === 0 ? whole : "");
      if (round.isAlive) break;
    }
    assertGreater(wholes, 50);
    assert(step < MOST_STEPS, "it never comes to its end");
  });
});
