/**
 * The functions of ntdll.dll: those that answer with the status itself, where
 * kernel32 leaves it in the thread's last error.
 *
 * @module
 */

import { library } from "./library.ts";
import type { Functions, Signatures } from "./signature.ts";

const NTDLL = {
  // NTSTATUS (HANDLE IoCompletionHandle, PFILE_IO_COMPLETION_INFORMATION Information,
  //           ULONG Count, PULONG NumEntriesRemoved, PLARGE_INTEGER Timeout, BOOLEAN Alertable)
  NtRemoveIoCompletionEx: {
    parameters: ["pointer", "pointer", "u32", "pointer", "pointer", "u32"],
    result: "i32",
  },
  // NTSTATUS (HANDLE IoCompletionHandle, IO_COMPLETION_INFORMATION_CLASS InformationClass,
  //           PVOID IoCompletionInformation, ULONG Length, PULONG RequiredLength)
  NtQueryIoCompletion: {
    parameters: ["pointer", "u32", "buffer", "u32", "pointer"],
    result: "i32",
  },
  // ULONG (NTSTATUS Status)
  RtlNtStatusToDosError: { parameters: ["i32"], result: "u32" },
} as const satisfies Signatures;

/** ntdll.dll, loaded on first use. */
export const ntdll: () => Functions<typeof NTDLL> = library(["ntdll.dll"], NTDLL);
