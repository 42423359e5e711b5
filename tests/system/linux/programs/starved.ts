/**
 * A process that gives itself too little of something, and then enough again
 * (setrlimit(2)). Says what each call comes to meanwhile, and whether everything
 * works afterwards.
 *
 * @module
 */

import process from "node:process";
import { readdirSync, readFileSync } from "node:fs";
import { CompletionPort, FileHandle, NativeBuffer, Win32Error } from "../../../../mod.ts";
import { ledger } from "../../../../src/core/ledger.ts";
import { library } from "../../../../src/ffi/library.ts";
import { region } from "../../../../src/system/linux/region.ts";

const libc = library(["libc.so.6"], {
  // (int resource, const struct rlimit *rlim)
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
});

const RLIMIT_NOFILE = 7;
const RLIMIT_AS = 9;
const MiB = 1024 * 1024;
const PATH = import.meta.filename!;

/** Calls `use` while the process may have only so much of `resource`. */
function within(resource: number, amount: number, use: () => void): void {
  const bytes = new Uint8Array(new ArrayBuffer(16));
  libc().getrlimit(resource, bytes);
  const fields = new DataView(bytes.buffer);
  const before = fields.getBigUint64(0, true);
  fields.setBigUint64(0, BigInt(amount), true);
  if (libc().setrlimit(resource, bytes) !== 0) throw new Error("setrlimit");
  try {
    use();
  } finally {
    fields.setBigUint64(0, before, true);
    libc().setrlimit(resource, bytes);
  }
}

/** Address space in use, in bytes. */
function mapped(): number {
  return Number(readFileSync("/proc/self/statm", "utf8").split(" ")[0]) * 4096;
}

function resultOf(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    return error instanceof Win32Error ? `${error.errno}: ${error.message}` : String(error);
  }
}

/** Reads this file through `port`, which must have no file yet. */
function use(port: CompletionPort): string {
  using file = FileHandle.open(PATH);
  using buffer = NativeBuffer.allocate(16);
  port.associate(file, 1);
  file.read(buffer, 0);
  const bytes = port.get()?.bytesTransferred;
  return `${bytes} bytes by ${port.engine}`;
}

const WIDE = { submissions: 32768, completions: 65536 };
const said: Record<string, string> = {};

within(RLIMIT_AS, mapped() + 512 * MiB, () => {
  said.first = resultOf(() => new CompletionPort());
  said.second = resultOf(() => new CompletionPort());
});
const port = new CompletionPort();
said.ports = `${ledger().ports.count()} in the core, ${region().ports.count()} in the engine`;
within(RLIMIT_AS, mapped() + MiB, () => {
  said.buffer = resultOf(() => NativeBuffer.allocate(64 * MiB));
  said.buffers = `${ledger().buffers.count()}`;
  said.asked = resultOf(() => new CompletionPort({ engine: "io_uring", ring: WIDE }));
  using other = new CompletionPort({ ring: WIDE });
  said.fallback = resultOf(() => use(other));
});
const highest = Math.max(...readdirSync("/proc/self/fd").map(Number));
within(RLIMIT_NOFILE, highest + 4, () => {
  const files: FileHandle[] = [];
  said.open = resultOf(() => {
    for (;;) files.push(FileHandle.open(PATH));
  });
  said.engine = resultOf(() => new CompletionPort({ engine: "io_uring" }));
  said.either = resultOf(() => new CompletionPort({ engine: "epoll" }));
  files.pop()?.close();
  using file = FileHandle.open(PATH);
  said.associate = resultOf(() => port.associate(file, 1));
  for (const file of files) file.close();
});
said.afterwards = resultOf(() => use(port));
port.close();
said.left = `${ledger().ports.count()} in the core, ${region().ports.count()} in the engine`;
console.log(JSON.stringify(said));
process.exit(0);
