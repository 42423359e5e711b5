/**
 * What the ledger says of an operation in flight.
 *
 * @module
 */

import * as ledgers from "./ledger.ts";
import { ledger, O_KIND, O_LENGTH, O_PORT, O_POSITION, O_TAG } from "./ledger.ts";
import { addressOf } from "./operation.ts";

/** An operation, as it was started. */
export interface OperationFacts {
  /** The place of its port. */
  readonly port: number;
  /** Its kind's number. */
  readonly kind: number;
  /** The address of its OVERLAPPED. */
  readonly overlapped: number;
  readonly offset: number;
  readonly tag: number;
  /** Bytes of its first buffer. */
  readonly bytes: number;
}

/** The operation at `place`, which the calling thread is just starting. */
export function factsOf(place: number): OperationFacts {
  const { words } = ledger();
  return {
    port: words[place + O_PORT],
    kind: words[place + O_KIND],
    overlapped: addressOf(place),
    offset: ledgers.readNumber(words, place + O_POSITION),
    tag: ledgers.readNumber(words, place + O_TAG),
    bytes: words[place + O_LENGTH],
  };
}
