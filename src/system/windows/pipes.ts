/**
 * Named pipes on Windows.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { view } from "../../ffi/memory.ts";
import type { Outcome, PipeSystem } from "../contract.ts";
import { answer, failure, handleWord, started, success, wideString } from "./last-error.ts";
import { memory } from "./memory.ts";
import { freeDescriptor, openDescriptor } from "./security.ts";

const INVALID_HANDLE = 0xFFFFFFFFFFFFFFFFn;
const NOTHING = word(0);
const NMPWAIT_WAIT_FOREVER = 0xFFFFFFFF;
const SECURITY_ATTRIBUTES_BYTES = 24;
/** Characters of a user's name with its domain; more than Windows allows for both. */
const USER_CHARACTERS = 514;

function createNamedPipe(
  name: string,
  openMode: number,
  pipeMode: number,
  maxInstances: number,
  outBufferBytes: number,
  inBufferBytes: number,
  defaultTimeoutMs: number,
  descriptor: string,
  _mode: number,
): Outcome {
  const rights = openDescriptor(descriptor);
  if (rights.code !== 0) return rights;
  const room = memory.virtualAlloc(SECURITY_ATTRIBUTES_BYTES);
  if (room.code !== 0) {
    freeDescriptor(rights.value);
    return room;
  }
  // SECURITY_ATTRIBUTES: its length, the descriptor; not inherited.
  const attributes = new DataView(view(room.value, SECURITY_ATTRIBUTES_BYTES));
  attributes.setUint32(0, SECURITY_ATTRIBUTES_BYTES, true);
  attributes.setBigUint64(8, BigInt(rights.value), true);
  const k = kernel32();
  const wide = wideString(name);
  const at = word(room.value);
  const pipe = k.CreateNamedPipeW(
    wide,
    openMode >>> 0,
    pipeMode,
    maxInstances,
    outBufferBytes,
    inBufferBytes,
    defaultTimeoutMs,
    at,
  );
  const error = k.GetLastError();
  memory.virtualFree(room.value, SECURITY_ATTRIBUTES_BYTES);
  freeDescriptor(rights.value);
  return BigInt(pipe) === INVALID_HANDLE ? failure(error) : success(Number(pipe));
}

/** A DWORD that a function writes. */
function dword(value: number = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(4));
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function read(bytes: Uint8Array<ArrayBuffer>): number {
  return new DataView(bytes.buffer).getUint32(0, true);
}

/** The contract's functions for pipes. */
export const pipes: PipeSystem = {
  createNamedPipe,
  connectNamedPipe: (pipe, overlapped) => {
    const k = kernel32();
    return started(k.ConnectNamedPipe(handleWord(pipe), word(overlapped)), k.GetLastError());
  },
  disconnectNamedPipe: (pipe) => {
    const k = kernel32();
    return answer(k.DisconnectNamedPipe(handleWord(pipe)), k.GetLastError());
  },
  transactNamedPipe: (pipe, request, requestBytes, reply, replyBytes, overlapped) => {
    const k = kernel32();
    return started(
      k.TransactNamedPipe(
        handleWord(pipe),
        word(request),
        requestBytes,
        word(reply),
        replyBytes,
        NOTHING,
        word(overlapped),
      ),
      k.GetLastError(),
    );
  },
  peekNamedPipe(pipe, buffer, byteLength, state): number {
    const [count, available, left] = [dword(), dword(), dword()];
    const k = kernel32();
    const code = answer(
      k.PeekNamedPipe(handleWord(pipe), word(buffer), byteLength, count, available, left),
      k.GetLastError(),
    );
    if (code !== 0) return code;
    state.bytesRead = read(count);
    state.bytesAvailable = read(available);
    state.bytesLeft = read(left);
    return 0;
  },
  waitNamedPipe(name, timeoutMs): number {
    const wide = wideString(name);
    const isFinite = timeoutMs < NMPWAIT_WAIT_FOREVER;
    const time = isFinite ? Math.ceil(timeoutMs) : NMPWAIT_WAIT_FOREVER;
    const k = kernel32();
    return answer(k.WaitNamedPipeW(wide, time), k.GetLastError());
  },
  setNamedPipeHandleState(pipe, mode): number {
    const value = dword(mode);
    const k = kernel32();
    return answer(
      k.SetNamedPipeHandleState(handleWord(pipe), value, NOTHING, NOTHING),
      k.GetLastError(),
    );
  },
  getNamedPipeHandleState(pipe, client): number {
    const name = new Uint8Array(new ArrayBuffer(USER_CHARACTERS * 2));
    const k = kernel32();
    const ask = k.GetNamedPipeHandleStateW;
    const handle = handleWord(pipe);
    const code = answer(
      ask(handle, NOTHING, NOTHING, NOTHING, NOTHING, name, USER_CHARACTERS),
      k.GetLastError(),
    );
    if (code === 0) client.user = new TextDecoder("utf-16le").decode(name).split("\0")[0];
    return code;
  },
  getNamedPipeClientProcessId(pipe): Outcome {
    const id = dword();
    const k = kernel32();
    const code = answer(k.GetNamedPipeClientProcessId(handleWord(pipe), id), k.GetLastError());
    return code === 0 ? success(read(id)) : failure(code);
  },
  getNamedPipeServerProcessId(pipe): Outcome {
    const id = dword();
    const k = kernel32();
    const code = answer(k.GetNamedPipeServerProcessId(handleWord(pipe), id), k.GetLastError());
    return code === 0 ? success(read(id)) : failure(code);
  },
};
