/**
 * The limits that hold for the whole process, made smaller.
 *
 * @module
 */

import { checkNumber } from "./errors.ts";
import { ledger } from "./ledger.ts";

/** Limits of the process; each from 1 to the constant of `limits` it is named after. */
export interface ProcessLimits {
  /** Operations in flight: `MAX_OPERATIONS`. */
  operations?: number;
  /** Of these, such with several buffers, an address or the like: `MAX_ANNEXES`. */
  annexes?: number;
  /** Open handles: `MAX_HANDLES`. */
  handles?: number;
  /** Allocated native buffers: `MAX_BUFFERS`. */
  buffers?: number;
  /** Open ports: `MAX_PORTS`. */
  ports?: number;
  /** Threads that use ports: `MAX_THREADS`. */
  threads?: number;
}

const NAMES = ["operations", "annexes", "handles", "buffers", "ports", "threads"] as const;

/**
 * Sets limits of the process, at once and for all its threads, and returns those
 * in force. They can be made smaller than the constants, and larger again up to
 * them; not larger, because the tables they bound lie at fixed places in memory
 * that all threads share. What there is already stays, even if it is more: until
 * it is closed or freed there may be so much more than the limit says.
 *
 * @example
 * ```ts
 * import { limits, setLimits } from "@iocp/iocp";
 *
 * setLimits({ operations: 1000, buffers: 100 });
 * const { operations, ports } = setLimits();
 * console.log(operations, ports === limits.MAX_PORTS); // 1000 true
 * setLimits({ operations: limits.MAX_OPERATIONS, buffers: limits.MAX_BUFFERS });
 * ```
 *
 * @throws {RangeError} if a limit is not a whole number from 1 to its constant; then none is changed.
 */
export function setLimits(limits: ProcessLimits = {}): Required<ProcessLimits> {
  const tables = ledger();
  for (const name of NAMES) {
    const limit = limits[name];
    if (limit === undefined) continue;
    checkNumber(limit, name, tables[name].places);
    if (limit === 0) throw new RangeError(`Cannot use 0 as ${name}: it must be at least 1`);
  }
  for (const name of NAMES) {
    const limit = limits[name];
    if (limit !== undefined) tables[name].limit = limit;
  }
  return Object.fromEntries(NAMES.map((name) => [name, tables[name].limit])) as Required<
    ProcessLimits
  >;
}
