/**
 * Completion ports on Windows: the kernel's own.
 *
 * @module
 */

import { kernel32 } from "../../ffi/kernel32.ts";
import { word } from "../../ffi/library.ts";
import { ntdll } from "../../ffi/ntdll.ts";
import type { Word } from "../../ffi/signature.ts";
import * as code from "../codes.ts";
import type {
  EngineOutcome,
  EngineSystem,
  HandleSystem,
  Outcome,
  PortState,
  PortSystem,
} from "../contract.ts";
import type { CompletionEntries } from "../entries.ts";
import { errorOfStatus } from "../status.ts";
import { answer, failure, handleWord, success } from "./last-error.ts";
import { memory } from "./memory.ts";
import { view } from "../../ffi/memory.ts";
import { closeSocket } from "./winsock.ts";

/** sizeof(OVERLAPPED_ENTRY). */
const ENTRY_BYTES = 32;

/** INVALID_HANDLE_VALUE as it crosses to C; Bun takes the bigint too. */
const NO_FILE = 0xFFFFFFFFFFFFFFFFn;
const NOTHING = word(0);
const IO_COMPLETION_BASIC_INFORMATION = 0;

/**
 * Two outputs of NtRemoveIoCompletionEx, in memory of this thread's own that is
 * never given back: a ULONG at 0 and the timeout at 8.
 */
interface Scratch {
  readonly removed: Word;
  readonly timeout: Word;
  readonly fields: DataView;
}

let scratch: Scratch | undefined;

function openScratch(): Scratch {
  const { code, value } = memory.virtualAlloc(16);
  if (code !== 0) throw new RangeError("Reserving 16 bytes of native memory failed");
  return { removed: word(value), timeout: word(value + 8), fields: new DataView(view(value, 16)) };
}

/** The Win32 code of an NTSTATUS that a call has answered with. */
export function errorOf(status: number): number {
  return errorOfStatus(status >>> 0) ?? ntdll().RtlNtStatusToDosError(status);
}

function openEntries(capacity: number): Outcome {
  return memory.virtualAlloc(capacity * ENTRY_BYTES + ENTRY_BYTES);
}

function closeEntries(address: number, capacity: number): void {
  memory.virtualFree(address, capacity * ENTRY_BYTES + ENTRY_BYTES);
}

function createIoCompletionPort(
  file: number,
  port: number,
  key: number,
  concurrency: number,
): Outcome {
  const k = kernel32();
  const handle = file === code.INVALID_HANDLE_VALUE ? NO_FILE : handleWord(file);
  const made = k.CreateIoCompletionPort(handle, handleWord(port), word(key), concurrency);
  const error = k.GetLastError();
  return Number(made) === 0 ? failure(error) : success(Number(made));
}

/**
 * NtRemoveIoCompletionEx, which GetQueuedCompletionStatusEx is made of: it answers
 * with the status itself, so that no last error can be lost on a wait.
 */
function getQueuedCompletionStatusEx(
  port: number,
  entries: CompletionEntries,
  count: number,
  timeoutMs: number,
): number {
  if (count < 1 || count > entries.capacity) return code.ERROR_INVALID_PARAMETER;
  const { removed, timeout, fields } = scratch ??= openScratch();
  // A negative timeout counts from now, in units of 100 ns.
  const isFinite = timeoutMs !== Infinity;
  if (isFinite) fields.setBigInt64(8, BigInt(-Math.ceil(timeoutMs * 10_000)), true);
  const status = ntdll().NtRemoveIoCompletionEx(
    handleWord(port),
    word(entries.address),
    count,
    removed,
    isFinite ? timeout : NOTHING,
    0,
  );
  if (status !== 0) return errorOf(status);
  entries.removed = fields.getUint32(0, true);
  return 0;
}

function queryIoCompletion(port: number, state: PortState): number {
  const depth = new Uint8Array(new ArrayBuffer(4));
  const status = ntdll().NtQueryIoCompletion(
    handleWord(port),
    IO_COMPLETION_BASIC_INFORMATION,
    depth,
    4,
    NOTHING,
  );
  if (status !== 0) return errorOf(status);
  state.queued = new DataView(depth.buffer).getUint32(0, true);
  state.active = null;
  state.waiting = null;
  state.posted = null;
  state.taken = null;
  return 0;
}

/** The kernel carries a port's I/O itself. */
function setEngine(
  _port: number,
  engine: string,
  _submissions: number,
  _completions: number,
): EngineOutcome {
  if (engine === "") return { code: 0, errno: 0, reason: "" };
  const reason = `Windows has no ${engine}: its kernel carries a port's I/O itself`;
  return { code: code.ERROR_NOT_SUPPORTED, errno: 0, reason };
}

/** The contract's functions for ports, and for what all handles can do. */
export const ports: PortSystem & EngineSystem & HandleSystem = {
  setEngine,
  createIoCompletionPort,
  openEntries,
  closeEntries,
  getQueuedCompletionStatusEx,
  getQueuedCompletionStatus: (port, entries, timeoutMs) =>
    getQueuedCompletionStatusEx(port, entries, 1, timeoutMs),
  postQueuedCompletionStatus: (port, bytes, key, overlapped) => {
    const k = kernel32();
    return answer(
      k.PostQueuedCompletionStatus(handleWord(port), bytes, word(key), word(overlapped)),
      k.GetLastError(),
    );
  },
  rtlNtStatusToDosError: (status) => ntdll().RtlNtStatusToDosError(status | 0),
  queryIoCompletion,
  beginBlocking: () => {},
  endBlocking: () => {},
  describeEngine: (_port) => "Windows",
  closeHandle: (handle) => {
    if (closeSocket(handle)) return 0;
    const k = kernel32();
    return answer(k.CloseHandle(handleWord(handle)), k.GetLastError());
  },
  cancelIoEx: (handle, overlapped) => {
    const k = kernel32();
    return answer(k.CancelIoEx(handleWord(handle), word(overlapped)), k.GetLastError());
  },
  // The kernel takes each operation as it is started.
  gatherOperations: () => {},
  gatherOperationsOn: (_port) => {},
  submitOperations: () => {},
};
