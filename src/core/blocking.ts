/**
 * A thread that says that it blocks.
 *
 * @module
 */

import { system } from "../system/system.ts";

/** Runs `work` with the thread counted as blocked; a promise that it returns until it has settled. */
export function whileBlocked<T>(work: () => T): T {
  system.beginBlocking();
  let isAwaited = false;
  try {
    const result = work();
    if (!(result instanceof Promise)) return result;
    isAwaited = true;
    return result.finally(() => system.endBlocking()) as T;
  } finally {
    if (!isAwaited) system.endBlocking();
  }
}
