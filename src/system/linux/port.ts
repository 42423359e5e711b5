/**
 * One port as one thread sees it: the queue, the ring, the lock around both and
 * the references that keep them.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import * as layout from "./layout.ts";
import { lock, memory, unlock, wake } from "./park.ts";
import { Queue } from "./queue.ts";
import { storeStatus } from "./statuses.ts";
import { queueWords, region } from "./region.ts";
import { repair } from "./repair.ts";
import { releaseIdle } from "./request-places.ts";
import type { Engine } from "./engine.ts";
import { createEngine, destroyEngine, viewEngine } from "./engines.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  ENGINE_RING,
  FIRST_QUEUE,
  H_KEY,
  LINGERING,
  PACKET_OF_OPERATION,
  PACKET_WORDS,
  PORTS,
  PORT_WORDS,
  P_CAPACITY,
  P_ENGINE,
  P_GENERATION,
  P_IN_FLIGHT,
  P_IS_KEPT,
  P_LOCK,
  P_NUDGED,
  P_OPEN,
  P_REFERENCES,
  QUEUE_BYTES,
  R_OVERLAPPED,
  STATE_ABANDONED,
  STATE_HANDED,
  STATE_IN_RING,
  STATE_PARKED,
  TABLE_BYTES,
  T_IN_RING,
  T_NUDGED,
  T_OWED,
  T_OWED_PORT,
  T_STATE,
  T_UNFINISHED,
  UNFINISHED_UNLOCK,
} = layout;

const MADV_REMOVE = 9;

/** A thread's view of a port; made by {@linkcode portAt}. */
export class Port {
  /** The first word of the port's place. */
  readonly at: number;
  /** Which life of the place this view is of. */
  readonly generation: number;
  readonly queue: Queue;
  readonly #words: Int32Array<ArrayBuffer>;
  #engine: Engine | null = null;
  #submitLater = false;
  #later: (() => void)[] = [];

  /** The port at `place`, as it is now. */
  constructor(place: number) {
    const { words } = region();
    this.at = PORTS + place * PORT_WORDS;
    this.generation = words[this.at + P_GENERATION];
    this.queue = new Queue(words, place, (capacity) => queueWords(place, capacity), memory);
    this.#words = words;
  }

  /** Takes the port's lock for the thread whose first word is `thread`. */
  lock(thread: number): void {
    this.queue.owner = thread;
    if (lock(this.at + P_LOCK, thread)) repair(this);
  }

  /** The thread that has the lock through this view. */
  owner(): number {
    return this.queue.owner;
  }

  /**
   * Gives the lock back, then does what could not be done under it: wakes the
   * threads that were let go, hands entries to the kernel, and, when the last
   * reference went meanwhile, gives the port's place back. What is still to be done
   * is noted in the thread's place, should it end before that.
   */
  unlock(): void {
    const words = this.#words;
    const me = this.queue.owner;
    const released = this.queue.released;
    const mustSubmit = released.length === 0 ? this.#submitLater : this.#wakeInRing();
    if (words[this.at + P_OPEN] === 0) this.#letGoIfOver();
    if (mustSubmit) {
      this.addReference();
      this.dropReferenceLater();
    }
    const isUnfinished = mustSubmit || released.length !== 0;
    if (isUnfinished) words[me + T_UNFINISHED] |= UNFINISHED_UNLOCK;
    unlock(this.at + P_LOCK);
    if (isUnfinished) this.#finish(mustSubmit);
    if (words[me + T_OWED] !== 0) payReferences(me);
    if (this.#later.length !== 0) this.#runLater();
  }

  #finish(mustSubmit: boolean): void {
    if (this.queue.released.length !== 0) this.#wakeParked();
    if (mustSubmit) {
      this.#submitLater = false;
      this.submit(this.queue.owner);
    }
    this.#words[this.queue.owner + T_UNFINISHED] &= ~UNFINISHED_UNLOCK;
  }

  /** `work` is done by this thread when it has given the lock back; it may take locks itself. */
  later(work: () => void): void {
    this.#later.push(work);
  }

  #runLater(): void {
    const works = this.#later;
    this.#later = [];
    for (const work of works) work();
  }

  /** Those that wait in the ring must come out of it; the others are woken without the lock. */
  #wakeInRing(): boolean {
    for (const { thread } of this.queue.released) this.nudgeIfInRing(thread);
    return this.#submitLater;
  }

  /** The thread comes out of the ring, if it waits there; under the lock. */
  nudgeIfInRing(thread: number): void {
    const words = this.#words;
    if (words[thread + T_IN_RING] === 0) return;
    if (words[thread + T_NUDGED] === 0) words[this.at + P_NUDGED]++;
    words[thread + T_NUDGED] = 1;
    this.#nudge();
  }

  /**
   * A waiter comes out of io_uring_enter when a completion arrives: that of an
   * empty operation will do. One that is only on its way in finds the completion
   * there, unless somebody has read it meanwhile: `reap` puts in another.
   */
  #nudge(): void {
    this.engine().nudge();
    this.#submitLater = true;
  }

  /** The thread is back from the ring; under the lock. */
  isBackFromRing(thread: number): void {
    const words = this.#words;
    words[thread + T_IN_RING] = 0;
    if (words[thread + T_NUDGED] !== 0) {
      words[thread + T_NUDGED] = 0;
      words[this.at + P_NUDGED]--;
    }
    // It may have come out by what was meant for another one.
    if (words[this.at + P_NUDGED] !== 0) this.#nudge();
  }

  #wakeParked(): void {
    const released = this.queue.released;
    for (const { thread, state } of released) {
      // One that was in the ring sleeps there, or has not been woken from its futex yet.
      const isNudged = state === STATE_IN_RING &&
        this.#words[thread + T_NUDGED] !== 0;
      // Nor is the calling thread woken, which has come out of its wait to take what is there.
      if (!isNudged && thread !== this.queue.owner) wake(thread + T_STATE);
    }
    released.length = 0;
  }

  /** Something was put on the ring: `unlock` hands it to the kernel. */
  submitLater(): void {
    this.#submitLater = true;
  }

  /** Whether the port's handle is open. */
  isOpen(): boolean {
    return this.#words[this.at + P_OPEN] !== 0;
  }

  /** Whether another packet, queued or to come, has room. */
  hasRoom(): boolean {
    return this.queue.hasRoom();
  }

  /** Whether the port has an engine: since the first handle was associated. */
  hasEngine(): boolean {
    return this.#words[this.at + P_ENGINE] !== 0;
  }

  /** Whether io_uring carries its I/O. */
  isRing(): boolean {
    return this.#words[this.at + P_ENGINE] === ENGINE_RING;
  }

  /** What carries its I/O. The port has one. */
  engine(): Engine {
    return this.#engine ??= viewEngine(this.at);
  }

  /**
   * Makes the engine if there is none; under the lock. Whoever has waited longest
   * then waits in it. Returns 0 or an errno.
   */
  needEngine(): number {
    if (this.hasEngine()) return 0;
    const errno = createEngine(this.at);
    if (errno === 0) this.promote();
    return errno;
  }

  /**
   * Lets the oldest waiter wait in the ring, where it sees completions; under the
   * lock. It is never the one that is let go first, unless it is the only one.
   */
  promote(): void {
    const oldest = this.queue.sendToRing();
    if (oldest >= 0) wake(oldest + T_STATE);
  }

  /**
   * Does again what a thread that has ended may have left undone: who was let go is
   * woken, entries are handed over. Under the lock.
   */
  revive(): void {
    const { threads } = region();
    const words = this.#words;
    for (const place of threads.taken()) {
      const thread = layout.threadAt(place);
      if (!this.queue.isBound(thread)) continue;
      const state = words[thread + T_STATE];
      const isLetGo = state === STATE_HANDED || state === STATE_ABANDONED;
      if (isLetGo) this.nudgeIfInRing(thread);
      this.queue.released.push({ thread, state: STATE_PARKED });
    }
    if (!this.hasEngine()) return;
    if (words[this.at + P_NUDGED] !== 0) this.#nudge();
    this.#submitLater = true;
  }

  /** Hands what was started to the kernel; without the lock, with a reference. */
  submit(thread: number): void {
    const engine = this.engine();
    // Refused only while the kernel is short of memory, which waiting threads' work relieves.
    while (!engine.submit());
    if (!engine.completesOnSubmit || !engine.hasCompletions()) return;
    this.lock(thread);
    this.reap();
    this.queue.release();
    this.unlock();
  }

  /** As `submit`, if the port is still there; without the lock. */
  submitIfAlive(thread: number): void {
    if (!this.addReferenceIfAlive()) return;
    this.queue.owner = thread;
    // Should the thread end meanwhile, it owes the reference.
    this.dropReferenceLater();
    if (this.#words[this.at + P_GENERATION] === this.generation) this.submit(thread);
    payReferences(thread);
  }

  /** Reads the engine's completions into the queue; under the lock. */
  reap(): void {
    if (!this.hasEngine() || !this.engine().hasCompletions()) return;
    this.engine().reap(this);
    if (this.#words[this.at + P_NUDGED] !== 0) this.#nudge();
  }

  /** As `reap`, for who will not wait in the kernel, with what is completed only there. */
  reapForLook(): void {
    if (this.hasEngine()) this.engine().catchUp?.();
    this.reap();
  }

  /**
   * Queues the packet of a request, or, when nobody can take it, only stores its status. The tail is
   * closed before and open after it.
   */
  deliver(handle: number, request: number, status: number, bytes: number, errno: number): void {
    const words = this.#words;
    const low = words[request + R_OVERLAPPED];
    const high = words[request + R_OVERLAPPED + 1];
    if (!this.isOpen()) {
      storeStatus((low >>> 0) + high * 0x100000000, status, bytes);
      this.queue.openTail(this.queue.closeTail());
      return;
    }
    const key = handle + H_KEY;
    const extra = errno | PACKET_OF_OPERATION;
    this.queue.append(words[key], words[key + 1], low, high, status | 0, bytes | 0, extra);
  }

  /**
   * An operation is in flight. One reference, which is kept as long as the port is open, is for all of
   * them: no operation counts it by an atomic instruction. Under the lock.
   */
  keepForOperations(): void {
    if (this.#words[this.at + P_IS_KEPT] !== 0) return;
    this.addReference();
    this.#words[this.at + P_IS_KEPT] = 1;
  }

  /** The port is closed: once nothing is in flight any more, nothing will be. */
  #letGoIfOver(): void {
    const words = this.#words;
    if (words[this.at + P_IS_KEPT] === 0 || words[this.at + P_IN_FLIGHT] !== 0) {
      return;
    }
    releaseIdle(this.at);
    this.dropReferenceLater(this.at + P_IS_KEPT);
  }

  /** Keeps the port's memory and ring for one more holder. */
  addReference(): void {
    Atomics.add(this.#words, this.at + P_REFERENCES, 1);
  }

  /** Keeps a port that nothing else may keep any more; false if it is being destroyed. */
  addReferenceIfAlive(): boolean {
    const at = this.at + P_REFERENCES;
    let seen = Atomics.load(this.#words, at);
    while (seen > 0) {
      const before = Atomics.compareExchange(this.#words, at, seen, seen + 1);
      if (before === seen) return true;
      seen = before;
    }
    return false;
  }

  /**
   * A reference goes when the lock is given back, or when the thread that has it is buried. The
   * word at `noted`, if there is one, says until now that somebody has it. A thread is ended at a
   * call or in a loop, and here is neither between the two stores.
   */
  dropReferenceLater(noted: number = 0): void {
    const words = this.#words;
    const owed = this.queue.owner + T_OWED;
    words[this.queue.owner + T_OWED_PORT] = this.queue.place + 1;
    if (noted !== 0) words[noted] = 0;
    words[owed] = words[owed] + 1;
  }

  /** Nobody has a reference any more: the place is given back. */
  destroy(): void {
    const { address, ports } = region();
    if (this.hasEngine()) destroyEngine(this.at);
    releaseIdle(this.at);
    const capacity = this.#words[this.at + P_CAPACITY];
    if (capacity > FIRST_QUEUE) {
      const queue = address + TABLE_BYTES + this.queue.place * QUEUE_BYTES;
      const bytes = capacity * PACKET_WORDS * 4;
      libc().madvise(word(queue), word(bytes), MADV_REMOVE);
    }
    Atomics.sub(this.#words, LINGERING, 1);
    ports.release(this.queue.place);
  }
}

/** Drops the references that `thread`, the calling one or one that has ended, owes to a port. */
export function payReferences(thread: number): void {
  const { words } = region();
  const count = words[thread + T_OWED];
  if (count === 0) return;
  const port = portAt(words[thread + T_OWED_PORT] - 1);
  words[thread + T_OWED] = 0;
  const before = Atomics.sub(words, port.at + P_REFERENCES, count);
  if (before === count) port.destroy();
}

const views: Port[] = [];

/** This thread's view of the port at `place`. The port is alive: the caller has a way to it. */
export function portAt(place: number): Port {
  const known = views[place];
  const { words } = region();
  const at = PORTS + place * PORT_WORDS;
  if (known !== undefined && known.generation === words[at + P_GENERATION]) return known;
  return views[place] = new Port(place);
}
