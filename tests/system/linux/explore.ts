/**
 * A small world of threads and one port, for walking through every order of
 * events with the real `Queue`: posting, taking with and without a time, closing,
 * blocking. Giving the lock back, each wake-up, going to sleep and running out of
 * time are events of their own. What happens under the lock is one event, too, but
 * others who post without the lock may come in at each access to the tail: beginning
 * to post is one event, and ending it.
 *
 * @module
 */

import * as layout from "../../../src/system/linux/layout.ts";
import { MUST_POST, MUST_RELEASE } from "../../../src/system/linux/fifo.ts";
import { ABANDONED, MUST_SLEEP, Queue, TIMED_OUT } from "../../../src/system/linux/queue.ts";
import { AWAITED, countOf, ownerOf, type TailMemory } from "../../../src/system/linux/tail.ts";
import { memoryOf } from "./memory.ts";

/** What a thread does, one after another. */
export type Act =
  | { do: "post"; key: number }
  /** An operation's packet comes: put in under the lock. */
  | { do: "complete"; key: number }
  | { do: "take"; max?: number; mayTimeOut?: boolean }
  | { do: "close" }
  | { do: "block" };

/** What came of an act of a thread: the keys it took, or why it took none. */
export type Result = number[] | "timeout" | "abandoned" | "invalid" | "posted" | "done";

interface Thread {
  acts: Act[];
  /** Where it is in its act. */
  at:
    | "begin"
    | "posting"
    | "mustPost"
    | "mustRelease"
    | "closing"
    | "toSleep"
    | "asleep"
    | "awake"
    | "blocked";
  /** The count with which it began to post. */
  tail: number;
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
/** Says whether the port's handle is open. */
const LIFE = PORT + layout.PORT_WORDS;
const WORDS = LIFE + 1;

/** How a queue is made; the tests break it on purpose by making another. */
export type MakeQueue = (
  words: Int32Array<ArrayBuffer>,
  packetsOf: () => Int32Array<ArrayBuffer>,
  memory: TailMemory,
) => Queue;

/** A real queue. */
export const realQueue: MakeQueue = (words, packetsOf, memory) =>
  new Queue(words, 0, packetsOf, memory);

/** The world in which each thread is about to begin its first act. */
export function worldOf(concurrency: number, programs: Act[][]): World {
  const words = new Int32Array(WORDS);
  words[PORT + layout.P_GENERATION] = 1;
  words[PORT + layout.P_CONCURRENCY] = concurrency;
  words[PORT + layout.P_CAPACITY] = CAPACITY;
  words[LIFE] = 1;
  const threads = programs.map((acts): Thread => ({
    acts,
    at: "begin",
    tail: 0,
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
  const parts: string[] = [];
  const add = (words: Int32Array<ArrayBuffer>, from: number, to: number) => {
    for (let at = from; at < to; at++) if (words[at] !== 0) parts.push(`${at}:${words[at]}`);
    parts.push("|");
  };
  add(words, layout.THREADS, layout.threadAt(threads.length));
  add(words, PORT, WORDS);
  add(packets, 0, packets.length);
  for (const { acts, at, tail, state, isLate, wakes, results } of threads) {
    parts.push(`${acts.length},${at},${tail},${state},${isLate},${wakes};${results.join("/")}`);
  }
  return `${parts} ${isOpen}`;
}

/** Says at each turn which of so many things happens; over all its runs, every combination. */
class Choices {
  readonly #made: number[] = [];
  readonly #of: number[] = [];
  #next = 0;

  choose(count: number): number {
    if (this.#next === this.#made.length) {
      this.#made.push(0);
      this.#of.push(count);
    }
    return this.#made[this.#next++];
  }

  /** Whether there is another run. */
  goOn(): boolean {
    this.#next = 0;
    while (this.#made.length > 0 && this.#made.at(-1)! + 1 === this.#of.at(-1)) {
      this.#made.pop();
      this.#of.pop();
    }
    if (this.#made.length === 0) return false;
    this.#made[this.#made.length - 1]++;
    return true;
  }
}

/** What threads do that post without the lock; each is one event. */
function postings(world: World, make: MakeQueue): (() => void)[] {
  const { words } = world;
  const queue = make(words, () => world.packets, memoryOf(words));
  const isTaken = ownerOf(words[PORT + layout.P_TAIL]) >= 0;
  return world.threads.flatMap((thread, index) => {
    queue.owner = layout.threadAt(index);
    const act = thread.acts[0];
    if (act?.do !== "post" || thread.wakes.length > 0) return [];
    if (thread.at === "begin" && !isTaken) return [() => beginPost(queue, thread, index)];
    return thread.at === "posting" ? [() => endPost(queue, thread, act.key)] : [];
  });
}

function beginPost(queue: Queue, thread: Thread, index: number): void {
  thread.tail = queue.beginPost(layout.threadAt(index));
  thread.at = "posting";
}

function endPost(queue: Queue, thread: Thread, key: number): void {
  const answer = queue.endPost(thread.tail, LIFE, 1, key, 0, 0, 0, 0);
  thread.tail = 0;
  if (answer === MUST_POST) {
    thread.at = "mustPost";
    return;
  }
  finish(thread, "posted");
  if (answer === MUST_RELEASE) thread.at = "mustRelease";
}

/** The tail, as a thread under the lock sees it: the others go on whenever it looks. */
function sharedTail(world: World, choices: Choices, make: MakeQueue): TailMemory {
  const memory = memoryOf(world.words);
  const letOthers = (mayRest: boolean) => {
    for (;;) {
      const events = postings(world, make);
      const rest = mayRest ? 1 : 0;
      if (events.length + rest < 2 && mayRest) return;
      const choice = choices.choose(events.length + rest);
      if (choice === events.length) return;
      events[choice]();
      mayRest = true;
    }
  };
  const after = <T extends unknown[]>(access: (...words: T) => number) => (...words: T) => {
    letOthers(true);
    return access(...words);
  };
  return {
    ...memory,
    peek: after(memory.peek),
    load: after(memory.load),
    compareExchange: after(memory.compareExchange),
    or: after(memory.or),
    and: after(memory.and),
    // It waits for one of them.
    pause: () => letOthers(false),
  };
}

/** The section of `index`'s act under the lock. */
function section(world: World, index: number, choices: Choices, make: MakeQueue): void {
  const { words } = world;
  const thread = world.threads[index];
  const queue = make(words, () => world.packets, sharedTail(world, choices, make));
  const act = thread.acts[0];
  const me = layout.threadAt(index);
  queue.owner = me;
  const isBeginning = thread.at === "begin" || thread.at === "mustPost";
  if (thread.at === "mustRelease") {
    if (world.isOpen) queue.release();
    thread.at = "begin";
  } else if (!world.isOpen && isBeginning && act.do !== "block") {
    finish(thread, "invalid");
  } else if (act.do === "post" || act.do === "complete") {
    queue.append(act.key, 0, 0, 0, 0, 0, 0);
    queue.release();
    finish(thread, "posted");
  } else if (act.do === "close") {
    world.isOpen = false;
    queue.openTail(queue.closeTail());
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
  let answer = queue.step(me, into, max, thread.isLate);
  queue.release();
  // Somebody has posted while it lay down.
  if (answer === MUST_SLEEP) answer = queue.step(me, into, max, false);
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
  const act = thread.acts[0];
  const mayTimeOut = act?.do === "take" && act.mayTimeOut;
  if (thread.wakes.length > 0) {
    const woken = next.threads[me.wakes.shift() ?? 0];
    if (woken.at === "asleep") woken.at = "awake";
    yield next;
  } else if (thread.at !== "mustRelease" && act === undefined) {
    return;
  } else if (thread.at === "begin" && act.do === "close") {
    next.words[LIFE] = 0;
    me.at = "closing";
    yield next;
  } else if (thread.at === "posting" || thread.at === "begin" && act.do === "post") {
    yield* postingsOf(world, index, make);
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
    const choices = new Choices();
    do {
      const next = copyOf(world);
      section(next, index, choices, make);
      // The state it saw under the lock, for the futex.
      next.threads[index].state = next.words[layout.threadAt(index) + layout.T_STATE];
      yield next;
    } while (choices.goOn());
  }
}

/** Its next event without the lock, unless another one is just putting something in. */
function* postingsOf(world: World, index: number, make: MakeQueue): Generator<World> {
  const others = (each: Thread, at: number) => at === index ? each : { ...each, acts: [] };
  const next = copyOf(world);
  const events = postings({ ...next, threads: next.threads.map(others) }, make);
  if (events.length === 0) return;
  events[0]();
  yield next;
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
): { active: number; queued: number; waiting: number; watcher: number; isAwaited: boolean } {
  return {
    isAwaited: (words[PORT + layout.P_TAIL] & AWAITED) !== 0,
    watcher: words[PORT + layout.P_WATCHER],
    active: words[PORT + layout.P_ACTIVE],
    queued: countOf(words[PORT + layout.P_TAIL], words[PORT + layout.P_HEAD]),
    waiting: words[PORT + layout.P_WAITING],
  };
}

/** The keys of the packets in the queue, oldest first. */
export function queuedKeys({ words, packets }: World): number[] {
  const capacity = words[PORT + layout.P_CAPACITY];
  const head = words[PORT + layout.P_HEAD];
  const count = countOf(words[PORT + layout.P_TAIL], head);
  return Array.from({ length: count }, (_, i) => packets[(head + i & capacity - 1) * 8]);
}

/** The keys of the packets that are in the queue or in the hands of a thread just released. */
export function keysInside(world: World): number[] {
  const { words, threads } = world;
  const keys = queuedKeys(world);
  threads.forEach((_, index) => {
    const at = layout.threadAt(index);
    if (words[at + layout.T_STATE] === layout.STATE_HANDED) keys.push(words[at + layout.T_PACKET]);
  });
  return keys;
}
