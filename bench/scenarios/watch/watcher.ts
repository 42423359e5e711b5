/**
 * Watches a folder by `DirectoryHandle.readChanges`; run and answered for as `rivals/watch.mjs`:
 *
 *     watcher.ts FOLDER FILES all|each
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { CompletionPort, DirectoryHandle, NativeBuffer } from "../../../mod.ts";

const BUFFER_BYTES = 1 << 20;
const FIRST_MS = 20_000;
const GRACE_MS = 1000;

const [folder, filesText, mode] = process.argv.slice(2);
const files = Number(filesText);
const say = (line: string): void => void writeSync(1, `${line}\n`);

using port = new CompletionPort({ concurrency: 1 });
using directory = DirectoryHandle.open(folder);
// One is filled while what is in the other is read.
using memory = NativeBuffer.allocate(2 * BUFFER_BYTES);
const buffers = [memory.subarray(0, BUFFER_BYTES), memory.subarray(BUFFER_BYTES)];
port.associate(directory, 1);
directory.readChanges(buffers[0], { filter: ["fileName", "size", "lastWrite"] });
say("ready");

let [seen, overflows, last, turn] = [0, 0, 0, 0];
while (seen < files) {
  const packet = port.get(seen === 0 ? FIRST_MS : GRACE_MS);
  if (packet === null) break;
  turn = 1 - turn;
  directory.readChanges(buffers[turn]);
  for (const { action, path } of DirectoryHandle.changes(packet)) {
    if (action === "overflow") overflows++;
    if (action !== "added" || !/[\\/]\d+$/.test(path)) continue;
    seen++;
    if (mode === "each") say(`${now()}`);
  }
  last = now();
}
if (mode === "all") say(JSON.stringify({ seen, overflows, last }));
process.exit(); // The read that is in flight waits for nothing more.

function now(): number {
  return performance.timeOrigin + performance.now();
}
