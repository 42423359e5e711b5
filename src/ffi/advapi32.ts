/**
 * The functions of advapi32.dll: who a process runs for, and who may do what.
 *
 * @module
 */

import { library } from "./library.ts";
import type { Functions, Signatures } from "./signature.ts";

const ADVAPI32 = {
  // (HANDLE ProcessHandle, DWORD DesiredAccess, PHANDLE TokenHandle)
  OpenProcessToken: { parameters: ["pointer", "u32", "buffer"], result: "i32" },
  // (HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
  //  LPVOID TokenInformation, DWORD TokenInformationLength, PDWORD ReturnLength)
  GetTokenInformation: {
    parameters: ["pointer", "i32", "pointer", "u32", "buffer"],
    result: "i32",
  },
  // (LPCWSTR StringSecurityDescriptor, DWORD StringSDRevision,
  //  PSECURITY_DESCRIPTOR *SecurityDescriptor, PULONG SecurityDescriptorSize)
  ConvertStringSecurityDescriptorToSecurityDescriptorW: {
    parameters: ["buffer", "u32", "buffer", "pointer"],
    result: "i32",
  },
} as const satisfies Signatures;

/** advapi32.dll, loaded on first use. */
export const advapi32: () => Functions<typeof ADVAPI32> = library(["advapi32.dll"], ADVAPI32);
