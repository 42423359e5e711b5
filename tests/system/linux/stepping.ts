/**
 * Threads that can be stopped before every single access to memory, for walking
 * through every order of their accesses with the real code of the locks.
 *
 * A thread's program is run from its beginning for each step, with the answers
 * it has had so far; at the first access without an answer it is stopped. So the
 * real code can be stopped anywhere without being written differently.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { TailMemory } from "../../../src/system/linux/tail.ts";

/** Thrown at an access that has no answer yet. */
class Stop {}

interface Thread {
  /** Answers to the accesses made so far. */
  answers: number[];
  /** The word it sleeps on; -1 if it does not. */
  asleepOn: number;
  isDone: boolean;
  /** What its program has returned. */
  result: unknown;
}

interface World {
  memory: number[];
  threads: Thread[];
}

/** What a thread does; returns what it has got. */
export type Program = (memory: TailMemory) => unknown;

/** How a walk goes. */
export interface Walk {
  /** Words of memory, zero at first. */
  readonly words: number;
  readonly programs: readonly Program[];
  /** Whether the thread that is this owner has ended; `isDone` says so of each program. */
  isGone?(owner: number, isDone: readonly boolean[]): boolean;
  /** Sees the memory and what each program has returned, once all are over. */
  check?(memory: readonly number[], results: readonly unknown[]): void;
}

/** Lets thread `index` make its next access in `world`, which is changed. */
function advance(world: World, index: number, walk: Walk): void {
  const thread = world.threads[index];
  let answered = 0;
  let mayAct = true;
  function access(act: () => number): number {
    if (answered < thread.answers.length) return thread.answers[answered++];
    if (!mayAct) throw new Stop();
    mayAct = false;
    thread.answers.push(act());
    answered++;
    if (thread.asleepOn >= 0) throw new Stop();
    return thread.answers[answered - 1];
  }
  const { memory } = world;
  function set(at: number, value: number): number {
    const before = memory[at];
    memory[at] = value;
    return before;
  }
  const real: TailMemory = {
    pause() {},
    compareExchange: (at, expected, value) =>
      access(() => memory[at] === expected ? set(at, value) : memory[at]),
    exchange: (at, value) => access(() => set(at, value)),
    or: (at, bits) => access(() => set(at, memory[at] | bits)),
    and: (at, bits) => access(() => set(at, memory[at] & bits)),
    load: (at) => access(() => memory[at]),
    peek: (at) => access(() => memory[at]),
    wait: (at, value) => {
      access(() => {
        if (memory[at] === value) thread.asleepOn = at;
        return 0;
      });
    },
    isGone: (owner) => {
      const isDone = world.threads.map(({ isDone }) => isDone);
      return access(() => Number(walk.isGone?.(owner, isDone) ?? false)) === 1;
    },
    wake: (at) => {
      access(() => {
        const sleeper = world.threads.find(({ asleepOn }) => asleepOn === at);
        if (sleeper) sleeper.asleepOn = -1;
        return 0;
      });
    },
  };
  try {
    thread.result = walk.programs[index](real);
    thread.isDone = true;
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
  }
}

/** Walks all orders; returns how many different states there are. Throws where one is wrong. */
export function walkAccesses(walk: Walk): number {
  const first: World = {
    memory: new Array<number>(walk.words).fill(0),
    threads: walk.programs.map(() => ({
      answers: [],
      asleepOn: -1,
      isDone: false,
      result: undefined,
    })),
  };
  const seen = new Set<string>();
  const open = [first];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const awake = world.threads.flatMap(({ isDone, asleepOn }, index) =>
      isDone || asleepOn >= 0 ? [] : [index]
    );
    const isOver = awake.length === 0 && world.threads.every(({ isDone }) => isDone);
    if (awake.length === 0 && !isOver && walk.isGone !== undefined) {
      // They sleep for some time only, and then look whether the owner lives.
      const next = structuredClone(world);
      for (const thread of next.threads) thread.asleepOn = -1;
      open.push(next);
      continue;
    }
    if (awake.length === 0) {
      assert(isOver, "a thread sleeps for ever");
      walk.check?.(world.memory, world.threads.map(({ result }) => result));
      continue;
    }
    for (const index of awake) {
      const next = structuredClone(world);
      advance(next, index, walk);
      const key = JSON.stringify(next);
      if (!seen.has(key)) {
        seen.add(key);
        open.push(next);
      }
    }
  }
  return seen.size;
}
