/**
 * How a port is made: its concurrency value, its engine and its limits.
 *
 * @module
 */

import type { EngineName } from "../system/system.ts";
import { checkNumber } from "./errors.ts";
import { MAX_COMPLETIONS, MAX_OPERATIONS, MAX_SUBMISSIONS } from "./limits.ts";

export type { EngineName };

/** The two queues between a port and the kernel, where the engine is io_uring; see io_uring(7). */
export interface RingOptions {
  /**
   * Operations that can be handed to the kernel together, from 1 on: a batch of more
   * is handed over in parts. The kernel rounds up to a power of two. 256 if absent.
   */
  submissions?: number;
  /**
   * Results the kernel can put down before it is read from; at least
   * `submissions`. It keeps more in memory of its own. 4,096 if absent.
   */
  completions?: number;
}

/** How to make a `CompletionPort`. */
export interface CompletionPortOptions {
  /**
   * The concurrency value: how many threads of the port may be running at once.
   * 0 or absent: the number of processors.
   */
  concurrency?: number;
  /**
   * What is to carry the port's I/O; making the port fails if that can't be had.
   * Absent: what the variable `IOCP_ENGINE` asks for, else io_uring, or epoll where
   * it is forbidden.
   *
   * Linux: "io_uring" or "epoll". Windows: has no engines, and any is an error.
   */
  engine?: EngineName;
  /** Sizes of the ring, if the port has one; else they mean nothing. */
  ring?: RingOptions;
  /**
   * Posted packets that may be waiting to be taken; a post beyond is an error. The
   * packets of operations are not counted and always have room. Absent: on Linux what
   * `limits.MAX_QUEUED` says, on Windows no limit but memory.
   */
  maxQueued?: number;
  /**
   * Operations that may be in flight on the port, that is, started and not yet
   * taken; a start beyond is an error. Absent: `limits.MAX_OPERATIONS`.
   */
  maxInFlight?: number;
}

/** The options with what is absent filled in; 0 stands for "not limited", "not said". */
export interface CheckedOptions {
  readonly concurrency: number;
  readonly engine: EngineName | "";
  readonly submissions: number;
  readonly completions: number;
  readonly maxQueued: number;
  readonly maxInFlight: number;
}

const ENGINES: readonly (EngineName | undefined)[] = ["io_uring", "epoll", undefined];

/** Looks at options that come from outside; throws a RangeError that names the wrong one. */
export function checkOptions(options: CompletionPortOptions): CheckedOptions {
  const { concurrency = 0, engine, ring = {}, maxQueued, maxInFlight } = options;
  checkNumber(concurrency, "concurrency", 0xffff_ffff);
  if (!ENGINES.includes(engine)) {
    throw new RangeError(
      `Cannot use ${String(engine)} as engine: it must be "io_uring" or "epoll"`,
    );
  }
  const { submissions, completions } = ring;
  checkLimit(submissions, "ring.submissions", MAX_SUBMISSIONS);
  checkLimit(completions, "ring.completions", MAX_COMPLETIONS);
  if (completions !== undefined && completions < (submissions ?? 1)) {
    throw new RangeError(
      `Cannot use ${completions} as ring.completions: it must be at least ring.submissions`,
    );
  }
  checkLimit(maxQueued, "maxQueued", 0x7fff_ffff);
  checkLimit(maxInFlight, "maxInFlight", MAX_OPERATIONS);
  return {
    concurrency,
    engine: engine ?? "",
    submissions: submissions ?? 0,
    completions: completions ?? 0,
    maxQueued: maxQueued ?? 0,
    maxInFlight: maxInFlight ?? 0,
  };
}

function checkLimit(value: number | undefined, name: string, max: number): void {
  if (value === undefined) return;
  checkNumber(value, name, max);
  if (value === 0) throw new RangeError(`Cannot use 0 as ${name}: it must be at least 1`);
}
