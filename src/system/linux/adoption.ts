/**
 * What threads that have ended had in their hands: calls that they made themselves because no
 * engine can; and on the engine without io_uring, where the starting thread itself carries
 * file operations out, and one thread is told once that a stream is ready.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { rulesOf } from "./rules.ts";

/** The calling thread, `me`, goes on with all that the ended thread at `place` was to do. */
export function adoptRequests(place: number, me: number): void {
  const { words, requests, handles } = region();
  if (Atomics.load(words, layout.EPOLLS) === 0) return;
  for (const at of requests.taken()) {
    const request = layout.REQUESTS + at * layout.REQUEST_WORDS;
    if (!isOwned(request, place)) continue;
    const port = lockPortOf(words[request + layout.R_HANDLE], me);
    if (port === null) continue;
    if (isOwned(request, place)) port.engine().adopt?.(0, request);
    port.submitLater();
    port.unlock();
  }
  for (const at of handles.taken()) {
    const handle = layout.HANDLES + at * layout.HANDLE_WORDS;
    if (words[handle + layout.H_NEWEST] === 0) continue;
    const port = lockPortOf(handle, me);
    if (port === null) continue;
    port.engine().adopt?.(handle, 0);
    port.submitLater();
    port.unlock();
  }
}

/** Ends what the ended thread at `place` was carrying out itself. */
export function endCalls(place: number): void {
  const { words, requests } = region();
  for (const at of requests.taken()) {
    const request = layout.REQUESTS + at * layout.REQUEST_WORDS;
    if (words[request + layout.R_STATE] === 0) continue;
    rulesOf(words[request + layout.R_KIND]).orphaned?.(request, place);
  }
}

function isOwned(request: number, place: number): boolean {
  const { words } = region();
  const annex = layout.annexOf(request);
  return Math.abs(words[annex + layout.X_OWNER]) === place + 1 &&
    words[annex + layout.X_OWNER_LIFE] === words[request + layout.R_GENERATION];
}

/** The port of the handle, locked, if it has an engine of this kind. */
function lockPortOf(handle: number, me: number): Port | null {
  const { words } = region();
  const place = words[handle + layout.H_PORT];
  if (place === 0) return null;
  const port = portAt(place - 1);
  port.lock(me);
  const isSame = words[handle + layout.H_PORT] === place && port.hasEngine() && !port.isRing();
  if (isSame) return port;
  port.unlock();
  return null;
}
