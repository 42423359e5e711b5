/**
 * The engine where io_uring is not to be had. Files are read and written by the
 * thread that starts the operation, when it submits; pipes and other streams
 * when epoll says that they are ready. Every promise of a port is kept; that a
 * start does not wait for the disk is not one that plain system calls can keep.
 *
 * @module
 */

import { libc, plain } from "../../ffi/libc.ts";
import { word } from "../../ffi/library.ts";
import { closeDescriptor, descriptorOf, openDescriptor } from "./descriptors.ts";
import type { Engine } from "./engine.ts";
import * as errno from "./errno.ts";
import { reaped, reaping } from "./journal.ts";
import * as layout from "./layout.ts";
import { eventsOf } from "./order.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { completeRequest } from "./requests.ts";
import { IN, rulesOf, TIMER } from "./rules.ts";
import { self } from "./threads.ts";
import { endTimer, startTimer } from "./timers.ts";

const EPOLL_CLOEXEC = 0x80000;
const EFD_CLOEXEC_NONBLOCK = 0x80800;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;
const EPOLLONESHOT = 0x40000000;

/** Events one wait takes; more stay for the next. */
const MAX_EVENTS = 64;

/** struct epoll_event is packed on x86-64 and nowhere else. */
const EVENT_BYTES = errno.isArm ? 16 : 12;
const DATA_OFFSET = errno.isArm ? 8 : 4;

/** What the sign of `X_OWNER` says: the thread will carry the request out, or has its result. */
const TO_DO = 1;
const ENDED = -1;

/** One thread's view of a port's epoll. */
export class Epoll implements Engine {
  readonly completesOnSubmit = true;
  readonly #port: number;
  readonly #epoll: number;
  readonly #event: number;
  readonly #events: Uint8Array<ArrayBuffer> = new Uint8Array(
    new ArrayBuffer(MAX_EVENTS * EVENT_BYTES),
  );
  readonly #fields: DataView = new DataView(this.#events.buffer);
  /** Requests on files that this thread carries out when it submits. */
  readonly #toDo: number[] = [];
  /** Requests that have ended here: each with its generation and its result behind it. */
  readonly #ended: number[] = [];
  /** Handles that a wait has found ready, each with its life behind it. */
  readonly #ready: number[] = [];
  #mustNudge = false;

  /** The epoll of the port whose first word is `port`; the port keeps it open. */
  constructor(port: number) {
    const { words } = region();
    this.#port = port;
    this.#epoll = words[port + layout.P_RING] - 1;
    this.#event = words[port + layout.P_EVENT] - 1;
  }

  start(request: number): void {
    const { words } = region();
    if (words[request + layout.R_OPCODE] === TIMER) this.#startTimer(request);
    else if (eventsOf(request) === 0) this.#postpone(request);
    else if (isApart(request) || !this.#isBehind(request)) this.#tryNow(request);
  }

  /** A call on the descriptor is announced under the lock, so that closing waits with it. */
  #postpone(request: number): void {
    openDescriptor(region().words[request + layout.R_HANDLE]);
    own(request, TO_DO, 0);
    this.#toDo.push(request);
  }

  /** Whether an earlier operation waits for the same: they are filled in order (44). */
  #isBehind(request: number): boolean {
    const { words } = region();
    const events = eventsOf(request);
    let other = words[request + layout.R_OLDER];
    for (; other !== 0; other = words[other + layout.R_OLDER]) {
      if (isWaiting(other) && !isApart(other) && eventsOf(other) === events) return true;
    }
    return false;
  }

  /** The descriptor is in non-blocking mode: this does not wait. */
  #tryNow(request: number): void {
    const result = rulesOf(region().words[request + layout.R_KIND]).perform(request);
    if (result !== -errno.EAGAIN) this.#end(request, result);
    else if (!this.#watch(request)) this.#postpone(request);
  }

  /** Nobody else carries the request out any more. */
  #end(request: number, result: number): void {
    const { words } = region();
    own(request, ENDED, result);
    words[request + layout.R_STATE] = layout.REQUEST_ENDED;
    this.#ended.push(request, words[request + layout.R_GENERATION], result);
  }

  /**
   * Lets epoll say once when the request's descriptor is ready for it, and for what
   * else waits for it; false if it cannot for such a thing.
   */
  #watch(request: number): boolean {
    const { words } = region();
    const handle = words[request + layout.R_HANDLE];
    const fd = descriptorOf(request);
    let events = EPOLLONESHOT | eventsOf(request);
    if (isApart(request)) {
      return this.#add(fd, events, request, words[request + layout.R_GENERATION]);
    }
    for (let at = words[handle + layout.H_NEWEST]; at !== 0; at = words[at + layout.R_OLDER]) {
      if (isWaiting(at) && !isApart(at)) events |= eventsOf(at);
    }
    return this.#add(fd, events, handle, words[handle + layout.H_LIVES]);
  }

  #add(fd: number, events: number, place: number, life: number): boolean {
    const event = new Uint8Array(new ArrayBuffer(16));
    const fields = new DataView(event.buffer);
    fields.setUint32(0, events, true);
    fields.setUint32(DATA_OFFSET, place, true);
    fields.setUint32(DATA_OFFSET + 4, life, true);
    const control = plain().epoll_ctl;
    if (control(this.#epoll, EPOLL_CTL_MOD, fd, event) === 0) return true;
    return control(this.#epoll, EPOLL_CTL_ADD, fd, event) === 0;
  }

  /** Its event carries the request, where others carry a handle. */
  #startTimer(request: number): void {
    const fd = startTimer(request);
    const life = region().words[request + layout.R_GENERATION];
    if (fd < 0) this.#end(request, fd);
    else if (!this.#add(fd, IN, request, life)) this.#end(request, -errno.errno());
  }

  cancel(request: number): void {
    const isTimer = region().words[request + layout.R_OPCODE] === TIMER;
    if (isTimer) endTimer(request);
    // What is postponed is with the thread that has started it, which looks once more.
    if (isTimer || eventsOf(request) !== 0) this.#end(request, -errno.ECANCELED);
  }

  nudge(): void {
    this.#mustNudge = true;
  }

  submit(): boolean {
    const { words } = region();
    for (let i = 0; i < this.#toDo.length; i++) {
      const request = this.#toDo[i];
      const isCancelled = words[request + layout.R_STATE] === layout.REQUEST_CANCELLED;
      const { perform } = rulesOf(words[request + layout.R_KIND]);
      const result = isCancelled ? -errno.ECANCELED : perform(request);
      own(request, ENDED, result);
      this.#ended.push(request, words[request + layout.R_GENERATION], result);
      closeDescriptor(words[request + layout.R_HANDLE]);
    }
    this.#toDo.length = 0;
    if (this.#mustNudge) {
      this.#mustNudge = false;
      plain().eventfd_write(this.#event, word(1));
    }
    return true;
  }

  wait(_thread: number, milliseconds: number): void {
    const time = Math.min(Math.ceil(milliseconds), 0x7fffffff);
    this.#poll(milliseconds === Infinity ? -1 : Math.max(time, 1));
  }

  #poll(milliseconds: number): void {
    const count = plain().epoll_wait(this.#epoll, this.#events, MAX_EVENTS, milliseconds);
    for (let i = 0; i < count; i++) {
      const handle = this.#fields.getUint32(i * EVENT_BYTES + DATA_OFFSET, true);
      const life = this.#fields.getUint32(i * EVENT_BYTES + DATA_OFFSET + 4, true);
      if (handle !== 0) this.#ready.push(handle, life);
      else if (milliseconds !== 0) {
        // Only a waiter takes the nudge away: whoever just looks must leave it to be seen.
        plain().eventfd_read(this.#event, new Uint8Array(new ArrayBuffer(8)));
      }
    }
  }

  hasCompletions(): boolean {
    if (this.#ready.length === 0 && this.#ended.length === 0) this.#poll(0);
    return this.#ready.length !== 0 || this.#ended.length !== 0;
  }

  reap(port: Port): void {
    for (let i = 0; i < this.#ready.length; i += 2) {
      this.#goOn(this.#ready[i], this.#ready[i + 1], port);
    }
    this.#ready.length = 0;
    for (let i = 0; i < this.#ended.length; i += 3) {
      this.#complete(this.#ended[i], this.#ended[i + 1], this.#ended[i + 2], port);
    }
    this.#ended.length = 0;
  }

  /** The handle is ready: its operations, the oldest of each direction first, until it is not. */
  #goOn(handle: number, life: number, port: Port): void {
    const { words } = region();
    if (handle >= layout.REQUESTS) return this.#goOnApart(handle, life, port);
    // Since the event was read without the lock, the place may have come to another handle.
    if (words[handle + layout.H_LIVES] !== life || words[handle + layout.H_FD] < 0) return;
    const requests: number[] = [];
    for (let at = words[handle + layout.H_NEWEST]; at !== 0; at = words[at + layout.R_OLDER]) {
      requests.unshift(at);
    }
    const stuck = new Map<number, number>();
    for (const request of requests) {
      // What one comes to may end another.
      if (words[request + layout.R_HANDLE] !== handle || !isWaiting(request)) continue;
      if (isApart(request)) continue;
      const events = eventsOf(request);
      if (stuck.has(events)) continue;
      const result = rulesOf(words[request + layout.R_KIND]).perform(request);
      if (result === -errno.EAGAIN) stuck.set(events, request);
      else this.#complete(request, words[request + layout.R_GENERATION], result, port);
    }
    for (const request of stuck.values()) this.#watch(request);
  }

  /** The time of a request's timer is over, or the descriptor that it alone waits for is ready. */
  #goOnApart(request: number, life: number, port: Port): void {
    const { words } = region();
    const isCurrent = words[request + layout.R_GENERATION] === life &&
      words[request + layout.R_STATE] === layout.REQUEST_STARTED;
    if (!isCurrent) return;
    let result = -errno.ETIME;
    if (words[request + layout.R_OPCODE] === TIMER) endTimer(request);
    else result = rulesOf(words[request + layout.R_KIND]).perform(request);
    if (result !== -errno.EAGAIN) this.#complete(request, life, result, port);
    else this.#watch(request);
  }

  #complete(request: number, life: number, result: number, port: Port): void {
    reaping(this.#port, request, life, result, this.position());
    disown(request);
    completeRequest(port, request, life, result);
    reaped(this.#port);
  }

  position(): number {
    return 0;
  }

  adopt(handle: number, request: number): void {
    const { words } = region();
    if (request === 0) return this.#lookAgain(handle);
    const annex = layout.annexOf(request);
    const result = words[annex + layout.X_RESULT];
    if (words[annex + layout.X_OWNER] > 0) {
      own(request, TO_DO, 0);
      this.#toDo.push(request);
    } else {
      own(request, ENDED, result);
      this.#ended.push(request, words[request + layout.R_GENERATION], result);
    }
  }

  /**
   * What was said once may have been said to a thread that has ended, and it may have ended with
   * what came of it: all are carried out as if their descriptors were ready.
   */
  #lookAgain(handle: number): void {
    const { words } = region();
    this.#ready.push(handle, words[handle + layout.H_LIVES]);
    for (let at = words[handle + layout.H_NEWEST]; at !== 0; at = words[at + layout.R_OLDER]) {
      const life = words[at + layout.R_GENERATION];
      if (isWaiting(at) && isApart(at)) this.#ready.push(at, life);
      const timer = words[layout.annexOf(at) + layout.X_TIMER];
      if (words[at + layout.R_OPCODE] === TIMER && timer !== 0) this.#add(timer - 1, IN, at, life);
    }
  }
}

/** The calling thread carries the request out, or has its result, until it completes it. */
function own(request: number, what: typeof TO_DO | typeof ENDED, result: number): void {
  const { words } = region();
  const annex = layout.annexOf(request);
  words[annex + layout.X_OWNER] = 0;
  words[annex + layout.X_RESULT] = result;
  words[annex + layout.X_OWNER_LIFE] = words[request + layout.R_GENERATION];
  words[annex + layout.X_OWNER] = what * (layout.placeOf(self()) + 1);
}

function disown(request: number): void {
  region().words[layout.annexOf(request) + layout.X_OWNER] = 0;
}

/** Whether the request waits for a descriptor that nobody else of its handle waits for. */
function isApart(request: number): boolean {
  return rulesOf(region().words[request + layout.R_KIND]).descriptor !== undefined;
}

/** Whether the request waits for epoll. */
function isWaiting(request: number): boolean {
  const { words } = region();
  return words[request + layout.R_STATE] === layout.REQUEST_STARTED &&
    words[request + layout.R_OPCODE] !== TIMER && eventsOf(request) !== 0;
}

/** Makes an epoll for the port whose first word is `port`. Returns 0 or an errno. */
export function createEpoll(port: number): number {
  const { words } = region();
  const fd = plain().epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return errno.errno();
  const event = plain().eventfd(0, EFD_CLOEXEC_NONBLOCK);
  const wake = new Uint8Array(new ArrayBuffer(16));
  new DataView(wake.buffer).setUint32(0, IN, true);
  if (event < 0 || plain().epoll_ctl(fd, EPOLL_CTL_ADD, event, wake) !== 0) {
    const reason = errno.errno();
    if (event >= 0) libc().close(event);
    libc().close(fd);
    return reason;
  }
  words[port + layout.P_RING] = fd + 1;
  words[port + layout.P_EVENT] = event + 1;
  Atomics.add(words, layout.EPOLLS, 1);
  return 0;
}

/** Closes the port's epoll. */
export function destroyEpoll(port: number): void {
  const { words } = region();
  Atomics.sub(words, layout.EPOLLS, 1);
  libc().close(words[port + layout.P_EVENT] - 1);
  libc().close(words[port + layout.P_RING] - 1);
  words[port + layout.P_EVENT] = 0;
  words[port + layout.P_RING] = 0;
}
