/**
 * Completion ports on Linux: the contract's functions for them.
 *
 * @module
 */

import { processors } from "../../ffi/runtime.ts";
import * as code from "../codes.ts";
import type { HandleSystem, Outcome, PortState, PortSystem } from "../contract.ts";
import { failure, refusal, success } from "./errno.ts";
import { describeEngine } from "./engines.ts";
import { closeFile, setNonBlocking } from "./files.ts";
import { MUST_POST, MUST_RELEASE, POSTED } from "./fifo.ts";
import { lockPort, postTo } from "./found.ts";
import { findHandle, freeHandle, openHandle, retireHandle } from "./handles.ts";
import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { settleStatuses } from "./statuses.ts";
import { region } from "./region.ts";
import { cancelRequests } from "./requests.ts";
import { gather, gatherOn, submitGathered } from "./submission.ts";
import { getQueuedCompletionStatusEx, openEntries } from "./take.ts";
import { self } from "./threads.ts";

/** The port's concurrency value is a DWORD; the table holds signed words. */
const MAX_CONCURRENCY = 0x7fffffff;

function createIoCompletionPort(
  file: number,
  port: number,
  key: number,
  concurrency: number,
): Outcome {
  sweep();
  if (file !== code.INVALID_HANDLE_VALUE) return associate(file, port, key, concurrency);
  if (port !== 0) return refusal(code.ERROR_INVALID_PARAMETER);
  return create(concurrency);
}

function create(concurrency: number): Outcome {
  const { words, ports } = region();
  const place = ports.acquire();
  if (place < 0) return refusal(code.ERROR_NO_SYSTEM_RESOURCES);
  const at = layout.PORTS + place * layout.PORT_WORDS;
  const handle = openHandle(layout.KIND_PORT, place + 1, 0);
  if (handle === 0) {
    ports.release(place);
    return refusal(code.ERROR_NO_SYSTEM_RESOURCES);
  }
  // A thread with a stale handle may just be looking at this place.
  const stale = portAt(place);
  stale.lock(self());
  const generation = words[at + layout.P_GENERATION] + 1 | 0;
  stale.queue.closeTail();
  words.fill(0, at + layout.P_GENERATION, at + layout.P_TAIL);
  words.fill(0, at + layout.P_TAIL + 1, at + layout.PORT_WORDS);
  words[at + layout.P_GENERATION] = generation;
  words[at + layout.P_OPEN] = 1;
  words[at + layout.P_CONCURRENCY] = Math.min(concurrency || processors, MAX_CONCURRENCY);
  words[at + layout.P_CAPACITY] = layout.FIRST_QUEUE;
  words[at + layout.P_REFERENCES] = 1;
  stale.queue.openTail(0);
  stale.queue.release();
  stale.unlock();
  return success(handle);
}

function associate(file: number, port: number, key: number, concurrency: number): Outcome {
  const { words } = region();
  const handle = findHandle(file);
  if (handle < 0 || words[handle + layout.H_KIND] === layout.KIND_PORT) {
    return refusal(code.ERROR_INVALID_HANDLE);
  }
  if (port === 0) {
    // Case 8: both in one call; on failure there is no new port.
    const made = create(concurrency);
    if (made.code !== 0) return made;
    const answer = associate(file, made.value, key, 0);
    if (answer.code !== 0) closeHandle(made.value);
    return answer;
  }
  const found = lockPort(port);
  if (found === null) return refusal(code.ERROR_INVALID_HANDLE);
  const answer = associateLocked(found, handle, file, port, key);
  found.unlock();
  return answer;
}

function associateLocked(
  port: Port,
  handle: number,
  file: number,
  portHandle: number,
  key: number,
): Outcome {
  const { words } = region();
  if (findHandle(file) !== handle) return refusal(code.ERROR_INVALID_HANDLE);
  const overlapped = words[handle + layout.H_FLAGS] & code.FILE_FLAG_OVERLAPPED;
  if (overlapped === 0) return refusal(code.ERROR_INVALID_PARAMETER);
  const errno = port.needEngine();
  if (errno !== 0) return failure(errno);
  const isEpoll = words[port.at + layout.P_ENGINE] === layout.ENGINE_EPOLL;
  if (isEpoll && words[handle + layout.H_KIND] !== layout.KIND_FILE) {
    setNonBlocking(words[handle + layout.H_FD]);
  }
  const place = port.queue.place + 1;
  // Two ports may be offered the same file at once, each under its own lock.
  if (Atomics.compareExchange(words, handle + layout.H_PORT, 0, place) !== 0) {
    return refusal(code.ERROR_INVALID_PARAMETER);
  }
  words[handle + layout.H_KEY] = key | 0;
  words[handle + layout.H_KEY + 1] = key / 0x100000000 | 0;
  port.addReference();
  return success(portHandle);
}

function postQueuedCompletionStatus(
  handle: number,
  bytes: number,
  key: number,
  overlapped: number,
): number {
  // The division alone would be a tenth of a post.
  const keyHigh = key <= 0xffffffff ? 0 : key / 0x100000000 | 0;
  const overlappedHigh = overlapped <= 0xffffffff ? 0 : overlapped / 0x100000000 | 0;
  const answer = postTo(handle, key | 0, keyHigh, overlapped | 0, overlappedHigh, bytes | 0);
  if (answer === POSTED) return 0;
  const port = lockPort(handle);
  // Closed since: what was posted is dropped with all that is queued.
  if (port === null) return answer === MUST_RELEASE ? 0 : code.ERROR_INVALID_HANDLE;
  if (answer === MUST_POST) {
    if (!port.hasRoom()) {
      port.unlock();
      return code.ERROR_NO_SYSTEM_RESOURCES;
    }
    port.queue.closeTail();
    port.queue.countPost();
    port.queue.append(key | 0, keyHigh, overlapped | 0, overlappedHigh, 0, bytes | 0, 0);
  }
  port.queue.release();
  port.unlock();
  return 0;
}

/** The port that this thread was running for when it said that it blocks, plus one. */
let blockedFor = 0;

function beginBlocking(): void {
  const { words } = region();
  const me = self();
  const bound = words[me + layout.T_PORT];
  if (bound === 0) return;
  const port = portAt(bound - 1);
  port.lock(me);
  port.queue.suspend(me, layout.COUNTED_BLOCKING);
  port.queue.release();
  port.unlock();
  blockedFor = bound;
}

function endBlocking(): void {
  if (blockedFor === 0) return;
  const me = self();
  const port = portAt(blockedFor - 1);
  port.lock(me);
  port.queue.resume(me, layout.COUNTED_BLOCKING);
  port.unlock();
  blockedFor = 0;
}

function queryIoCompletion(handle: number, state: PortState): number {
  const port = lockPort(handle);
  if (port === null) return code.ERROR_INVALID_HANDLE;
  const { words } = region();
  // What has completed is in the queue, whoever has looked.
  port.reapForLook();
  port.queue.release();
  // Of a thread that has kept something back and does not come to hand it over.
  if (port.hasEngine()) port.submitLater();
  state.queued = port.queue.queued();
  state.active = words[port.at + layout.P_ACTIVE];
  state.waiting = words[port.at + layout.P_WAITING];
  const tail = port.queue.closeTail();
  state.posted = readCount(words, port.at + layout.P_POSTED);
  port.queue.openTail(tail);
  state.taken = readCount(words, port.at + layout.P_TAKEN);
  port.unlock();
  return 0;
}

function describe(handle: number): string {
  const port = lockPort(handle);
  if (port === null) return "none: the port is closed";
  const errno = port.needEngine();
  const text = errno === 0 ? describeEngine(port.at) : `none: errno ${errno}`;
  port.unlock();
  return text;
}

function readCount(words: Int32Array<ArrayBuffer>, at: number): number {
  return (words[at] >>> 0) + words[at + 1] * 0x100000000;
}

function closeHandle(handle: number): number {
  const at = findHandle(handle);
  if (at < 0) return code.ERROR_INVALID_HANDLE;
  const { words } = region();
  const isPort = words[at + layout.H_KIND] === layout.KIND_PORT;
  const place = words[at + layout.H_FD] - 1;
  if (!retireHandle(at, handle)) return code.ERROR_INVALID_HANDLE;
  let answer = 0;
  if (isPort) closePort(place, at);
  else answer = closeFile(at);
  sweep();
  return answer;
}

/** Every waiter goes with nothing, packets are dropped; what is in flight keeps the place (53-57). */
function closePort(place: number, handle: number): void {
  const { words } = region();
  const port = portAt(place);
  port.lock(self());
  // Owed first, should the thread end in what follows.
  port.dropReferenceLater();
  words[port.at + layout.P_OPEN] = 0;
  // Who posts from here on finds the handle closed.
  port.queue.openTail(port.queue.closeTail());
  Atomics.add(words, layout.LINGERING, 1);
  dropQueued(port);
  port.queue.abandon();
  port.unlock();
  freeHandle(handle);
}

/** The dropped packets' operations are done with: nobody else will say so. */
function dropQueued(port: Port): void {
  const packets = new Int32Array(64 * layout.PACKET_WORDS);
  for (;;) {
    const count = port.queue.drop(packets, 64);
    if (count === 0) return;
    settleStatuses(packets, count);
  }
}

/** Reads the completions of closed ports, which no thread takes from any more. */
function sweep(): void {
  const { words, ports } = region();
  if (Atomics.load(words, layout.LINGERING) === 0) return;
  const me = self();
  for (let place = 0; place < layout.MAX_PORTS; place++) {
    if (!ports.has(place)) continue;
    const port = portAt(place);
    port.lock(me);
    if (!port.isOpen() && port.addReferenceIfAlive()) {
      port.reapForLook();
      port.dropReferenceLater();
    }
    port.unlock();
  }
}

function cancelIoEx(handle: number, overlapped: number): number {
  const at = findHandle(handle);
  const { words } = region();
  if (at < 0 || words[at + layout.H_KIND] === layout.KIND_PORT) return code.ERROR_INVALID_HANDLE;
  const place = words[at + layout.H_PORT];
  if (place === 0) return code.ERROR_NOT_FOUND;
  const port = portAt(place - 1);
  port.lock(self());
  const isOpen = findHandle(handle) === at;
  const any = isOpen && cancelRequests(port, at, overlapped);
  port.queue.release();
  port.unlock();
  if (!isOpen) return code.ERROR_INVALID_HANDLE;
  return any ? 0 : code.ERROR_NOT_FOUND;
}

function gatherOperationsOn(port: number): void {
  const at = port === 0 ? -1 : findHandle(port);
  const { words } = region();
  const isPort = at >= 0 && words[at + layout.H_KIND] === layout.KIND_PORT;
  gatherOn(isPort ? words[at + layout.H_FD] : 0);
}

/** The contract's functions for ports, and for what all handles can do. */
export const ports: PortSystem & HandleSystem = {
  createIoCompletionPort,
  openEntries,
  // The room goes with the thread's place.
  closeEntries: (_address, _capacity) => {},
  getQueuedCompletionStatusEx,
  getQueuedCompletionStatus: (port, entries, timeoutMs) =>
    getQueuedCompletionStatusEx(port, entries, 1, timeoutMs),
  postQueuedCompletionStatus,
  rtlNtStatusToDosError: (_status) => code.ERROR_MR_MID_NOT_FOUND,
  queryIoCompletion,
  beginBlocking,
  endBlocking,
  describeEngine: describe,
  closeHandle,
  cancelIoEx,
  gatherOperations: gather,
  gatherOperationsOn,
  submitOperations: submitGathered,
};
