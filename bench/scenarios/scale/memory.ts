/**
 * Prints how many bytes the process has grown by for each of many operations in flight:
 *
 *     memory.ts file|pipe OPERATIONS FILE
 *
 * Reads of a file are done soon, but are in flight until they are taken; those of a pipe wait
 * for somebody to write. Their one buffer is not counted, nor is the kernel's own memory.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { CompletionPort, FileHandle, type Handle, NativeBuffer, PipeHandle } from "../../../mod.ts";

const [kind, countText, path] = process.argv.slice(2);
const count = Number(countText);

const port = new CompletionPort({ concurrency: 1 });
const buffer = NativeBuffer.allocate(4096);
const read = kind === "file" ? readerOfFile() : readerOfPipe();
// Everything has been loaded and used once before the first look.
for (let i = 0; i < 2000; i++) read(i);
take(2000);

const before = residentBytes();
port.batch(() => {
  for (let i = 0; i < count; i++) read(i);
});
const grown = residentBytes() - before;
console.log(Math.max(0, grown / count));
process.exit(); // The end gives back what a pipe's reads still have.

function readerOfFile(): (i: number) => void {
  const file = FileHandle.open(path);
  port.associate(file, 1);
  return (i) => void file.read(buffer, i % 1024 * 4096, i);
}

/** Of the first reads some are answered, so that their packets can be taken. */
function readerOfPipe(): (i: number) => void {
  const name = `\\\\.\\pipe\\iocp-bench-${process.pid}`;
  const server = PipeHandle.serve(name);
  const client = PipeHandle.open(name);
  const keep: Handle[] = [server, client];
  port.associate(server, 1);
  port.associate(client, 2);
  const small = NativeBuffer.allocate(16);
  let warm = 0;
  return (i) => {
    if (keep.length === 2) server.read(small, i);
    if (warm++ < 2000) client.write(small, i);
  };
}

function take(reads: number): void {
  const packets = kind === "file" ? reads : 2 * reads;
  for (let taken = 0; taken < packets;) taken += port.getMany(1024).length;
}

/** Memory that is the process's, in files shared with nobody as well. */
function residentBytes(): number {
  const collect = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  collect.Bun?.gc(true);
  collect.gc?.();
  if (process.platform !== "linux") return process.memoryUsage().rss;
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
  return Number(kilobytes) * 1024;
}
