/**
 * A Worker that reads through a port of its own.
 *
 * @module
 */

import { doJobs } from "../../workers.ts";
import { Reader } from "./reader.ts";

/** What a Worker is told: first what to open, then how much to read, then to close. */
export type ReaderJob =
  | {
    readonly kind: "open";
    readonly path: string;
    readonly depth: number;
    readonly seed: number;
    readonly unbuffered: boolean;
  }
  | { readonly kind: "read"; readonly count: number }
  | { readonly kind: "close" };

let reader: Reader | null = null;

doJobs((job: ReaderJob) => {
  if (job.kind === "open") reader = new Reader(job.path, job.depth, job.unbuffered, job.seed);
  else if (job.kind === "read") reader!.read(job.count);
  else reader!.close();
});
