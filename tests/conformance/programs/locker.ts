/**
 * A process that locks and unlocks ranges of a file as it is told, a line of JSON at a time, and
 * answers each with a code: 0 done.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { CompletionPort, FileHandle, type LockOptions, Win32Error } from "../../../mod.ts";

const port = new CompletionPort();
const file = FileHandle.open(process.argv[2], { read: true, write: true });
port.associate(file, 1);

function lock(range: LockOptions): number {
  file.lock(range);
  return port.get()?.error?.code ?? 0;
}

function unlock(range: LockOptions): number {
  try {
    file.unlock(range);
    return 0;
  } catch (error) {
    if (error instanceof Win32Error) return error.code;
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, range } = JSON.parse(line);
  console.log(verb === "lock" ? lock(range) : unlock(range));
}
