/**
 * Going on with the request that a thread was just seeing to when it ended with
 * the port's lock, as its journal says; and making the lists and counts of requests
 * anew. Under the port's lock.
 *
 * @module
 */

import { ECANCELED } from "./errno.ts";
import * as layout from "./layout.ts";
import type { Port } from "./port.ts";
import { region } from "./region.ts";
import { nextOf } from "./order.ts";
import { handleRulesOf, rulesOf } from "./rules.ts";
import { completeRequest, endFinished, failRequest, follow, goOn } from "./requests.ts";
import { releaseRequest } from "./request-places.ts";

/** The lock was inherited: every request of the port is as if nobody had ended. */
export function replay(port: Port): void {
  const { words } = region();
  if (!port.hasEngine()) return;
  // Asked before anything is started here: it tells what the thread has started itself.
  const position = port.engine().position();
  port.engine().replay?.(port);
  replayFinishing(port);
  let inFlight = 0;
  for (const handle of handlesOf(port)) inFlight += relink(handle);
  words[port.at + layout.P_IN_FLIGHT] = inFlight;
  for (const handle of handlesOf(port)) {
    handleRulesOf(words[handle + layout.H_KIND])?.resume?.(handle, port);
  }
  replayOpening(port, position);
  replayReaping(port, position);
  replayGoingOn(port, position);
  for (const handle of handlesOf(port)) {
    for (const request of nextOf(handle)) follow(port, request);
  }
}

function* handlesOf(port: Port): Generator<number> {
  const { words, handles } = region();
  for (const place of handles.taken()) {
    const handle = layout.HANDLES + place * layout.HANDLE_WORDS;
    if (words[handle + layout.H_PORT] === port.queue.place + 1) yield handle;
  }
}

/**
 * What the handle's requests are and how many. The links to newer ones follow from those to older
 * ones, which are always right.
 */
export function relink(handle: number): number {
  const { words } = region();
  let count = 0;
  let newer = 0;
  let at = words[handle + layout.H_NEWEST];
  while (at !== 0) {
    const older = words[at + layout.R_OLDER];
    const isOver = words[at + layout.R_STATE] === 0;
    if (isOver && newer === 0) words[handle + layout.H_NEWEST] = older;
    else if (isOver) words[newer + layout.R_OLDER] = older;
    else {
      words[at + layout.R_NEWER] = newer;
      newer = at;
      count++;
    }
    at = older;
  }
  words[handle + layout.H_IN_FLIGHT] = count;
  return count;
}

/** The packet is queued unless it is already; what follows is done in any case. */
function replayFinishing(port: Port): void {
  const { words } = region();
  const request = words[port.at + layout.J_FINISHING];
  if (request === 0) return;
  const handle = words[request + layout.R_HANDLE];
  if (words[request + layout.R_STATE] !== 0) {
    const tail = port.queue.closeTail();
    if (tail !== words[port.at + layout.J_FINISHING_TAIL]) {
      port.queue.openTail(tail);
    } else {
      const status = words[port.at + layout.J_STATUS];
      const bytes = words[port.at + layout.J_BYTES];
      port.deliver(handle, request, status, bytes, words[port.at + layout.J_ERRNO]);
    }
    words[request + layout.R_STATE] = 0;
  }
  relink(handle);
  endFinished(port, request, handle);
}

/** It never came to the engine: unless something was done already, its packet says that it was cancelled. */
function replayOpening(port: Port, position: number): void {
  const { words } = region();
  const request = words[port.at + layout.J_OPENING];
  if (request === 0) return;
  const state = words[request + layout.R_STATE];
  // Before it is launched, others may come to the ring: a timer for it.
  const isStarted = words[port.at + layout.J_LAUNCHING] === request &&
    position !== words[port.at + layout.J_OPENING_POSITION];
  if (state === layout.REQUEST_STARTED && !isStarted) {
    const rules = rulesOf(words[request + layout.R_KIND]);
    if (rules.hasBegun?.(request)) goOn(port, request);
    else failRequest(port, request, ECANCELED);
  }
  words[port.at + layout.J_OPENING] = 0;
  if (state === 0) releaseRequest(port, request);
}

/** It was to be handed to the engine; unless it was, it is now. */
function replayGoingOn(port: Port, position: number): void {
  const { words } = region();
  const request = words[port.at + layout.J_GOING_ON];
  const isGone = position !== words[port.at + layout.J_GOING_ON_POSITION];
  if (request !== 0 && !isGone && words[request + layout.R_STATE] !== 0) goOn(port, request);
  words[port.at + layout.J_GOING_ON] = 0;
}

/**
 * The engine's result was taken from it: unless the request has gone on since, it
 * is seen to now. Whoever does that may end too: the note goes last.
 */
function replayReaping(port: Port, position: number): void {
  const { words } = region();
  const request = words[port.at + layout.J_REAPING];
  if (request === 0) return;
  const life = words[port.at + layout.J_LIFE];
  const hasGoneOn = position !== words[port.at + layout.J_POSITION];
  if (words[request + layout.R_GENERATION] === life && !hasGoneOn) {
    words[request + layout.R_DONE] = words[port.at + layout.J_DONE];
    completeRequest(port, request, life, words[port.at + layout.J_RESULT]);
  }
  words[port.at + layout.J_REAPING] = 0;
}
