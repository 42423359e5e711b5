/**
 * What all threads of a stress run share: one word for every packet and operation, in which each
 * thread notes what it did with it, and a few more to see from outside how the run goes.
 *
 * @module
 */

/** Ports of a run that live as long as it does. */
export const PORTS = 4;

/** Threads at work at once. */
export const THREADS = 8;

/** Open files that all threads use, open and close. */
export const SLOTS = 16;

/** Temporary ports that all threads know. */
export const TEMPORARY = 4;

// What a number's word says: how often its packet was taken, in the low byte, and:
/** It was posted, or the operation was started. */
export const STARTED = 0x100;
/** The post or start threw: no packet may come. */
export const REFUSED = 0x10000;
/** It went to a temporary port, which may be closed before the packet is taken. */
export const TEMPORARY_PORT = 0x1000000;
/** How often it was taken. */
export const TAKEN_MASK = 0xff;

/** The error with which a thread ends that was told to end by one. */
export const ENDS_BY_ERROR = "it ends by an error, as it was told";

/** The board in the form that `postMessage` can send. */
export interface BoardToken {
  readonly marks: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
  readonly tokens: SharedArrayBuffer;
}

/** Words of the board before those of the ports. */
const NEXT = 0;
const TAKEN = 1;
const WRITES = 2;
const POSTED_AT = 3;
const TAKEN_AT = POSTED_AT + PORTS;
const STATES_AT = TAKEN_AT + PORTS;

/** What a thread is doing: words of its own. */
const STATE_WORDS = 4;

/** What a thread says it does; the names are for whoever reads why a run hangs. */
export const DOINGS = [
  "has not begun",
  "take",
  "post",
  "read",
  "cancel",
  "close",
  "open",
  "temporary port",
  "guest of a temporary port",
  "blocking",
  "batch",
  "refused write",
  "waits for its end",
  "ended",
] as const;

/** One thread's view of the board. */
export class Board {
  /** The board in the form that `postMessage` can send. */
  readonly token: BoardToken;
  /** How many packets and operations the run is to have. */
  readonly size: number;
  readonly #marks: Int32Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #tokens: BigInt64Array<SharedArrayBuffer>;

  /** The board of a token. */
  constructor(token: BoardToken) {
    this.token = token;
    this.#marks = new Int32Array(token.marks);
    this.#words = new Int32Array(token.words);
    this.#tokens = new BigInt64Array(token.tokens);
    // A thread takes its number before it looks at the size: each may go one burst too far.
    this.size = this.#marks.length - THREADS * 1024;
  }

  /** A new board for `size` packets and operations, its memory used from the beginning. */
  static create(size: number): Board {
    const marks = new SharedArrayBuffer((size + THREADS * 1024) * 4);
    new Int32Array(marks).fill(0);
    const words = new SharedArrayBuffer((STATES_AT + THREADS * STATE_WORDS) * 4);
    const tokens = new SharedArrayBuffer((SLOTS + TEMPORARY) * 8);
    const board = new Board({ marks, words, tokens });
    Atomics.store(board.#words, NEXT, 1);
    return board;
  }

  /** A number that no packet and no operation has had. */
  next(): number {
    return Atomics.add(this.#words, NEXT, 1);
  }

  /** Numbers given out. */
  begun(): number {
    return Atomics.load(this.#words, NEXT) - 1;
  }

  /** Whether the run has had as many packets and operations as it should. */
  isFull(): boolean {
    return this.begun() >= this.size;
  }

  /** Numbers without a packet so far; those of closed temporary ports are settled by who closed. */
  outstanding(): number {
    return this.begun() - Atomics.load(this.#words, TAKEN);
  }

  /** Notes `mark` for number `id`; numbers are from 1 on. */
  mark(id: number, mark: number): void {
    Atomics.add(this.#marks, id, mark);
  }

  /** Notes that no packet of `count` numbers has to be waited for. */
  settle(count: number): void {
    Atomics.add(this.#words, TAKEN, count);
  }

  /** Number `id` has been taken; what was noted of it before. */
  took(id: number): number {
    if (!(Number.isInteger(id) && id > 0 && id < this.#marks.length)) {
      throw new Error(`A packet with a number that nobody has posted: ${id}`);
    }
    return Atomics.add(this.#marks, id, 1);
  }

  /** What is noted of number `id`. */
  markOf(id: number): number {
    return Atomics.load(this.#marks, id);
  }

  /** The packets posted to port `port` and taken from it, as the threads counted them. */
  counts(port: number): { posted: number; taken: number } {
    return {
      posted: Atomics.load(this.#words, POSTED_AT + port),
      taken: Atomics.load(this.#words, TAKEN_AT + port),
    };
  }

  /** Counts a packet posted to port `port`. */
  countPost(port: number): void {
    Atomics.add(this.#words, POSTED_AT + port, 1);
  }

  /** Counts a write that the system has refused, and for which the core posts the packet. */
  countRefusedWrite(): void {
    Atomics.add(this.#words, WRITES, 1);
  }

  /** Writes that were refused. */
  refusedWrites(): number {
    return Atomics.load(this.#words, WRITES);
  }

  /** Counts packets taken from port `port`. */
  countTakes(port: number, count: number): void {
    Atomics.add(this.#words, TAKEN_AT + port, count);
  }

  /** The thread in `seat` begins something. */
  say(seat: number, doing: typeof DOINGS[number], port = -1): void {
    const at = STATES_AT + seat * STATE_WORDS;
    Atomics.store(this.#words, at + 1, port);
    Atomics.store(this.#words, at, DOINGS.indexOf(doing));
    Atomics.add(this.#words, at + 2, 1);
  }

  /** What the thread in `seat` last said. */
  doing(seat: number): { what: string; port: number; steps: number } {
    const at = STATES_AT + seat * STATE_WORDS;
    const [what, port, steps] = this.#words.subarray(at, at + 3);
    return { what: DOINGS[what], port, steps };
  }

  /** A number that changes whenever anything goes on. */
  progress(): number {
    return Atomics.load(this.#words, NEXT) + Atomics.load(this.#words, TAKEN);
  }

  /** Puts a thing's token where all threads find it, and returns the one that was there. */
  exchange(at: number, token: Place | null): Place | null {
    const packed = token === null ? 0n : BigInt(token.place) << 32n | BigInt(token.generation);
    return unpack(Atomics.exchange(this.#tokens, at, packed));
  }

  /** The token that is there. */
  lookAt(at: number): Place | null {
    return unpack(Atomics.load(this.#tokens, at));
  }
}

/** What a token is made of, beside its kind. */
export interface Place {
  readonly place: number;
  readonly generation: number;
}

function unpack(packed: bigint): Place | null {
  if (packed === 0n) return null;
  return { place: Number(packed >> 32n), generation: Number(packed & 0xffff_ffffn) };
}
