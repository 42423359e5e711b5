/**
 * What the threads of a copy share: for each slot what is to be done, and what came of it.
 *
 * @module
 */

import type { HandleToken } from "../../mod.ts";

/** Numbers of a slot. */
const NUMBERS = 7;
const STEP = 0;
const LENGTH = 1;
const TARGET_PLACE = 2;
const TARGET_GENERATION = 3;
const KEY = 4;
const CODE = 5;
const BYTES = 6;

/** The first word counts what is done; behind it a word for each slot says whether it is. */
const FIRST_STATE = 1;

/** What a slot's next packet means. */
export const STEPS = ["read", "write", "read source", "read copy"] as const;

/** One of these. */
export type Step = typeof STEPS[number];

/** What came of a slot: its last operation, of which side, and how it went. */
export interface Outcome {
  readonly tag: number;
  readonly key: number;
  /** The code of the failure; 0 if it has not failed. */
  readonly code: number;
  readonly bytes: number;
}

/** What each thread is handed. */
export interface SlotMemory {
  readonly numbers: Float64Array<SharedArrayBuffer>;
  /** How many slots were done, to wait on; and which are. */
  readonly done: Int32Array<SharedArrayBuffer>;
}

/** The slots, as one thread sees them. A slot is written by the owner, then by whoever has its packet. */
export class Slots {
  readonly memory: SlotMemory;
  readonly #numbers: Float64Array<SharedArrayBuffer>;

  /** The slots in this memory. */
  constructor(memory: SlotMemory) {
    this.memory = memory;
    this.#numbers = memory.numbers;
  }

  /** Memory for so many slots. */
  static allocate(count: number): Slots {
    return new Slots({
      numbers: new Float64Array(new SharedArrayBuffer(count * NUMBERS * 8)),
      done: new Int32Array(new SharedArrayBuffer((FIRST_STATE + count) * 4)),
    });
  }

  /** The slot begins with `step` on a block of `length` bytes. */
  begin(tag: number, step: Step, length: number, target: HandleToken): void {
    const at = tag * NUMBERS;
    this.#numbers[at + LENGTH] = length;
    this.#numbers[at + TARGET_PLACE] = target.place;
    this.#numbers[at + TARGET_GENERATION] = target.generation;
    this.step(tag, step);
  }

  /** The slot's next packet is of this step. */
  step(tag: number, step: Step): void {
    this.#numbers[tag * NUMBERS + STEP] = STEPS.indexOf(step);
  }

  /** What the packet in hand is of. */
  stepOf(tag: number): Step {
    return STEPS[this.#numbers[tag * NUMBERS + STEP]];
  }

  /** Bytes of the slot's block. */
  lengthOf(tag: number): number {
    return this.#numbers[tag * NUMBERS + LENGTH];
  }

  /** The file that the slot writes, or reads back. */
  targetOf(tag: number): HandleToken {
    const at = tag * NUMBERS;
    return {
      kind: "iocp.file",
      place: this.#numbers[at + TARGET_PLACE],
      generation: this.#numbers[at + TARGET_GENERATION],
    };
  }

  /** The slot is done with, and the owner is told. */
  finish({ tag, key, code, bytes }: Outcome): void {
    const at = tag * NUMBERS;
    this.#numbers[at + KEY] = key;
    this.#numbers[at + CODE] = code;
    this.#numbers[at + BYTES] = bytes;
    const { done } = this.memory;
    Atomics.store(done, FIRST_STATE + tag, 1);
    Atomics.add(done, 0, 1);
    Atomics.notify(done, 0);
  }

  /** The slots that are done and have not been asked for; called by the owner. */
  takeDone(): Outcome[] {
    const found: Outcome[] = [];
    const { done } = this.memory;
    for (let tag = 0; FIRST_STATE + tag < done.length; tag++) {
      if (Atomics.exchange(done, FIRST_STATE + tag, 0) === 0) continue;
      const at = tag * NUMBERS;
      const [key, code, bytes] = this.#numbers.subarray(at + KEY, at + BYTES + 1);
      found.push({ tag, key, code, bytes });
    }
    return found;
  }
}
