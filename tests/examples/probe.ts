/**
 * A program of the tests: runs the file copy with its arguments, and prints what
 * memory of its own that took, as Linux counts it. Pages of the runtime's program file
 * are not: more code that runs needs more of them, whatever it does.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { main } from "../../examples/file-copy.ts";

const status = await main(process.argv.slice(2));
const counts = readFileSync("/proc/self/status", "utf8");

/** Bytes of one kind of the process's memory. */
function bytesOf(kind: string): number {
  return Number(new RegExp(`^${kind}:\\s*(\\d+) kB$`, "m").exec(counts)![1]) * 1024;
}

console.log(JSON.stringify({ status, peakBytes: bytesOf("VmHWM") - bytesOf("RssFile") }));
