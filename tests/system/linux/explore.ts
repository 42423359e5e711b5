/**
 * A small world of threads and one port, for walking through every order of
 * events with the real `Queue`: posting, taking with and without a time, closing,
 * blocking. What happens under the lock is one event; giving the lock back, each
 * wake-up, going to sleep and running out of time are events of their own.
 *
 * @module
 */

import * as layout from "../../../src/system/linux/layout.ts";
import { ABANDONED, MUST_SLEEP, Queue, TIMED_OUT } from "../../../src/system/linux/queue.ts";

/** What a thread does, one after another. */
export type Act =
  | { do: "post"; key: number }
  | { do: "take"; max?: number; mayTimeOut?: boolean }
  | { do: "close" }
  | { do: "block" };

/** What came of an act of a thread: the keys it took, or why it took none. */
export type Result = number[] | "timeout" | "abandoned" | "invalid" | "posted" | "done";

interface Thread {
  acts: Act[];
  /** Where it is in its act. */
  at: "begin" | "toSleep" | "asleep" | "awake" | "blocked";
  /** The state it saw when it decided to sleep. */
  state: number;
  isLate: boolean;
  /** Threads it still has to wake. */
  wakes: number[];
  results: Result[];
}

/** Everything there is at one moment. */
export interface World {
  words: Int32Array<ArrayBuffer>;
  packets: Int32Array<ArrayBuffer>;
  threads: Thread[];
  isOpen: boolean;
}

const PORT = layout.PORTS;
const CAPACITY = 2;
const PACKETS = 8;
const WORDS = PORT + layout.PORT_WORDS;

/** How a queue is made; the tests break it on purpose by making another. */
export type MakeQueue = (
  words: Int32Array<ArrayBuffer>,
  packetsOf: () => Int32Array<ArrayBuffer>,
) => Queue;

/** A real queue. */
export const realQueue: MakeQueue = (words, packetsOf) => new Queue(words, 0, packetsOf);

/** The world in which each thread is about to begin its first act. */
export function worldOf(concurrency: number, programs: Act[][]): World {
  const words = new Int32Array(WORDS);
  words[PORT + layout.P_GENERATION] = 1;
  words[PORT + layout.P_CONCURRENCY] = concurrency;
  words[PORT + layout.P_CAPACITY] = CAPACITY;
  const threads = programs.map((acts): Thread => ({
    acts,
    at: "begin",
    state: 0,
    isLate: false,
    wakes: [],
    results: [],
  }));
  return { words, packets: new Int32Array(PACKETS * 8), threads, isOpen: true };
}

function copyOf(world: World): World {
  return {
    words: world.words.slice(),
    packets: world.packets.slice(),
    threads: world.threads.map((thread) => ({
      ...thread,
      wakes: [...thread.wakes],
      results: [...thread.results],
    })),
    isOpen: world.isOpen,
  };
}

/** What tells two worlds apart: the tables' zeros do not. */
function keyOf({ words, packets, threads, isOpen }: World): string {
  const used = words.slice(layout.THREADS, layout.threadAt(threads.length));
  const port = words.slice(PORT, WORDS);
  const rest = threads.map((
    { acts, at, state, isLate, wakes, results },
  ) => [acts.length, at, state, isLate, wakes, results]);
  return JSON.stringify([[...used], [...port], [...packets], rest, isOpen]);
}

/** The section of `index`'s act under the lock. */
function section(world: World, index: number, make: MakeQueue): void {
  const { words } = world;
  const thread = world.threads[index];
  const queue = make(words, () => world.packets);
  const act = thread.acts[0];
  const me = layout.threadAt(index);
  if (!world.isOpen && thread.at === "begin" && act.do !== "block") {
    finish(thread, "invalid");
  } else if (act.do === "post") {
    queue.append(act.key, 0, 0, 0, 0, 0, 0);
    queue.release();
    finish(thread, "posted");
  } else if (act.do === "close") {
    world.isOpen = false;
    queue.drop(new Int32Array(PACKETS * 8), PACKETS);
    queue.abandon();
    finish(thread, "done");
  } else if (act.do === "block") {
    block(queue, thread, me);
  } else {
    take(queue, thread, me, act.max ?? 1);
  }
  for (const { thread } of queue.released) {
    world.threads[index].wakes.push(layout.placeOf(thread));
  }
}

/** `blocking()`: its first half, and then its second. */
function block(queue: Queue, thread: Thread, me: number): void {
  if (thread.at === "begin") {
    queue.suspend(me, layout.COUNTED_BLOCKING);
    queue.release();
    thread.at = "blocked";
  } else {
    queue.resume(me, layout.COUNTED_BLOCKING);
    finish(thread, "done");
  }
}

function take(queue: Queue, thread: Thread, me: number, max: number): void {
  const into = new Int32Array(max * 8);
  const answer = queue.step(me, into, max, thread.isLate);
  queue.release();
  if (answer === MUST_SLEEP) thread.at = "toSleep";
  else if (answer === TIMED_OUT) finish(thread, "timeout");
  else if (answer === ABANDONED) finish(thread, "abandoned");
  else finish(thread, Array.from({ length: answer }, (_, i) => into[i * 8]));
}

function finish(thread: Thread, result: Result): void {
  thread.results.push(result);
  thread.acts = thread.acts.slice(1);
  thread.at = "begin";
  thread.isLate = false;
}

/** All that can happen next to thread `index`: each makes a new world. */
function* stepsOf(world: World, index: number, make: MakeQueue): Generator<World> {
  const thread = world.threads[index];
  const state = world.words[layout.threadAt(index) + layout.T_STATE];
  const next = copyOf(world);
  const me = next.threads[index];
  const mayTimeOut = thread.acts[0]?.do === "take" && thread.acts[0].mayTimeOut;
  if (thread.wakes.length > 0) {
    const woken = next.threads[me.wakes.shift() ?? 0];
    if (woken.at === "asleep") woken.at = "awake";
    yield next;
  } else if (thread.acts.length === 0) {
    return;
  } else if (thread.at === "toSleep") {
    // The lock was given back before: what it saw then is what the futex compares with.
    me.state = me.state === 0 ? state : me.state;
    me.at = state === me.state ? "asleep" : "awake";
    yield next;
  } else if (thread.at === "asleep") {
    if (!mayTimeOut) return;
    me.at = "awake";
    me.isLate = true;
    yield next;
  } else {
    section(next, index, make);
    // The state it saw under the lock, for the futex.
    me.state = next.words[layout.threadAt(index) + layout.T_STATE];
    yield next;
  }
}

/** Walks all orders from `first`; `check` sees every world, and whether it is an end. */
export function walk(
  first: World,
  check: (world: World, isEnd: boolean) => void,
  make: MakeQueue = realQueue,
): number {
  const seen = new Set<string>([keyOf(first)]);
  const open = [first];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    let isEnd = true;
    for (let index = 0; index < world.threads.length; index++) {
      for (const next of stepsOf(world, index, make)) {
        isEnd = false;
        const key = keyOf(next);
        if (seen.has(key)) continue;
        seen.add(key);
        open.push(next);
      }
    }
    check(world, isEnd);
  }
  return seen.size;
}

/** The port's words, by name. */
export function portOf(
  { words }: World,
): { active: number; queued: number; waiting: number; watcher: number } {
  return {
    watcher: words[PORT + layout.P_WATCHER],
    active: words[PORT + layout.P_ACTIVE],
    queued: words[PORT + layout.P_TAIL] - words[PORT + layout.P_HEAD],
    waiting: words[PORT + layout.P_WAITING],
  };
}

/** The keys of the packets that are in the queue or in the hands of a thread just released. */
export function keysInside({ words, packets, threads }: World): number[] {
  const keys: number[] = [];
  const capacity = words[PORT + layout.P_CAPACITY];
  for (let n = words[PORT + layout.P_HEAD]; n !== words[PORT + layout.P_TAIL]; n++) {
    keys.push(packets[(n & capacity - 1) * 8]);
  }
  threads.forEach((_, index) => {
    const at = layout.threadAt(index);
    if (words[at + layout.T_STATE] === layout.STATE_HANDED) keys.push(words[at + layout.T_PACKET]);
  });
  return keys;
}
