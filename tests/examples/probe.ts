/**
 * A program of the tests: runs the file copy with its arguments, and prints what
 * memory that took, as Linux counts it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { main } from "../../examples/file-copy.ts";

const status = await main(process.argv.slice(2));
const [, peak] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
console.log(JSON.stringify({ status, peakBytes: Number(peak) * 1024 }));
