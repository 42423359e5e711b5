/**
 * The functions of the contract, by the names Windows documents, for the system
 * this runs on. For those who port C; everybody else uses `CompletionPort` and
 * the handle classes, which keep the promises that these functions leave to
 * their caller: memory that stays, one OVERLAPPED an operation, checked arguments.
 *
 * Nothing is loaded before the first call.
 *
 * @example
 * ```ts
 * import { CompletionEntries, INVALID_HANDLE_VALUE, system } from "@iocp/iocp/system";
 *
 * const port = system.createIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, 1).value;
 * const room = system.virtualAlloc(32).value;
 * const entries = new CompletionEntries(room, 1);
 * system.postQueuedCompletionStatus(port, 5, 7, 0);
 * if (system.getQueuedCompletionStatusEx(port, entries, 1, Infinity) === 0) {
 *   console.log(entries.key(0), entries.bytes(0)); // 7 5
 * }
 * system.closeHandle(port);
 * system.virtualFree(room, 32);
 * ```
 *
 * @module
 */

import { platform } from "../ffi/runtime.ts";
import type { System } from "./contract.ts";
import { linux } from "./linux/linux.ts";
import { windows } from "./windows/windows.ts";

export type * from "./contract.ts";
export * from "./codes.ts";
export * from "./comm.ts";
export * from "./controls.ts";
export { CompletionEntries, ENTRY_WORDS } from "./entries.ts";
export * from "./winsock.ts";
export { errorOfErrno, errorOfStatus, nameOfError, statusOfError } from "./status.ts";
export type { ErrorName } from "./status.ts";

/** Answers every call with the reason why there is none. */
function unsupported(): System {
  return new Proxy({} as System, {
    get(_, name): unknown {
      return () => {
        throw new Error(
          `${String(name)} failed: completion ports need Windows or Linux, and this is ${platform}`,
        );
      };
    },
  });
}

/** The system this runs on. */
export const system: System = platform === "win32"
  ? windows
  : platform === "linux"
  ? linux
  : unsupported();
