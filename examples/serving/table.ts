/**
 * The connections of a server, in memory that all its threads share.
 *
 * A connection is a slot: its number is the key of its socket and the tag of the accept
 * that it came by, so that whichever thread takes a packet finds all there is to know. A
 * connection has one operation in flight at a time: whoever has its packet in hand has the
 * connection to itself, and needs no lock.
 *
 * @module
 */

import type { BufferToken, HandleToken } from "../../mod.ts";

// States of a slot.
const FREE = 0;
/** Being made, or waiting for its client. */
const TAKEN = 1;
/** It has its client. */
const OPEN = 2;
/** The owner looks at it. */
const HELD = 3;

// Words of the table.
const NOW = 0;
const CLOSING = 1;
const OWED = 2;
const HINT = 3;
const HEAD_WORDS = 4;

// Words of a slot.
const STATE = 0;
const PLACE = 1;
const GENERATION = 2;
const DEADLINE = 3;
/** Whether it waits for its client to send something new. */
const IDLE = 4;
/** From here on the words are the server's own. */
const OWN = 6;
const SLOT_WORDS = 16;

/** Words of each slot that are the server's own. */
export const OWN_WORDS: number = SLOT_WORDS - OWN;

/** What each thread is handed. */
export interface TableData {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The memory of all slots, one after the other. */
  readonly memory: BufferToken;
  /** Bytes of each slot's. */
  readonly byteLength: number;
  /** The listening socket. */
  readonly listener: HandleToken;
  /** Whether clients come by IPv6. */
  readonly family: "ipv4" | "ipv6";
}

/** The table, as one thread sees it. */
export class Table {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The same memory as numbers of 64 bits: word `n` begins the one at `n / 2`. */
  readonly numbers: Float64Array<SharedArrayBuffer>;
  /** How many slots there are. */
  readonly length: number;

  constructor(words: Int32Array<SharedArrayBuffer>) {
    this.words = words;
    this.numbers = new Float64Array(words.buffer);
    this.length = (words.length - HEAD_WORDS) / SLOT_WORDS;
  }

  /** The words of a table of so many slots. */
  static wordsFor(slots: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(new SharedArrayBuffer((HEAD_WORDS + slots * SLOT_WORDS) * 4));
  }

  /** Where the slot's own words begin: at an even place. */
  own(slot: number): number {
    return HEAD_WORDS + slot * SLOT_WORDS + OWN;
  }

  /** A free slot, which is the caller's now; -1 if there is none. */
  take(): number {
    const { words, length } = this;
    const first = Atomics.load(words, HINT);
    for (let i = 0; i < length; i++) {
      const slot = (first + i) % length;
      const state = this.#at(slot) + STATE;
      if (words[state] !== FREE) continue;
      if (Atomics.compareExchange(words, state, FREE, TAKEN) !== FREE) continue;
      Atomics.store(words, HINT, (slot + 1) % length);
      return slot;
    }
    return -1;
  }

  /** Writes down which socket the slot has. */
  setToken(slot: number, { place, generation }: HandleToken): void {
    const at = this.#at(slot);
    this.words[at + PLACE] = place;
    this.words[at + GENERATION] = generation;
  }

  /** The socket of the slot. */
  token(slot: number): HandleToken {
    const at = this.#at(slot);
    const { [at + PLACE]: place, [at + GENERATION]: generation } = this.words;
    return { kind: "iocp.socket", place, generation };
  }

  /** Whether the slot's socket is this one. */
  isSocket(slot: number, { place, generation }: HandleToken): boolean {
    const at = this.#at(slot);
    return this.words[at + PLACE] === place && this.words[at + GENERATION] === generation;
  }

  /** The slot has its client: from here on its deadline counts. */
  open(slot: number): void {
    const at = this.#at(slot);
    this.words.fill(0, at + DEADLINE, at + SLOT_WORDS);
    this.words[at + IDLE] = 1;
    Atomics.store(this.words, at + STATE, OPEN);
  }

  /** Gives the slot back, whose socket is closed. */
  release(slot: number): void {
    const at = this.#at(slot) + STATE;
    const { words } = this;
    // The owner may be looking at it, for as long as a call takes.
    for (;;) {
      const state = Atomics.load(words, at);
      if (state === HELD) Atomics.wait(words, at, HELD);
      else if (Atomics.compareExchange(words, at, state, FREE) === state) break;
    }
    Atomics.store(words, HINT, slot);
  }

  /** Sets the time after which the owner closes the slot's socket; 0: no such time. */
  setDeadline(slot: number, seconds: number): void {
    this.words[this.#at(slot) + DEADLINE] = seconds === 0 ? 0 : this.words[NOW] + seconds;
  }

  /** The owner's clock goes on. */
  tick(): void {
    Atomics.add(this.words, NOW, 1);
  }

  /** Calls `close` for each open slot that `mustEnd` says: its socket is its own until that returns. */
  sweep(mustEnd: (slot: number) => boolean, close: (token: HandleToken) => void): void {
    const { words, length } = this;
    for (let slot = 0; slot < length; slot++) {
      const at = this.#at(slot) + STATE;
      if (words[at] !== OPEN || !mustEnd(slot)) continue;
      if (Atomics.compareExchange(words, at, OPEN, HELD) !== OPEN) continue;
      try {
        if (mustEnd(slot)) close(this.token(slot));
      } finally {
        Atomics.store(words, at, OPEN);
        Atomics.notify(words, at);
      }
    }
  }

  /** Notes whether the slot waits for its client to send something new. */
  setIdle(slot: number, isIdle: boolean): void {
    this.words[this.#at(slot) + IDLE] = isIdle ? 1 : 0;
  }

  /** Whether it does. */
  isIdle(slot: number): boolean {
    return this.words[this.#at(slot) + IDLE] !== 0;
  }

  /** Whether the slot's time is over. */
  isLate(slot: number): boolean {
    const deadline = this.words[this.#at(slot) + DEADLINE];
    return deadline !== 0 && this.words[NOW] > deadline;
  }

  /** How many slots have a client. */
  countOpen(): number {
    let count = 0;
    for (let slot = 0; slot < this.length; slot++) {
      if (this.words[this.#at(slot) + STATE] >= OPEN) count++;
    }
    return count;
  }

  /** Whether the server takes no further clients and requests. */
  get isClosing(): boolean {
    return Atomics.load(this.words, CLOSING) !== 0;
  }

  /** From now on it is. */
  close(): void {
    Atomics.store(this.words, CLOSING, 1);
  }

  /** An accept could not be started: there is one to make up for. Returns false. */
  owe(): false {
    Atomics.add(this.words, OWED, 1);
    return false;
  }

  /** Takes over one accept that is owed, if there is one. */
  takeOwed(): boolean {
    const { words } = this;
    for (let owed = Atomics.load(words, OWED); owed > 0; owed = Atomics.load(words, OWED)) {
      if (Atomics.compareExchange(words, OWED, owed, owed - 1) === owed) return true;
    }
    return false;
  }

  #at(slot: number): number {
    return HEAD_WORDS + slot * SLOT_WORDS;
  }
}
