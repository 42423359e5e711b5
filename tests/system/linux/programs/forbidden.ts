/**
 * A process whose seccomp filter forbids io_uring, as those of containers do.
 * Says which engine a port has then, and what it has read and taken. An argument
 * is the engine that the port asks for by option.
 *
 * @module
 */

import process from "node:process";
import { CompletionPort, FileHandle, NativeBuffer } from "../../../../mod.ts";
import { library } from "../../../../src/ffi/library.ts";
import { view } from "../../../../src/ffi/memory.ts";
import { type EngineName, system } from "../../../../src/system/system.ts";

const libc = library(["libc.so.6"], {
  // (int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
});

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SYS_io_uring_setup = 425;
const EPERM = 1;

/** struct sock_filter: load the call's number; if it is io_uring_setup answer EPERM, else allow. */
const PROGRAM = [
  [0x20, 0, 0, 0],
  [0x15, 0, 1, SYS_io_uring_setup],
  [0x06, 0, 0, 0x00050000 | EPERM],
  [0x06, 0, 0, 0x7fff0000],
];

/** The filter and the struct sock_fprog that names it; the kernel copies both. */
function forbid(): void {
  const address = system.virtualAlloc(4096).value;
  const fields = new DataView(view(address, 4096));
  PROGRAM.forEach(([code, ifTrue, ifFalse, value], index) => {
    fields.setUint16(64 + index * 8, code, true);
    fields.setUint8(66 + index * 8, ifTrue);
    fields.setUint8(67 + index * 8, ifFalse);
    fields.setUint32(68 + index * 8, value, true);
  });
  fields.setUint16(0, PROGRAM.length, true);
  fields.setBigUint64(8, BigInt(address + 64), true);
  const { prctl } = libc();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error("no_new_privs");
  if (prctl(PR_SET_SECCOMP, BigInt(SECCOMP_MODE_FILTER), BigInt(address), 0n, 0n) !== 0) {
    throw new Error("seccomp");
  }
}

forbid();
const engine = process.argv[2] as EngineName | undefined;
using port = new CompletionPort(engine === undefined ? {} : { engine });
using file = FileHandle.open(import.meta.filename!);
using buffer = NativeBuffer.allocate(16);
port.associate(file, 7);
file.read(buffer, 0, 8);
const packet = port.get();
console.log(JSON.stringify({
  engine: port.engine,
  key: packet?.key,
  tag: packet?.operation?.tag,
  text: new TextDecoder().decode(buffer.bytes.subarray(0, packet?.bytesTransferred)),
}));
