/**
 * A thread that ends in the middle of a post, at every single store: its packet is queued or is not,
 * and others go on posting.
 *
 * @module
 */

import { assertEquals, assertGreater } from "@std/assert";
import { describe } from "@std/testing/bdd";
import type { PortState } from "../../../src/system/contract.ts";
import { findHandle } from "../../../src/system/linux/handles.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { region } from "../../../src/system/linux/region.ts";
import { type CompletionEntries, system } from "../../../src/system/system.ts";
import { itUnless, unlessLinux } from "../../conformance/fixture.ts";
import { Raw } from "../../conformance/raw.ts";
import { Mortal } from "./breaking.ts";

// Keys.
const BEFORE = 1;
const CUT_SHORT = 2;
const AFTER = 3;

function post(port: number, key: number): void {
  assertEquals(system.postQueuedCompletionStatus(port, 0, key, 0), 0);
}

/** The keys of all that is queued, oldest first. */
function takeAll(port: number, entries: CompletionEntries): number[] {
  if (system.getQueuedCompletionStatusEx(port, entries, entries.capacity, 0) !== 0) return [];
  return Array.from({ length: entries.removed }, (_, index) => entries.key(index));
}

/** `before` packets, one whose thread ends at `step`, and one more. True if that one lived. */
function endAt(step: number, before: number): boolean {
  using raw = new Raw();
  const port = raw.port();
  const place = region().words[findHandle(port) + layout.H_FD] - 1;
  const mortal = new Mortal(place, step);
  const entries = raw.entries(before + 2);
  for (let count = 0; count < before; count++) post(port, BEFORE);
  mortal.run(() => post(port, CUT_SHORT));
  post(port, AFTER);
  const state: PortState = { queued: 0, active: 0, waiting: 0, posted: 0, taken: 0 };
  assertEquals(system.queryIoCompletion(port, state), 0);
  const keys = takeAll(port, entries);
  assertEquals(state.queued, keys.length);
  const all = [...new Array<number>(before).fill(BEFORE), AFTER];
  const isPosted = keys.includes(CUT_SHORT);
  if (isPosted) all.splice(before, 0, CUT_SHORT);
  assertEquals(keys, all, `ended at step ${step}`);
  if (mortal.isAlive) assertEquals([isPosted, state.posted], [true, all.length]);
  return mortal.isAlive;
}

describe("promise 8: whoever posts ends at any step", () => {
  for (
    const [name, before, steps] of [
      ["without the port's lock", 1, 6],
      ["with it: the first packet asks for room", 0, 12],
      ["with it: the queue grows", layout.FIRST_QUEUE, 14],
    ] as const
  ) {
    itUnless(unlessLinux, `${name}: its packet is there once or not at all`, () => {
      let step = 1;
      while (!endAt(step, before)) step++;
      assertGreater(step, steps);
    });
  }
});
