/**
 * Places of requests. A port keeps those of operations that are over for its next ones, under its
 * lock: so a start and an end take no atomic instruction for them, and the memory that was used last
 * is used again. It keeps all, until another port finds no more.
 *
 * @module
 */

import * as layout from "./layout.ts";
import { type Port, portAt } from "./port.ts";
import { region } from "./region.ts";
import { self } from "./threads.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { P_IDLE, REQUESTS, REQUEST_WORDS, R_NEWER } = layout;

/** In place of a place: all are in flight, or kept by some port. */
export const NO_PLACE = -1;

/** Reserves the place of an operation on the port, or `NO_PLACE`. Under the port's lock. */
export function acquireRequest(port: Port): number {
  const { words } = region();
  const request = words[port.at + P_IDLE];
  if (request === 0) return acquireAnew();
  words[port.at + P_IDLE] = words[request + R_NEWER];
  return request;
}

function acquireAnew(): number {
  const place = region().requests.acquire();
  return place < 0 ? NO_PLACE : REQUESTS + place * REQUEST_WORDS;
}

/** Gives a place of `acquireRequest` back. Under the port's lock. */
export function releaseRequest(port: Port, request: number): void {
  const { words } = region();
  words[request + R_NEWER] = words[port.at + P_IDLE];
  words[port.at + P_IDLE] = request;
}

/** All places are taken: every port gives back those that it keeps. Called without a lock. */
export function recallIdle(): void {
  for (const place of region().ports.taken()) {
    const port = portAt(place);
    port.lock(self());
    if (port.addReferenceIfAlive()) {
      releaseIdle(port.at);
      port.dropReferenceLater();
    }
    port.unlock();
  }
}

/** Others may have what the port at `port` keeps; under its lock, or when it has ended. */
export function releaseIdle(port: number): void {
  const { words, requests } = region();
  for (let next = words[port + P_IDLE]; next !== 0;) {
    const request = next;
    next = words[request + R_NEWER];
    // Off the list first: a thread that ends here keeps a place too long, and nobody has it twice.
    words[port + P_IDLE] = next;
    requests.release(layout.requestPlace(request));
  }
}
