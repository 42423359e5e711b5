/**
 * Requests whose completion says no more than that all is done: most reads, writes, sends
 * and receives. A ring ends many of them in a row without a note of each (`Ring.reap`).
 *
 * All functions are called with the lock of the handle's port held.
 *
 * @module
 */

import { NO_REQUEST } from "./engine.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { relink } from "./replay.ts";
import { releaseRequest } from "./request-places.ts";
import { unlink } from "./requests.ts";
import { rulesOf } from "./rules.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const {
  H_FD,
  H_KEY,
  H_KIND,
  KIND_FILE,
  PACKET_OF_OPERATION,
  P_IN_FLIGHT,
  REQUEST_STARTED,
  R_DONE,
  R_GENERATION,
  R_HANDLE,
  R_KIND,
  R_NEWER,
  R_OVERLAPPED,
  R_STATE,
} = layout;

/** Whether `endPlain` is all that the completion comes to. */
export function isPlain(request: number, life: number, result: number): boolean {
  if (request === NO_REQUEST) return false;
  const { words } = region();
  if (words[request + R_GENERATION] !== life) return false;
  if (words[request + R_STATE] !== REQUEST_STARTED) return false;
  const handle = words[request + R_HANDLE];
  if (words[handle + H_FD] < 0) return false;
  // On a stream another may have waited for its turn.
  const isLast = words[request + R_NEWER] === 0;
  if (!isLast && words[handle + H_KIND] !== KIND_FILE) return false;
  return rulesOf(words[request + R_KIND]).isPlain?.(request, result) === true;
}

/** Writes the packet of the request to number `tail` of the queue, where it is not seen yet. */
export function putPlain(port: Port, tail: number, request: number, result: number): void {
  const { words } = region();
  const key = words[request + R_HANDLE] + H_KEY;
  const overlapped = request + R_OVERLAPPED;
  port.queue.putAt(
    tail,
    words[key],
    words[key + 1],
    words[overlapped],
    words[overlapped + 1],
    0,
    words[request + R_DONE] + result | 0,
    PACKET_OF_OPERATION,
  );
}

/** The request, whose packet is queued, is over: everything it kept is given back. */
export function endPlain(port: Port, request: number): void {
  const { words } = region();
  words[request + R_STATE] = 0;
  unlink(words, words[request + R_HANDLE], request);
  words[port.at + P_IN_FLIGHT]--;
  leave(port, request);
}

function leave(port: Port, request: number): void {
  const { words } = region();
  words[request + R_GENERATION] = words[request + R_GENERATION] + 1 | 0;
  releaseRequest(port, request);
}

/** A thread has ended in `endPlain`: unless it was done, it is now. */
export function endDelivered(port: Port, request: number, life: number): void {
  const { words } = region();
  if (words[request + R_GENERATION] !== life) return;
  words[request + R_STATE] = 0;
  relink(words[request + R_HANDLE]);
  leave(port, request);
}
