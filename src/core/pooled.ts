/**
 * A port in the hands of a pool: one pool a port, a bound on what is in flight,
 * callbacks for handles, and calling back what is in flight.
 *
 * @module
 */

export { processors } from "../ffi/runtime.ts";
import { ERROR_INVALID_HANDLE } from "../system/system.ts";
import { Win32Error } from "./errors.ts";
import { checkHandle, dropHandle, type Handle } from "./handle.ts";
import {
  GENERATION,
  H_CALLBACK,
  H_PORT,
  ledger,
  O_PORT,
  P_MAX_IN_FLIGHT,
  P_POOL,
} from "./ledger.ts";
import { inFlightOf } from "./flight.ts";
import { cancelOperation, isInFlight } from "./operation.ts";
import type { CompletionPort } from "./port.ts";

/** No operation may be started any more; see {@linkcode boundInFlight}. */
export const NONE_ANY_MORE = -1;

/**
 * The threads of one pool take from the port from now on, and nobody else.
 *
 * @throws {TypeError} if it is another pool's.
 * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the port is closed.
 */
export function givePort(port: CompletionPort): void {
  if (port.isClosed) throw new Win32Error(ERROR_INVALID_HANDLE, "CreateIoCompletionPort");
  const { words } = ledger();
  if (Atomics.compareExchange(words, port.token.place + P_POOL, 0, 1) === 0) return;
  throw new TypeError("Cannot use the port for a pool: another pool has it");
}

/** The port is everybody's again, with the bound it had before, if it is still open. */
export function returnPort(port: CompletionPort, maxInFlight: number): void {
  if (port.isClosed) return;
  const { words } = ledger();
  Atomics.store(words, port.token.place + P_MAX_IN_FLIGHT, maxInFlight);
  Atomics.store(words, port.token.place + P_POOL, 0);
}

/**
 * At most `max` operations may be in flight on the port; 0: as many as the process has.
 * Returns the bound it had before.
 */
export function boundInFlight(port: CompletionPort, max: number): number {
  return Atomics.exchange(ledger().words, port.token.place + P_MAX_IN_FLIGHT, max);
}

/** How many operations are in flight on the port; also of one that is closed just now. */
export function inFlightOn(port: CompletionPort): number {
  return inFlightOf(port.token.place);
}

/**
 * Associates `handle` with the port under `key`, its packets to go to a callback of the pool.
 *
 * @throws {Win32Error} as `CompletionPort.associate`.
 */
export function associateWith(
  port: CompletionPort,
  handle: Handle,
  key: number,
  callback: number,
): void {
  const { words } = ledger();
  // Kept: what is written to the handle's place then is this handle's.
  if (!checkHandle(handle).keep()) {
    throw handle.failure(ERROR_INVALID_HANDLE, "CreateIoCompletionPort");
  }
  const isFirst = words[handle.place + H_PORT] === 0;
  try {
    // Before the association: no packet can come without it.
    if (isFirst) words[handle.place + H_CALLBACK] = callback + 1;
    port.associate(handle, key);
  } catch (error) {
    if (isFirst) words[handle.place + H_CALLBACK] = 0;
    throw error;
  } finally {
    dropHandle(handle.place);
  }
}

/**
 * Asks that every operation in flight on the port be cancelled, and adds those that could be
 * asked to `asked`, by place, with the life of it.
 */
export function cancelOperations(port: CompletionPort, asked: Map<number, number>): void {
  const { words, operations } = ledger();
  const ours = port.token.place;
  for (const place of operations.taken()) {
    const generation = words[place + GENERATION];
    if (words[place + O_PORT] !== ours || !isInFlight(place)) continue;
    if (asked.get(place) !== generation && cancelOperation(place, generation)) {
      asked.set(place, generation);
    }
  }
}
