/**
 * What a thread takes from a port.
 *
 * @module
 */

import { type CompletionEntries, errorOfStatus, system } from "../system/system.ts";
import type { Win32Error } from "./errors.ts";
import { nameOfHandle } from "./handle.ts";
import * as ledgers from "./ledger.ts";
import { ledger } from "./ledger.ts";
import { self } from "./threads.ts";
import {
  errorOfOperation,
  finishTaken,
  foundOperation,
  type Operation,
  placeOf,
  readResult,
  startedHere,
} from "./operation.ts";

// Of this module's own: an imported constant is read from memory at each use, one of these is in the code.
const { O_REFUSED, T_HAND } = ledgers;

/** A packet, as it was taken. */
export interface Packet {
  /** The completion key of the handle, or what was posted as such. */
  readonly key: number;
  /** The bytes transferred, or what was posted as such. */
  readonly bytesTransferred: number;
  /** The third word of a posted packet; of an operation, the address of its OVERLAPPED. */
  readonly overlapped: number;
  /** The operation that has completed; `null` for a posted packet. */
  readonly operation: Operation | null;
  /** Why the operation has failed; `null` if it has not. A failed operation is a packet too. */
  readonly error: Win32Error | null;
}

class TakenPacket implements Packet {
  readonly key: number;
  readonly bytesTransferred: number;
  readonly overlapped: number;
  readonly operation: Operation | null;
  readonly error: Win32Error | null;

  constructor(
    key: number,
    bytesTransferred: number,
    overlapped: number,
    operation: Operation | null,
    error: Win32Error | null,
  ) {
    this.key = key;
    this.bytesTransferred = bytesTransferred;
    this.overlapped = overlapped;
    this.operation = operation;
    this.error = error;
  }
}

/**
 * The packet in `entries` at `index`, just taken. The operation's memory is given
 * back here: this is the moment when the kernel stops being its owner.
 */
export function packetOf(entries: CompletionEntries, index: number): Packet {
  const key = entries.key(index);
  const bytes = entries.bytes(index);
  const overlapped = entries.overlapped(index);
  const place = overlapped === 0 ? -1 : placeOf(overlapped);
  if (place < 0) {
    entries.give(index + 1);
    return new TakenPacket(key, bytes, overlapped, null, null);
  }
  const own = startedHere(place);
  const operation = own ?? foundOperation(place);
  readResult(place, operation, bytes);
  const error = errorAt(entries, index, place);
  // From here on the packet is the program's, and the operation this thread's to finish: should it
  // end in between, the system puts the packet back, or whoever buries the thread finishes it.
  const hand = self() + T_HAND;
  ledger().words[hand] = place;
  if (entries.givenAt >= 0) entries.words[entries.givenAt] = index + 1;
  finishTaken(place, own);
  return new TakenPacket(key, bytes, overlapped, operation, error);
}

/** Negative statuses are failures: warnings and errors (30). */
function errorAt(entries: CompletionEntries, index: number, place: number): Win32Error | null {
  const refused = ledger().words[place + O_REFUSED];
  if (refused !== 0) return errorOfOperation(place, refused, 0, nameOfHandle);
  const status = entries.status(index);
  if (status < 0x80000000) return null;
  const code = errorOfStatus(status) ?? system.rtlNtStatusToDosError(status);
  const errno = system.reportsErrno ? entries.errno(index) : 0;
  return errorOfOperation(place, code, errno, nameOfHandle);
}
