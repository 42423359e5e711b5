/**
 * What is done for a thread that has ended: packets it had taken and not begun go
 * back to the queue, what it had in its hands is told, what it kept is given back.
 *
 * Called by the owner once the operating system says that the thread has ended:
 * nobody writes to its record any more.
 *
 * @module
 */

import { dropBuffer } from "../core/holds.ts";
import { Win32Error } from "../core/errors.ts";
import { KINDS } from "../core/kinds.ts";
import type { CompletionPort } from "../core/port.ts";
import { buryEnded, ENTRY_BYTES, Taker } from "../core/taker.ts";
import * as boards from "./board.ts";
import { batchOfRest, type Board, countOfRest, nextOfRest, packRest } from "./board.ts";
import type { FaultyPacket } from "./faults.ts";

/** What a thread left behind. */
export interface Remains {
  /** The packet that was in its hands. */
  readonly packet: FaultyPacket | null;
  /** The slot of the task that was in its hands, or -1. */
  readonly task: number;
  /** Whether it was on an errand. */
  readonly errand: boolean;
  /** Whether it had taken its stop. */
  readonly wasStopped: boolean;
}

/** Puts packets back that their thread has taken along and not begun. */
export class Returns {
  readonly #port: CompletionPort;
  readonly #board: Board;
  /** Takes from the owner's room. */
  readonly #taker: Taker;
  readonly #room: number;
  /** Packets that the queue had no room for. */
  #strays: Uint8Array[] = [];

  /** Returns to `port`, of threads whose records are on `board`. */
  constructor(port: CompletionPort, board: Board) {
    this.#port = port;
    this.#board = board;
    const room = board.roomOf(boards.OWNER);
    this.#taker = new Taker(port, room, boards.BATCH);
    this.#room = room - board.buffer.address;
  }

  /** Packets that wait for room in the queue. */
  get strays(): number {
    return this.#strays.length;
  }

  /**
   * Puts back what is left of `rest`, the batch of thread `index` as it was last seen:
   * nothing if the thread has gone on meanwhile. It lies behind all others then.
   */
  putBack(index: number, rest: number): void {
    const next = nextOfRest(rest);
    const count = countOfRest(rest);
    if (next === count) return;
    const { words, bytes } = this.#board;
    // A copy: as soon as the rest is claimed, the thread may take a new batch.
    const start = this.#board.roomOf(index) - this.#board.buffer.address;
    const packets = bytes.slice(start + next * ENTRY_BYTES, start + count * ENTRY_BYTES);
    const at = this.#board.thread(index) + boards.T_REST;
    const claimed = packRest(batchOfRest(rest), next, next);
    if (Atomics.compareExchange(words, at, rest, claimed) !== rest) return;
    words[this.#board.thread(boards.OWNER) + boards.T_DONE] += count - next;
    for (let i = 0; i < packets.length; i += ENTRY_BYTES) {
      this.#strays.push(packets.subarray(i, i + ENTRY_BYTES));
    }
    this.tryAgain();
  }

  /** Puts back what there was no room for. */
  tryAgain(): void {
    if (this.#strays.length === 0) return;
    const isBack = (packet: Uint8Array): boolean => {
      this.#board.bytes.set(packet, this.#room);
      return this.#port.isClosed || this.#taker.postBack(0);
    };
    const left = this.#strays.findIndex((packet) => !isBack(packet));
    this.#strays = left < 0 ? [] : this.#strays.slice(left);
  }
}

/** Gives back and puts back what the ended thread `index` had. Its record is free then. */
export function bury(
  port: CompletionPort,
  board: Board,
  returns: Returns,
  index: number,
): Remains {
  const { words } = board;
  const at = board.thread(index);
  const hand = words[at + boards.T_HAND];
  const packet = hand === boards.HAND_PACKET ? packetInHand(port, board, index) : null;
  returns.putBack(index, words[at + boards.T_REST]);
  if (packet !== null) {
    words[at + boards.T_DONE]++;
    if (packet.operation === null) words[at + boards.T_DONE_POSTED]++;
  }
  const errand = words[at + boards.T_ERRAND] !== 0;
  if (errand) {
    words[at + boards.T_DONE]++;
    words[at + boards.T_DONE_POSTED]++;
  }
  if (words[at + boards.T_KEEPS] !== 0) dropBuffer(board.buffer.place);
  // What the core notes of threads: the one that has ended takes from the port no more.
  buryEnded();
  const task = hand === boards.HAND_TASK ? words[at + boards.T_TASK] : -1;
  return { packet, task, errand, wasStopped: words[at + boards.T_STOP] !== 0 };
}

/** The packet that the thread was handling; its operation's memory was given back then. */
function packetInHand(port: CompletionPort, board: Board, index: number): FaultyPacket {
  const { words, doubles } = board;
  const at = board.thread(index);
  const taker = new Taker(port, board.roomOf(index), boards.BATCH);
  const { key, bytesTransferred, overlapped } = taker.raw(words[at + boards.T_INDEX]);
  const row = KINDS[words[at + boards.T_KIND] - 1];
  if (row === undefined) {
    return { key, bytesTransferred, overlapped, operation: null, error: null };
  }
  const code = words[at + boards.T_CODE];
  const [tag, offset] = [boards.T_TAG, boards.T_OFFSET].map((word) => doubles[at + word >> 1]);
  const operation = { kind: row.kind, tag, offset };
  const error = code === 0 ? null : new Win32Error(code, row.call);
  return { key, bytesTransferred, overlapped, operation, error };
}
