/**
 * The io_uring of a port, as one thread sees it: its two rings are memory shared
 * with the kernel, described by io_uring(7) and io_uring_setup(2).
 *
 * A port has one ring for all its threads. Filling submission entries and
 * reading completions happens with the port's lock held; entering the kernel
 * does not. The rings stay mapped until the port's place is given back.
 *
 * @module
 */

import { ioUring } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import * as errno from "./errno.ts";
import { beginRun, endRun, reaped, reaping, runLength } from "./journal.ts";
import * as layout from "./layout.ts";
import { timespec } from "./park.ts";
import { type Engine, NO_REQUEST } from "./engine.ts";
import { endDelivered, endPlain, isPlain, putPlain } from "./plain.ts";
import type { Port } from "./port.ts";
import { completeRequest } from "./requests.ts";
import { TAIL_MASK } from "./tail.ts";
import { descriptorOf } from "./descriptors.ts";
import { region } from "./region.ts";
import {
  PARAMS_CQ_OFF,
  PARAMS_SQ_ENTRIES,
  PARAMS_SQ_OFF,
  readAddress,
  SQE_WORDS,
  writeAddress,
} from "./ring-memory.ts";
import { POLL, type Rules, rulesOf, TIMER, WRITE } from "./rules.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  H_FD,
  P_RING,
  P_RING_ADDRESS,
  P_RING_BYTES,
  P_RING_PARAMS,
  P_SQES_ADDRESS,
  R_ADDRESS,
  R_DONE,
  R_FLAGS,
  R_GENERATION,
  R_HANDLE,
  R_KIND,
  R_LENGTH,
  R_OFFSET,
  R_OPCODE,
  T_GETEVENTS,
  T_TIMESPEC,
  X_TIMESPEC,
} = layout;

const IORING_ENTER_GETEVENTS = 1;
const IORING_ENTER_EXT_ARG = 1 << 3;
const IORING_SQ_CQ_OVERFLOW = 1 << 1;
const IORING_SQ_TASKRUN = 1 << 2;

const IORING_OP_NOP = 0;
const IORING_OP_ASYNC_CANCEL = 14;

/** A completion, in words. */
const CQE_WORDS = 4;

const NOTHING = word(0);

/** One thread's view of a port's ring. */
export class Ring implements Engine {
  readonly completesOnSubmit = false;
  readonly #port: number;
  readonly #fd: number;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #sqes: Int32Array<ArrayBuffer>;
  readonly #sqHead: number;
  /** How far the kernel has taken entries at least, as this thread has seen it since its last `submit`. */
  #headSeen: number;
  readonly #sqTail: number;
  readonly #sqFlags: number;
  readonly #sqEntries: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqMask: number;
  readonly #cqes: number;

  /** The ring of the port whose first word is `port`; the port keeps it mapped. */
  constructor(port: number) {
    const { words } = region();
    const params = port + P_RING_PARAMS;
    const sq = params + PARAMS_SQ_OFF;
    const cq = params + PARAMS_CQ_OFF;
    this.#port = port;
    this.#fd = words[port + P_RING] - 1;
    this.#words = new Int32Array(
      view(readAddress(port + P_RING_ADDRESS), words[port + P_RING_BYTES]),
    );
    this.#sqEntries = words[params + PARAMS_SQ_ENTRIES];
    this.#sqes = new Int32Array(
      view(readAddress(port + P_SQES_ADDRESS), this.#sqEntries * SQE_WORDS * 4),
    );
    this.#sqHead = words[sq] >>> 2;
    this.#sqTail = words[sq + 1] >>> 2;
    this.#sqFlags = words[sq + 4] >>> 2;
    this.#cqHead = words[cq] >>> 2;
    this.#cqTail = words[cq + 1] >>> 2;
    this.#cqMask = this.#words[words[cq + 2] >>> 2];
    this.#cqes = words[cq + 5] >>> 2;
    this.#headSeen = this.#unseenHead();
  }

  /** How many entries were ever filled. */
  position(): number {
    return this.#words[this.#sqTail];
  }

  /** Entries filled and not yet taken by the kernel. */
  unsubmitted(): number {
    // The head first: read the other way round it may be ahead of the tail.
    const head = Atomics.load(this.#words, this.#sqHead);
    return Atomics.load(this.#words, this.#sqTail) - head | 0;
  }

  /** Puts what is left of the request on the ring. */
  start(request: number): void {
    const { words } = region();
    const kind = words[request + R_KIND];
    if (kind > WRITE) this.#startOther(request, rulesOf(kind));
    else this.#startTransfer(request, words[words[request + R_HANDLE] + H_FD]);
    this.#publish();
  }

  /** What is left of a transfer from or to an address. Returns where its entry begins. */
  #startTransfer(request: number, fd: number): number {
    const { words } = region();
    const done = words[request + R_DONE] >>> 0;
    const address = readAddress(request + R_ADDRESS) + done;
    const offsetLow = words[request + R_OFFSET];
    const offsetHigh = words[request + R_OFFSET + 1];
    const isPosition = !(offsetLow === -1 && offsetHigh === -1);
    const low = (offsetLow >>> 0) + done;
    return this.#push(
      words[request + R_OPCODE],
      fd,
      address | 0,
      address / 0x100000000 | 0,
      (words[request + R_LENGTH] >>> 0) - done | 0,
      isPosition ? low | 0 : -1,
      isPosition && low > 0xFFFFFFFF ? offsetHigh + 1 : offsetHigh,
      words[request + R_FLAGS],
      request,
      words[request + R_GENERATION],
    );
  }

  /** The ring says when the events have come, or when the time is over, or carries it out. */
  #startOther(request: number, rules: Rules): void {
    const { words, address } = region();
    const opcode = words[request + R_OPCODE];
    const life = words[request + R_GENERATION];
    if (opcode === TIMER) {
      const time = address + (layout.annexOf(request) + X_TIMESPEC) * 4;
      this.#push(TIMER, -1, time | 0, time / 0x100000000 | 0, 1, 0, 0, 0, request, life);
    } else if (opcode === POLL) {
      this.#push(POLL, descriptorOf(request), 0, 0, 0, 0, 0, rules.events, request, life);
    } else {
      const at = this.#startTransfer(request, descriptorOf(request));
      rules.fill?.(request, this.#sqes, at);
    }
  }

  /** Asks the kernel to end the request. */
  cancel(request: number): void {
    const life = region().words[request + R_GENERATION];
    this.#push(IORING_OP_ASYNC_CANCEL, -1, request, life, 0, 0, 0, 0, NO_REQUEST, 0);
    this.#publish();
  }

  /** An empty operation: its completion ends a wait. */
  nudge(): void {
    this.#push(IORING_OP_NOP, -1, 0, 0, 0, 0, 0, 0, NO_REQUEST, 0);
    this.#publish();
  }

  /**
   * Fills the next entry and returns where it begins; `#publish` puts it on the
   * ring. If the ring is full, hands it to the kernel first.
   */
  #push(
    opcode: number,
    fd: number,
    addressLow: number,
    addressHigh: number,
    length: number,
    offsetLow: number,
    offsetHigh: number,
    flags: number,
    userLow: number,
    userHigh: number,
  ): number {
    const tail = this.#words[this.#sqTail];
    if (tail - this.#headSeen >>> 0 >= this.#sqEntries) this.#makeRoom(tail);
    const at = (tail & this.#sqEntries - 1) * SQE_WORDS;
    const sqes = this.#sqes;
    sqes[at] = opcode;
    sqes[at + 1] = fd;
    sqes[at + 2] = offsetLow;
    sqes[at + 3] = offsetHigh;
    sqes[at + 4] = addressLow;
    sqes[at + 5] = addressHigh;
    sqes[at + 6] = length;
    sqes[at + 7] = flags;
    sqes[at + 8] = userLow;
    sqes[at + 9] = userHigh;
    // Word by word: a call of `fill` takes longer than all of this.
    sqes[at + 10] = 0;
    sqes[at + 11] = 0;
    sqes[at + 12] = 0;
    sqes[at + 13] = 0;
    sqes[at + 14] = 0;
    sqes[at + 15] = 0;
    return at;
  }

  /** So far back that the next entry is filled after a look: what was seen long ago may be of another round. */
  #unseenHead(): number {
    return this.#words[this.#sqTail] - this.#sqEntries | 0;
  }

  /** Looks at the head once a batch and not at each entry: two atomic loads, 9 ns each in V8. */
  #makeRoom(tail: number): void {
    for (;;) {
      this.#headSeen = Atomics.load(this.#words, this.#sqHead);
      if ((tail - this.#headSeen | 0) < this.#sqEntries) return;
      this.submit();
    }
  }

  /** Another thread may hand the entry to the kernel from here on, without the lock. */
  #publish(): void {
    Atomics.store(this.#words, this.#sqTail, this.#words[this.#sqTail] + 1 | 0);
  }

  /**
   * Hands all filled entries to the kernel. False if it takes none now because
   * completions must be read first (EBUSY) or memory is short (EAGAIN).
   */
  submit(): boolean {
    this.#headSeen = this.#unseenHead();
    for (;;) {
      const count = this.unsubmitted();
      if (count <= 0) return true;
      const taken = ioUring().syscall(
        errno.SYS_io_uring_enter,
        this.#fd,
        count,
        0,
        0,
        NOTHING,
        NOTHING,
      );
      if (taken < 0 && errno.errno() !== errno.EINTR) return false;
    }
  }

  /**
   * Waits in the kernel until there is a completion, at most `milliseconds`. Also
   * submits what is filled. May return for no reason.
   */
  wait(thread: number, milliseconds: number): void {
    const { words, address } = region();
    const arguments_ = thread + T_GETEVENTS;
    words.fill(0, arguments_, arguments_ + 6);
    if (milliseconds !== Infinity) {
      timespec(thread, milliseconds);
      writeAddress(arguments_ + 4, address + (thread + T_TIMESPEC) * 4);
    }
    ioUring().syscall(
      errno.SYS_io_uring_enter,
      this.#fd,
      this.unsubmitted(),
      1,
      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
      word(address + arguments_ * 4),
      word(24),
    );
  }

  /** Whether there are completions to read. */
  hasCompletions(): boolean {
    const words = this.#words;
    return Atomics.load(words, this.#cqTail) !== words[this.#cqHead] ||
      (Atomics.load(words, this.#sqFlags) & IORING_SQ_CQ_OVERFLOW) !== 0;
  }

  /**
   * What has become ready is completed when the thread that started it is next in the kernel: here, if
   * that is the calling one. Under the lock.
   */
  catchUp(): void {
    if ((Atomics.load(this.#words, this.#sqFlags) & IORING_SQ_TASKRUN) !== 0) this.#getEvents();
  }

  /** Reads all completions. Under the lock. */
  reap(port: Port): void {
    const words = this.#words;
    for (;;) {
      let head = words[this.#cqHead];
      const tail = Atomics.load(words, this.#cqTail);
      while (head !== tail) {
        head = this.#endPlain(port, head, tail);
        if (head === tail) break;
        this.#complete(port, head);
        head = head + 1 | 0;
      }
      if ((Atomics.load(words, this.#sqFlags) & IORING_SQ_CQ_OVERFLOW) === 0) return;
      // More completions than the ring holds: the kernel moves in those it kept.
      this.#getEvents();
    }
  }

  /**
   * Ends the requests of the completions from `head` on that need no more than that, and
   * returns which is the first that does. Their packets become the queue's together, and the
   * completions stay on the ring until all is done: should the thread end before that,
   * either nothing has happened, or `replay` goes on from there. So none of them needs a note.
   */
  #endPlain(port: Port, head: number, tail: number): number {
    if (!port.isOpen()) return head;
    const words = this.#words;
    let end = head;
    for (; end !== tail; end = end + 1 | 0) {
      const at = this.#at(end);
      if (!isPlain(words[at], words[at + 1], words[at + 2])) break;
    }
    if (end === head) return head;
    const { queue } = port;
    const count = end - head | 0;
    const first = queue.beginRun(count);
    for (let index = 0; index < count; index++) {
      const at = this.#at(head + index);
      putPlain(port, first + index & TAIL_MASK, words[at], words[at + 2]);
    }
    beginRun(this.#port, head, end, first);
    queue.endRun(first, count);
    for (let index = 0; index < count; index++) endPlain(port, words[this.#at(head + index)]);
    Atomics.store(words, this.#cqHead, end);
    return end;
  }

  /** The first word of the completion of this number. */
  #at(number: number): number {
    return this.#cqes + (number & this.#cqMask) * CQE_WORDS;
  }

  /** A thread has ended in such a run: the requests that have their packets end. */
  replay(port: Port): void {
    const words = this.#words;
    const head = words[this.#cqHead];
    const count = runLength(this.#port, head, port.queue.tail());
    for (let index = 0; index < count; index++) {
      const at = this.#at(head + index);
      endDelivered(port, words[at], words[at + 1]);
    }
    if (count !== 0) Atomics.store(words, this.#cqHead, head + count | 0);
    endRun(this.#port);
  }

  /** Does with one completion what its request's rules say. */
  #complete(port: Port, head: number): void {
    const words = this.#words;
    const at = this.#at(head);
    const request = words[at];
    const life = words[at + 1];
    const result = words[at + 2];
    if (request !== NO_REQUEST) reaping(this.#port, request, life, result, this.position());
    // The entry may be overwritten from here on, also by what the request submits.
    Atomics.store(words, this.#cqHead, head + 1 | 0);
    completeRequest(port, request, life, result);
    reaped(this.#port);
  }

  #getEvents(): void {
    const flags = IORING_ENTER_GETEVENTS;
    ioUring().syscall(errno.SYS_io_uring_enter, this.#fd, 0, 0, flags, NOTHING, NOTHING);
  }
}
