/**
 * Threads that end wherever one wants: what a thread does under a port's lock is broken off
 * before or after any of its stores, and the lock stays with a thread that has ended.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { adoptRequests } from "../../../src/system/linux/adoption.ts";
import * as layout from "../../../src/system/linux/layout.ts";
import { payReferences, Port, portAt } from "../../../src/system/linux/port.ts";
import { region } from "../../../src/system/linux/region.ts";
import { unlockForEnded } from "../../../src/system/linux/pipe-folders.ts";
import { countOf, IS_GONE, ownerOf } from "../../../src/system/linux/tail.ts";
import { self } from "../../../src/system/linux/threads.ts";

/** As the kernel marks the mutex of a thread that has ended. */
const FUTEX_OWNER_DIED = 0x40000000;

/** How long a thing may take that happens soon or never. */
const HANGS_AFTER_MS = 10_000;

/** Thrown where the thread ends. */
class Ended {}

let left = 0;
let isArmed = false;

function step(): void {
  if (!isArmed || --left > 0) return;
  isArmed = false;
  throw new Ended();
}

type Words = Int32Array<ArrayBuffer>;
const CHANGES = ["store", "exchange", "compareExchange", "add", "sub", "or", "and"] as const;

/** From here on every store to the engine's tables, and every atomic one, is a step. */
function watchStores(): void {
  const real = region().words;
  const watched: Words = new Proxy(real, {
    get(words, key) {
      const value = Reflect.get(words, key, words);
      if (typeof value !== "function") return value;
      if (key === "fill" || key === "set") step();
      return value.bind(words);
    },
    set(words, key, value) {
      step();
      Reflect.set(words, key, value, words);
      step();
      return true;
    },
  });
  const unwrap = (words: Words): Words => words === watched ? real : words;
  const { load, notify } = Atomics;
  Atomics.load = ((words: Words, at: number) => load(unwrap(words), at)) as typeof load;
  Atomics.notify =
    ((words: Words, at: number, count: number) =>
      notify(unwrap(words), at, count)) as typeof notify;
  for (const name of CHANGES) {
    const change = Atomics[name] as (words: Words, ...values: number[]) => number;
    Object.assign(Atomics, {
      [name]: (words: Words, ...values: number[]) => {
        step();
        const before = change(unwrap(words), ...values);
        step();
        return before;
      },
    });
  }
  Object.assign(region(), { words: watched });
}

let isWatching = false;
let ending = 0;

/** The first word of a thread that can end again and again. */
function mortal(): number {
  if (!isWatching) {
    isWatching = true;
    watchStores();
    const { threads, words } = region();
    ending = layout.threadAt(threads.acquire());
    words.fill(0, ending, ending + layout.THREAD_WORDS);
  }
  return ending;
}

/** One thread that ends at its step number `at`, counted from 1, of all that it is made to do. */
export class Mortal {
  readonly #place: number;
  readonly #thread: number = mortal();
  #left: number;

  /** It works on the port at `place`. */
  constructor(place: number, at: number) {
    this.#place = place;
    this.#left = at;
  }

  /** Whether it still lives: then it was not made to do so many steps. */
  get isAlive(): boolean {
    return this.#left > 0;
  }

  /** Until so many packets are queued, only this thread sees to anything. */
  reapUntil(count: number): void {
    const end = performance.now() + HANGS_AFTER_MS;
    const { words } = region();
    const port = portAt(this.#place);
    for (;;) {
      const queued = countOf(words[port.at + layout.P_TAIL], words[port.at + layout.P_HEAD]);
      if (queued >= count) return;
      // What epoll says it says once, and to the mortal thread.
      if (!port.isRing() || port.engine().hasCompletions()) this.reap();
      assert(performance.now() < end, `${queued} of ${count} packets come`);
    }
  }

  /** Sees to what the engine has completed. Should it end with that, the calling thread goes on. */
  reap(): void {
    const { words } = region();
    const port = new Port(this.#place);
    port.lock(this.#thread);
    if (this.#try(() => port.reap())) {
      port.queue.release();
      port.unlock();
      return;
    }
    words[this.#thread + layout.T_MUTEX] = FUTEX_OWNER_DIED;
    this.#inherit();
    payReferences(this.#thread);
    words.fill(0, this.#thread, this.#thread + layout.THREAD_WORDS);
  }

  /** Does something as the calling thread. Whether an operation was started, which has or will have a packet. */
  run(work: () => void): boolean {
    const before = this.#started();
    this.#run(work);
    return this.#started() > before;
  }

  #started(): number {
    const { words } = region();
    const { at } = portAt(this.#place);
    return words[at + layout.P_IN_FLIGHT] + countOf(words[at + layout.P_TAIL], 0);
  }

  #run(work: () => void): void {
    const { words } = region();
    if (this.#try(work)) return;
    this.#leaveFolder();
    const lock = layout.PORTS + this.#place * layout.PORT_WORDS + layout.P_LOCK;
    const hasLock = (words[lock] & 0x7fffffff) === self();
    const hadTail = this.#bequeathTail();
    if (!hasLock && !hadTail) return this.#finish();
    // It was the mortal one that has ended with it.
    if (hasLock) words[lock] = this.#thread;
    words[this.#thread + layout.T_MUTEX] = FUTEX_OWNER_DIED;
    if (hasLock) this.#inherit();
    else this.#inheritTail();
    words.fill(0, this.#thread, this.#thread + layout.THREAD_WORDS);
  }

  /** If the calling thread has the tail, it was the mortal one that has. */
  #bequeathTail(): boolean {
    const { words } = region();
    const tail = layout.PORTS + this.#place * layout.PORT_WORDS + layout.P_TAIL;
    const shift = (thread: number) => layout.placeOf(thread) + 1 << 19;
    if (ownerOf(words[tail]) !== self()) return false;
    words[tail] += shift(this.#thread) - shift(self());
    return true;
  }

  /** Whether it has lived through it. */
  #try(work: () => void): boolean {
    left = this.#left;
    isArmed = left > 0;
    try {
      work();
    } catch (error) {
      if (error instanceof Ended) return false;
      throw error;
    } finally {
      this.#left = Math.max(left, 0);
      isArmed = false;
    }
    return true;
  }

  /** It has given the lock back, and may not have done what was to follow. */
  #finish(): void {
    const port = portAt(this.#place);
    port.lock(self());
    if (port.hasEngine()) port.revive();
    port.unlock();
  }

  /** What the calling thread has locked for it is let go as for one that has ended. */
  #leaveFolder(): void {
    const { words } = region();
    words[this.#thread + layout.T_FOLDER] = words[self() + layout.T_FOLDER];
    words[self() + layout.T_FOLDER] = 0;
    unlockForEnded(this.#thread);
  }

  /** The next thread that posts finds the tail with one that has ended. */
  #inheritTail(): void {
    const port = portAt(this.#place);
    assertEquals(port.queue.beginPost(self()), IS_GONE);
    port.lock(self());
    port.queue.openTail(port.queue.closeTail());
    port.unlock();
  }

  /** The next thread that wants the lock; and what it has had in its hands without io_uring. */
  #inherit(): void {
    const port = portAt(this.#place);
    port.lock(self());
    port.unlock();
    if (port.hasEngine() && !port.isRing()) adoptRequests(layout.placeOf(self()), self());
  }
}

/** What a round of `atEachStep` happens in, until it is disposed of. */
export interface Stage extends Disposable {
  /** Whether the thread had done all there is to do. */
  readonly isAlive: boolean;
  /** Whether no packet is left. */
  readonly isEmpty: boolean;
}

/** Makes the thread end at each step, until it has done all there is to do: more than `atLeast` of `most`. */
export function atEachStep<S extends Stage>(
  open: (step: number) => S,
  round: (stage: S) => void,
  atLeast: number,
  most: number,
): void {
  let step = 1;
  for (; step < most; step++) {
    using stage = open(step);
    try {
      round(stage);
      assert(stage.isEmpty, "a packet more");
    } catch (error) {
      throw new Error(`Ended at step ${step}: ${error}`, { cause: error });
    }
    if (stage.isAlive) break;
  }
  assertGreater(step, atLeast);
  assert(step < most, "it never comes to its end");
}
