/**
 * A port as the threads of a pool use it: packets are taken into memory that
 * other threads see too, so that what a thread has taken and not handled is not
 * lost with it; and packets can be told from all that a user can post.
 *
 * @module
 */

import { runtime } from "../ffi/runtime.ts";
import {
  CompletionEntries,
  ERROR_INVALID_HANDLE,
  errorOfStatus,
  system,
  WAIT_TIMEOUT,
} from "../system/system.ts";
import { isMarkedClosed } from "./calls.ts";
import { Win32Error } from "./errors.ts";
import * as ledgers from "./ledger.ts";
import {
  GENERATION,
  H_CALLBACK,
  ledger,
  O_HANDLE,
  O_REFUSED,
  P_CALLS,
  P_MAX_QUEUED,
  P_POSTED,
  P_SYSTEM,
  P_TAKEN,
  P_UNTAKEN,
  T_TAKING,
} from "./ledger.ts";
import { inFlightOf } from "./flight.ts";
import { placeOf } from "./operation.ts";
import { type Packet, packetOf } from "./packet.ts";
import type { CompletionPort } from "./port.ts";
import { abandonTake, beginTaking, COUNTS, emptyState, endTaking } from "./port-life.ts";
import { freePosted } from "./quota.ts";
import { self } from "./threads.ts";

export { buryEnded, hasLifeEnded, lifeOfThread } from "./threads.ts";

/** Bytes of room that one packet takes. */
export const ENTRY_BYTES = 32;

/** Control packets carry addresses from here on in the ledger: no operation lies there. */
const FIRST_CONTROL = 64;
/** How many kinds of control packets there may be. */
const CONTROLS = 64;

/** What can be known of the packets of a port, for telling that it is at rest. */
export interface Flow {
  /** Packets in the queue. */
  readonly queued: number;
  /** Operations whose packet no thread has begun to handle. */
  readonly inFlight: number;
  /**
   * A count to hold the packets that were done with against: of all packets taken where the
   * system counts those exactly, else of all packets posted.
   */
  readonly count: number;
}

/** Whether `Flow.count` is of packets taken; if not, of packets posted. */
export const countsTaken: boolean = COUNTS;

/** One thread's way of taking packets from a port. */
export class Taker {
  readonly #handle: number;
  readonly #place: number;
  readonly #generation: number;
  readonly #entries: CompletionEntries;
  #isGathering = false;

  /** Packets of `port` are put into native memory at `address`, with room for `capacity` of them. */
  constructor(port: CompletionPort, address: number, capacity: number) {
    const { place, generation } = port.token;
    this.#place = place;
    this.#generation = generation;
    this.#handle = ledgers.readNumber(ledger().words, place + P_SYSTEM);
    this.#entries = new CompletionEntries(address, capacity);
  }

  /**
   * Takes up to `max` packets; blocks the calling thread. Returns how many; 0 if
   * `timeoutMs` has passed. From here until `letGo`, or until the thread takes from
   * something else, nobody recovers operations whose packets it may be holding.
   *
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) or ERROR_ABANDONED_WAIT_0 (735) if the port is closed.
   */
  take(max: number, timeoutMs: number): number {
    const { words } = ledger();
    const entries = this.#entries;
    this.submit();
    beginTaking(words, this.#place);
    const isOpen = this.#isOpen();
    let code: number = isOpen
      ? system.getQueuedCompletionStatusEx(this.#handle, entries, max, timeoutMs)
      : ERROR_INVALID_HANDLE;
    if (isOpen && system.reusesHandles && isMarkedClosed(words, this.#place + P_CALLS)) {
      code = abandonTake(words, this.#place, entries, code);
    }
    if (code === WAIT_TIMEOUT) return 0;
    if (code !== 0) throw new Win32Error(code, "GetQueuedCompletionStatusEx");
    if (!COUNTS) ledgers.addToCount(words, this.#place + P_TAKEN, entries.removed);
    if (words[this.#place + P_MAX_QUEUED] !== 0) freePosted(this.#place, entries, entries.removed);
    return entries.removed;
  }

  /**
   * Operations that this thread starts on the port from here on are handed to the kernel
   * together: when it takes again, or by `submit`.
   */
  gather(): void {
    this.#isGathering = true;
    system.gatherOperationsOn(this.#handle);
  }

  /** Hands over what was kept back since `gather`. */
  submit(): void {
    if (!this.#isGathering) return;
    this.#isGathering = false;
    system.gatherOperationsOn(0);
  }

  /** The thread holds no packet of the port any more. */
  letGo(): void {
    endTaking(ledger().words, this.#place);
  }

  /**
   * Whether the packets that this thread has taken are still its own. They may have
   * been recovered if it has taken from something else since, and the port was closed.
   */
  holds(): boolean {
    const { words } = ledger();
    if (words[self() + T_TAKING] === this.#place) return true;
    beginTaking(words, this.#place);
    return this.#isOpen();
  }

  #isOpen(): boolean {
    const { words } = ledger();
    return words[this.#place + GENERATION] === this.#generation &&
      !isMarkedClosed(words, this.#place + P_CALLS);
  }

  /** Which kind of control packet the packet at `index` is; -1 if it is the user's. */
  control(index: number): number {
    const overlapped = this.#entries.overlapped(index);
    if (overlapped === 0) return -1;
    const control = overlapped - ledger().address - FIRST_CONTROL;
    return control >= 0 && control < CONTROLS ? control : -1;
  }

  /** The key of the packet at `index`. */
  key(index: number): number {
    return this.#entries.key(index);
  }

  /** The numbers of the packet at `index`, without a look at its operation. */
  raw(index: number): { key: number; bytesTransferred: number; overlapped: number } {
    const entries = this.#entries;
    const overlapped = entries.overlapped(index);
    return { key: entries.key(index), bytesTransferred: entries.bytes(index), overlapped };
  }

  /** Which callback the packet at `index` is for; -1 if it is for none. */
  callback(index: number): number {
    const overlapped = this.#entries.overlapped(index);
    const place = overlapped === 0 ? -1 : placeOf(overlapped);
    if (place < 0) return -1;
    const { words } = ledger();
    return words[words[place + O_HANDLE] + H_CALLBACK] - 1;
  }

  /** The packet at `index`, to be handled: of an operation, its memory is given back here. */
  packet(index: number): Packet {
    return packetOf(this.#entries, index);
  }

  /**
   * Queues the packet at `index` again, as it is, behind all others. Returns false
   * if the queue is full. Without the count of those posted: it was posted once.
   */
  postBack(index: number): boolean {
    const entries = this.#entries;
    const overlapped = entries.overlapped(index);
    const place = overlapped === 0 ? -1 : placeOf(overlapped);
    const { words } = ledger();
    // A posted packet has no status: that of the operation is left where a refusal's would be.
    if (place >= 0 && words[place + O_REFUSED] === 0 && entries.status(index) >= 0x80000000) {
      const status = entries.status(index);
      words[place + O_REFUSED] = errorOfStatus(status) ?? system.rtlNtStatusToDosError(status);
    }
    const [bytes, key] = [entries.bytes(index), entries.key(index)];
    if (system.postQueuedCompletionStatus(this.#handle, bytes, key, overlapped) !== 0) return false;
    if (place < 0) this.#countUntaken();
    return true;
  }

  /**
   * Posts a control packet of kind `control`, which no user can post, whatever limit
   * the port has been given for posted packets.
   *
   * @throws {Win32Error} as `CompletionPort.post`.
   */
  post(control: number, key: number = 0): void {
    const { address, words } = ledger();
    const overlapped = address + FIRST_CONTROL + control;
    const code = system.postQueuedCompletionStatus(this.#handle, 0, key, overlapped);
    if (code !== 0) throw new Win32Error(code, "PostQueuedCompletionStatus");
    this.#countUntaken();
    if (!COUNTS) ledgers.addToCount(words, this.#place + P_POSTED, 1);
  }

  /** A packet more that will be taken as one that was posted. */
  #countUntaken(): void {
    const { words } = ledger();
    if (words[this.#place + P_MAX_QUEUED] !== 0) Atomics.add(words, this.#place + P_UNTAKEN, 1);
  }

  /** What can be known of the port's packets now; `null` if the port is closed. */
  flow(): Flow | null {
    const { words } = ledger();
    const inFlight = inFlightOf(this.#place);
    const state = emptyState();
    if (!this.#isOpen() || system.queryIoCompletion(this.#handle, state) !== 0) return null;
    const count = state.taken ?? ledgers.readNumber(words, this.#place + P_POSTED);
    return { queued: state.queued, inFlight, count };
  }
}

/** The calling thread stops counting as running until `endBlocking`: it will wait in something else. */
export function beginBlocking(): void {
  system.beginBlocking();
}

/** The calling thread counts as running again. */
export function endBlocking(): void {
  system.endBlocking();
}

/** Whether the calling thread is a Worker's. */
export function isWorker(): boolean {
  return runtime.isWorker;
}

/** Ends the calling Worker. Called last: it may not come back. */
export function endWorker(): void {
  runtime.endWorker();
}
