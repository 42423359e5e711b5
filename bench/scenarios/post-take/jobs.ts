/**
 * What the Workers of post-take are told, and the words they share.
 *
 * @module
 */

import type { PortToken } from "../../../mod.ts";

/** Workers that are about to begin, that have ended, and the word that lets them begin. */
export const READY = 0;
export const GO = 1;
export const DONE = 2;
/** Producers that have posted all of theirs: the last one ends the consumers. */
export const ENDED = 3;
/** Packets that have been taken. */
export const TAKEN = 4;

/** The key of the packet that ends the consumer which takes it; the others have key 1. */
export const STOP = 2;

/** Packets that a consumer takes at most at once. */
export const BATCH = 64;

/** What the packets go through. */
export type Way =
  | { readonly kind: "port"; readonly token: PortToken }
  | { readonly kind: "ring"; readonly buffer: SharedArrayBuffer; readonly isAlone: boolean }
  /** Without ports: the messages that the Worker itself gets. */
  | { readonly kind: "messages"; readonly ports: readonly MessagePort[] };

/** One Worker's part. */
export interface Job {
  /** `echo`: takes from the first way, and posts to the second for each packet. */
  readonly role: "produce" | "consume" | "ping" | "echo";
  readonly way: Way;
  readonly back?: Way;
  /** Packets to post, or of messages to receive. */
  readonly count: number;
  readonly words: SharedArrayBuffer;
  /** How many produce, and how many consume. */
  readonly producers: number;
  readonly consumers: number;
  /** Packets of all together. */
  readonly total: number;
}
