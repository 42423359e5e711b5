/**
 * Who may open what this process makes: security descriptors, and the one for the
 * process's own user.
 *
 * @module
 */

import { advapi32 } from "../../ffi/advapi32.ts";
import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import type { Outcome } from "../contract.ts";
import { answer, failure, success, wideString } from "./last-error.ts";
import { memory } from "./memory.ts";

const TOKEN_QUERY = 8;
const TOKEN_USER = 1;
const SDDL_REVISION_1 = 1;
const ROOM_BYTES = 4096;

function readPointer(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(new DataView(bytes.buffer).getBigUint64(0, true));
}

/** Everything to the user that this process runs for, and nothing to anybody else, in SDDL. */
function ownerOnly(user: string): string {
  return `D:P(A;;GA;;;${user})`;
}

/** A SID as it is written: S-1-5-… */
export function writtenSid(bytes: Uint8Array): string {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const authority = fields.getUint16(2) * 0x100000000 + fields.getUint32(4);
  const rest = Array.from({ length: bytes[1] }, (_, i) => fields.getUint32(8 + i * 4, true));
  return ["S", bytes[0], authority, ...rest].join("-");
}

/** Reads the SID of this process's user. Returns a code, and the SID by `use`. */
function withUser(use: (sid: string) => void): number {
  const a = advapi32();
  const k = kernel32();
  const opened = new Uint8Array(new ArrayBuffer(8));
  const own = k.GetCurrentProcess();
  const reason = answer(a.OpenProcessToken(own, TOKEN_QUERY, opened), k.GetLastError());
  if (reason !== 0) return reason;
  const token = word(readPointer(opened));
  const room = memory.virtualAlloc(ROOM_BYTES);
  let code = room.code;
  if (code === 0) {
    const at = word(room.value);
    const size = new Uint8Array(new ArrayBuffer(4));
    code = answer(
      a.GetTokenInformation(token, TOKEN_USER, at, ROOM_BYTES, size),
      k.GetLastError(),
    );
    if (code === 0) {
      // TOKEN_USER begins with the address of the SID, which lies behind it.
      const bytes = new Uint8Array(view(room.value, ROOM_BYTES));
      const sid = Number(new DataView(bytes.buffer).getBigUint64(0, true)) - room.value;
      use(writtenSid(bytes.subarray(sid)));
    }
    memory.virtualFree(room.value, ROOM_BYTES);
  }
  k.CloseHandle(token);
  return code;
}

/**
 * The security descriptor that `sddl` describes, "" for one that lets in nobody but
 * the user of this process. Its address, until `freeDescriptor`.
 */
export function openDescriptor(sddl: string): Outcome {
  let text = sddl;
  if (text === "") {
    const code = withUser((user) => text = ownerOnly(user));
    if (code !== 0) return failure(code);
  }
  const made = new Uint8Array(new ArrayBuffer(8));
  const name = wideString(text);
  const convert = advapi32().ConvertStringSecurityDescriptorToSecurityDescriptorW;
  const k = kernel32();
  const code = answer(convert(name, SDDL_REVISION_1, made, word(0)), k.GetLastError());
  return code === 0 ? success(readPointer(made)) : failure(code);
}

/** Gives a descriptor back. */
export function freeDescriptor(address: number): void {
  kernel32().LocalFree(word(address));
}
