/**
 * Every limit of this module: what it is, in which unit, and what happens at it.
 * A limit that is reached is an error that names it, never a silent drop.
 * `docs/limits.md` says how to change each.
 *
 * @module
 */

/**
 * Operations that may be in flight at once in the process; a start beyond throws. A thread keeps up to 64
 * places for its next ones, which others do not get, unless `setLimits` has made the number smaller.
 */
export const MAX_OPERATIONS = 131_072;

/**
 * Operations with several buffers, an address or the like that may be in flight at
 * once in the process; a start beyond throws.
 */
export const MAX_ANNEXES = 16_384;

/** Buffers one operation may have; more is a RangeError. */
export const MAX_VECTOR = 1024;

/** Handles that may be open at once in the process; opening one more throws. */
export const MAX_HANDLES = 65_536;

/** Native buffers that may be allocated at once in the process; one more throws. */
export const MAX_BUFFERS = 131_072;

/** Ports that may be open at once in the process; creating one more throws. */
export const MAX_PORTS = 2048;

/** Threads that may use ports at once; the first use by one more throws. */
export const MAX_THREADS = 1024;

/**
 * Buffers of operations that other threads have started, shown at once in the
 * process. What is shown beyond stays until its thread lets it go by itself.
 */
export const MAX_HOLDS = 131_072;

/**
 * Packets that a port on Linux holds, queued and still in flight together; a post or
 * start beyond is an error. Windows has no such limit.
 */
export const MAX_QUEUED = 131_072;

/** Entries that the submission queue of a ring may have on Linux: what the kernel gives. */
export const MAX_SUBMISSIONS = 32_768;

/** Entries that the completion queue of a ring may have on Linux: what the kernel gives. */
export const MAX_COMPLETIONS = 65_536;

/** Packets that `getMany` takes at most in one call, whatever it is asked for. */
export const MAX_BATCH = 1024;

/** Bytes one operation transfers at most; a longer buffer is a RangeError. */
export const MAX_TRANSFER_BYTES = 0x7fff_f000;

/** Milliseconds a wait lasts at most, other than for ever: some 24 days. */
export const MAX_TIMEOUT_MS = 0x7fff_ffff;

/** Bytes of a path that are kept for error messages of other threads; the end of a longer one. */
export const MAX_NAME_BYTES = 188;

/** Threads that one pool may have at once; one more throws. */
export const MAX_POOL_THREADS = 512;

/** Tasks, and packets of `Pool.post`, that may be queued unless `maxQueued` says otherwise. */
export const DEFAULT_MAX_QUEUED = 65_536;

/** The largest `maxQueued` of a pool. */
export const MAX_POOL_QUEUED = 1_048_576;

/** Names of tasks and callbacks that one pool may use; one more throws. */
export const MAX_NAMES = 256;

/** Bytes of such a name, in UTF-8; a longer one throws. */
export const MAX_TASK_NAME_BYTES = 124;

/** Milliseconds that a pool's thread may take to load its module and to start, unless told otherwise. */
export const DEFAULT_START_TIMEOUT_MS = 60_000;

/** Starts that fail one after the other before a pool stops replacing threads. */
export const MAX_START_FAILURES = 5;

/** Milliseconds before the first thread that has died is replaced; each time twice as many. */
export const REPLACE_DELAY_MS = 10;

/** The most milliseconds before a thread that has died is replaced. */
export const MAX_REPLACE_DELAY_MS = 5000;

/**
 * Milliseconds that `Pool.close` waits, after it has cancelled what was in flight, for packets
 * and threads, unless told otherwise; what has not come by then is reported and left to the process's end.
 */
export const RECALL_TIMEOUT_MS = 5000;

/** Reports of failed handlers that one thread may have on their way; more are only counted. */
export const MAX_FAULT_REPORTS = 1024;
