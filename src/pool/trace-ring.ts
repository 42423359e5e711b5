/**
 * What a thread notes for the pool's trace: a ring in native memory, written by
 * that thread and emptied by the pool's owner.
 *
 * Noting something is a few stores and takes no lock. A full ring loses what comes
 * next, and counts it.
 *
 * @module
 */

import { type BufferToken, NativeBuffer } from "../core/buffer.ts";
import { factsOf } from "../core/facts.ts";
import { lookAway, lookOn, type Onlooker } from "../core/onlookers.ts";
import type { Packet } from "../core/packet.ts";
import { kindNumberOf } from "../core/operation.ts";

/** A handler has run for a packet: kind (0 posted), key, bytes, tag or overlapped, code. */
export const NOTE_PACKET = 1;
/** A task has run: its name's number, and 1 if it has failed. */
export const NOTE_TASK = 2;
/** The handler has blocked. */
export const NOTE_BLOCKED = 3;
/** An operation was started: kind, OVERLAPPED, offset, tag, bytes. */
export const NOTE_STARTED = 4;
/** Its packet was taken: kind, OVERLAPPED, bytes, -, code. */
export const NOTE_ENDED = 5;
/** The system has refused it: kind, OVERLAPPED. */
export const NOTE_REFUSED = 6;

/** Notes that a ring holds; a power of two. */
export const CAPACITY = 8192;

/** Doubles of a note: what, when, how long, and five numbers. */
export const NOTE_DOUBLES = 8;

// Words of the head, each with a line of its own.
const HEAD = 0;
const TAIL = 16;
const LOST = 32;
const HEAD_DOUBLES = 32;

/** The time that all threads agree on: milliseconds since 1970. */
export function timeNow(): number {
  return performance.timeOrigin + performance.now();
}

/** One thread's ring, as its writer or its reader sees it. */
export class TraceRing {
  readonly buffer: NativeBuffer;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #doubles: Float64Array<ArrayBuffer>;

  private constructor(buffer: NativeBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer.bytes.buffer);
    this.#doubles = new Float64Array(buffer.bytes.buffer);
  }

  /** A ring for the owner to read; its token is the writer's. */
  static allocate(): TraceRing {
    return new TraceRing(
      NativeBuffer.allocate((HEAD_DOUBLES + CAPACITY * NOTE_DOUBLES) * 8),
    );
  }

  /** The ring of `token`, for its thread to write. */
  static attach(token: BufferToken): TraceRing {
    return new TraceRing(NativeBuffer.attach(token));
  }

  /** Notes something; called by the ring's thread only. */
  note(
    what: number,
    at: number,
    duration: number,
    a: number,
    b: number = 0,
    c: number = 0,
    d: number = 0,
    e: number = 0,
  ): void {
    const words = this.#words;
    const head = words[HEAD];
    if ((head - Atomics.load(words, TAIL) | 0) >= CAPACITY) {
      Atomics.add(words, LOST, 1);
      return;
    }
    const doubles = this.#doubles;
    const place = HEAD_DOUBLES + (head & CAPACITY - 1) * NOTE_DOUBLES;
    doubles[place] = what;
    doubles[place + 1] = at;
    doubles[place + 2] = duration;
    doubles[place + 3] = a;
    doubles[place + 4] = b;
    doubles[place + 5] = c;
    doubles[place + 6] = d;
    doubles[place + 7] = e;
    Atomics.store(words, HEAD, head + 1 | 0);
  }

  /** Hands every note to `read`, oldest first, and empties the ring; called by the owner only. */
  drain(read: (doubles: Float64Array<ArrayBuffer>, place: number) => void): void {
    const words = this.#words;
    const head = Atomics.load(words, HEAD);
    for (let tail = words[TAIL]; tail !== head; tail = tail + 1 | 0) {
      read(this.#doubles, HEAD_DOUBLES + (tail & CAPACITY - 1) * NOTE_DOUBLES);
    }
    Atomics.store(words, TAIL, head);
  }

  /** How many notes were lost since this was asked last. */
  takeLost(): number {
    return Atomics.exchange(this.#words, LOST, 0);
  }
}

/** A thread's, or the owner's, part in the trace: it notes what that thread does. */
export class ThreadTrace implements Onlooker {
  readonly ring: TraceRing;
  readonly #port: number;
  readonly #origin: number = performance.timeOrigin;
  /** When the last thing that took time was done, as `performance.now()`. */
  #doneAt = 0;

  /** Notes into `ring`; of operations those on the port at this place. */
  constructor(ring: TraceRing, port: number) {
    this.ring = ring;
    this.#port = port;
    lookOn(this);
  }

  started(place: number): void {
    const facts = factsOf(place);
    if (facts.port !== this.#port) return;
    const { kind, overlapped, offset, tag, bytes } = facts;
    this.ring.note(NOTE_STARTED, timeNow(), 0, kind + 1, overlapped, offset, tag, bytes);
  }

  refused(place: number): void {
    const { port, kind, overlapped } = factsOf(place);
    if (port === this.#port) this.ring.note(NOTE_REFUSED, timeNow(), 0, kind + 1, overlapped);
  }

  /**
   * When a packet is begun with of a batch that was taken at `takenAt`: as soon as the last
   * one is done with. Two looks at the clock would be most of what a traced packet costs.
   */
  begin(takenAt: number): number {
    return Math.max(this.#doneAt, takenAt);
  }

  /** The packet of an operation has been taken; times here and below as `performance.now()`. */
  ended(packet: Packet, takenAt: number): void {
    const { operation, overlapped, bytesTransferred, error } = packet;
    if (operation === null) return;
    const at = this.#origin + takenAt;
    const kind = kindNumber(packet);
    this.ring.note(NOTE_ENDED, at, 0, kind, overlapped, bytesTransferred, 0, error?.code ?? 0);
  }

  /** The handler of a packet is done. */
  handled(packet: Packet, begunAt: number): void {
    const { key, operation, overlapped, bytesTransferred, error } = packet;
    const [at, duration] = this.#span(begunAt);
    const mark = operation === null ? overlapped : operation.tag;
    const kind = kindNumber(packet);
    const code = error?.code ?? 0;
    this.ring.note(NOTE_PACKET, at, duration, kind, key, bytesTransferred, mark, code);
  }

  /** A task is done. */
  ran(name: number, hasFailed: boolean, begunAt: number): void {
    const [at, duration] = this.#span(begunAt);
    this.ring.note(NOTE_TASK, at, duration, name, hasFailed ? 1 : 0);
  }

  /** A handler has said that it blocks, and does so no more. */
  waited(begunAt: number): void {
    const [at, duration] = this.#span(begunAt);
    this.ring.note(NOTE_BLOCKED, at, duration, 0);
  }

  [Symbol.dispose](): void {
    lookAway(this);
    this.ring.buffer.free();
  }

  #span(begunAt: number): [at: number, duration: number] {
    this.#doneAt = performance.now();
    return [this.#origin + begunAt, this.#doneAt - begunAt];
  }
}

function kindNumber({ operation }: Packet): number {
  return operation === null ? 0 : kindNumberOf(operation) + 1;
}
