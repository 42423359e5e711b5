/**
 * What went wrong in a pool, as its owner is told.
 *
 * @module
 */

import type { OperationKind } from "../core/kinds.ts";
import type { Win32Error } from "../core/errors.ts";
import type { PacketParts } from "./control.ts";
import { errorOf } from "./errors.ts";

/** The packet that a handler failed with, or that was in a thread's hands when it ended. */
export interface FaultyPacket {
  /** The completion key. */
  readonly key: number;
  /** The bytes transferred. */
  readonly bytesTransferred: number;
  /** The third word. */
  readonly overlapped: number;
  /** The operation that had completed; `null` for a posted packet. */
  readonly operation:
    | { readonly kind: OperationKind; readonly offset: number; readonly tag: number }
    | null;
  /** Why the operation had failed; `null` if it had not. */
  readonly error: Win32Error | null;
}

/**
 * An error in a thread of a pool: an event of type `error`, dispatched at the pool.
 *
 * - A handler has thrown, or its promise was rejected: `packet` is the packet it was
 *   called with. The thread goes on.
 * - A thread has ended without being asked to: `hasEnded` is true, `packet` is the one
 *   in its hands, if any. It is replaced.
 */
export class PoolErrorEvent extends Event {
  /** What was thrown; of a thread that has ended, why, as far as the runtime tells. */
  readonly error: Error;
  /** The packet concerned, or `null`. */
  readonly packet: FaultyPacket | null;
  /** Which thread it was. */
  readonly thread: number;
  /** Whether the thread has ended by it. */
  readonly hasEnded: boolean;

  /** The event that tells of `error` in thread `thread`. */
  constructor(
    error: Error,
    details: { packet?: FaultyPacket | null; thread: number; hasEnded?: boolean },
  ) {
    super("error");
    this.error = error;
    this.packet = details.packet ?? null;
    this.thread = details.thread;
    this.hasEnded = details.hasEnded ?? false;
  }
}

/** A packet as it came in a message. */
export function packetOfParts(parts: PacketParts | null): FaultyPacket | null {
  if (parts === null) return null;
  const error = parts.error === null ? null : errorOf(parts.error) as Win32Error;
  return { ...parts, error };
}

/** A thread of a pool has ended, and what it had in hand with it. */
export class ThreadEndedError extends Error {
  /** `ThreadEndedError`. */
  override readonly name = "ThreadEndedError";
}

/** The pool is closed, or closing: it takes no work. */
export class PoolClosedError extends Error {
  /** `PoolClosedError`. */
  override readonly name = "PoolClosedError";
}
