/**
 * What a process holds.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { isLinux, until } from "../conformance/fixture.ts";

/** What a process holds, as Linux counts it; of other systems nothing is known. */
export interface Weight {
  readonly descriptors: number;
  readonly bytes: number;
}

/** What a process holds; `null` elsewhere than on Linux. */
export function weigh(processId: number): Weight | null {
  if (!isLinux) return null;
  const status = readFileSync(`/proc/${processId}/status`, "utf8");
  const [, kib] = /^VmRSS:\s*(\d+) kB$/m.exec(status)!;
  const descriptors = readdirSync(`/proc/${processId}/fd`).length;
  return { descriptors, bytes: Number(kib) * 1024 };
}

/** Waits until the process has as many descriptors as before, and has not grown by more than so much. */
export async function untilBack(
  processId: number,
  before: Weight | null,
  moreBytes: number,
): Promise<void> {
  if (before === null) return;
  let now = before;
  await until(() => {
    now = weigh(processId)!;
    return now.descriptors <= before.descriptors && now.bytes - before.bytes < moreBytes;
  }, () => `it holds what it held: ${JSON.stringify({ before, now })}`);
}
