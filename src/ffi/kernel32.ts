/**
 * The functions of kernel32.dll. Names, parameters and meanings are Microsoft's;
 * each function's page is found under its name.
 *
 * BOOL is `i32`; HANDLE and pointers are addresses.
 *
 * @module
 */

import { library } from "./library.ts";
import type { Functions, Signatures } from "./signature.ts";

const KERNEL32 = {
  // HANDLE (HANDLE FileHandle, HANDLE ExistingCompletionPort, ULONG_PTR CompletionKey,
  //         DWORD NumberOfConcurrentThreads)
  CreateIoCompletionPort: { parameters: ["pointer", "pointer", "u64", "u32"], result: "pointer" },
  // (HANDLE CompletionPort, DWORD dwNumberOfBytesTransferred, ULONG_PTR dwCompletionKey,
  //  LPOVERLAPPED lpOverlapped)
  PostQueuedCompletionStatus: { parameters: ["pointer", "u32", "u64", "u64"], result: "i32" },
  // (HANDLE hObject)
  CloseHandle: { parameters: ["pointer"], result: "i32" },
  // (HANDLE hFile, LPOVERLAPPED lpOverlapped)
  CancelIoEx: { parameters: ["pointer", "pointer"], result: "i32" },
  // (LPCWSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
  //  LPSECURITY_ATTRIBUTES lpSecurityAttributes, DWORD dwCreationDisposition,
  //  DWORD dwFlagsAndAttributes, HANDLE hTemplateFile)
  CreateFileW: {
    parameters: ["buffer", "u32", "u32", "pointer", "u32", "u32", "pointer"],
    result: "pointer",
  },
  // (HANDLE hFile, LPVOID lpBuffer, DWORD nNumberOfBytesToRead,
  //  LPDWORD lpNumberOfBytesRead, LPOVERLAPPED lpOverlapped)
  ReadFile: { parameters: ["pointer", "pointer", "u32", "pointer", "pointer"], result: "i32" },
  // (HANDLE hFile, LPCVOID lpBuffer, DWORD nNumberOfBytesToWrite,
  //  LPDWORD lpNumberOfBytesWritten, LPOVERLAPPED lpOverlapped)
  WriteFile: { parameters: ["pointer", "pointer", "u32", "pointer", "pointer"], result: "i32" },
  // (HANDLE hFile, FILE_SEGMENT_ELEMENT aSegmentArray[], DWORD nNumberOfBytesToRead,
  //  LPDWORD lpReserved, LPOVERLAPPED lpOverlapped)
  ReadFileScatter: {
    parameters: ["pointer", "pointer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // (HANDLE hFile, FILE_SEGMENT_ELEMENT aSegmentArray[], DWORD nNumberOfBytesToWrite,
  //  LPDWORD lpReserved, LPOVERLAPPED lpOverlapped)
  WriteFileGather: {
    parameters: ["pointer", "pointer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // (HANDLE hFile, DWORD dwFlags, DWORD dwReserved, DWORD nNumberOfBytesToLockLow,
  //  DWORD nNumberOfBytesToLockHigh, LPOVERLAPPED lpOverlapped)
  LockFileEx: { parameters: ["pointer", "u32", "u32", "u32", "u32", "pointer"], result: "i32" },
  // (HANDLE hFile, DWORD dwReserved, DWORD nNumberOfBytesToUnlockLow,
  //  DWORD nNumberOfBytesToUnlockHigh, LPOVERLAPPED lpOverlapped)
  UnlockFileEx: { parameters: ["pointer", "u32", "u32", "u32", "buffer"], result: "i32" },
  // (HANDLE hFile, PLARGE_INTEGER lpFileSize)
  GetFileSizeEx: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile, FILE_INFO_BY_HANDLE_CLASS FileInformationClass, LPVOID lpFileInformation,
  //  DWORD dwBufferSize)
  SetFileInformationByHandle: { parameters: ["pointer", "i32", "buffer", "u32"], result: "i32" },
  // (HANDLE hDirectory, LPVOID lpBuffer, DWORD nBufferLength, BOOL bWatchSubtree,
  //  DWORD dwNotifyFilter, LPDWORD lpBytesReturned, LPOVERLAPPED lpOverlapped,
  //  LPOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
  ReadDirectoryChangesW: {
    parameters: ["pointer", "pointer", "u32", "i32", "u32", "pointer", "pointer", "pointer"],
    result: "i32",
  },
  // (HANDLE hFile, LPBY_HANDLE_FILE_INFORMATION lpFileInformation)
  GetFileInformationByHandle: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile)
  FlushFileBuffers: { parameters: ["pointer"], result: "i32" },
  // HANDLE (LPCWSTR lpName, DWORD dwOpenMode, DWORD dwPipeMode, DWORD nMaxInstances,
  //         DWORD nOutBufferSize, DWORD nInBufferSize, DWORD nDefaultTimeOut,
  //         LPSECURITY_ATTRIBUTES lpSecurityAttributes)
  CreateNamedPipeW: {
    parameters: ["buffer", "u32", "u32", "u32", "u32", "u32", "u32", "pointer"],
    result: "pointer",
  },
  // (HANDLE hNamedPipe, LPOVERLAPPED lpOverlapped)
  ConnectNamedPipe: { parameters: ["pointer", "pointer"], result: "i32" },
  // (HANDLE hNamedPipe)
  DisconnectNamedPipe: { parameters: ["pointer"], result: "i32" },
  // (HANDLE hNamedPipe, LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer,
  //  DWORD nOutBufferSize, LPDWORD lpBytesRead, LPOVERLAPPED lpOverlapped)
  TransactNamedPipe: {
    parameters: ["pointer", "pointer", "u32", "pointer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // (HANDLE hNamedPipe, LPVOID lpBuffer, DWORD nBufferSize, LPDWORD lpBytesRead,
  //  LPDWORD lpTotalBytesAvail, LPDWORD lpBytesLeftThisMessage)
  PeekNamedPipe: {
    parameters: ["pointer", "pointer", "u32", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // (LPCWSTR lpNamedPipeName, DWORD nTimeOut)
  WaitNamedPipeW: { parameters: ["buffer", "u32"], result: "i32" },
  // (HANDLE hNamedPipe, LPDWORD lpMode, LPDWORD lpMaxCollectionCount,
  //  LPDWORD lpCollectDataTimeout)
  SetNamedPipeHandleState: {
    parameters: ["pointer", "buffer", "pointer", "pointer"],
    result: "i32",
  },
  // (HANDLE hNamedPipe, LPDWORD lpState, LPDWORD lpCurInstances, LPDWORD lpMaxCollectionCount,
  //  LPDWORD lpCollectDataTimeout, LPWSTR lpUserName, DWORD nMaxUserNameSize)
  GetNamedPipeHandleStateW: {
    parameters: ["pointer", "pointer", "pointer", "pointer", "pointer", "buffer", "u32"],
    result: "i32",
  },
  // (HANDLE Pipe, PULONG ClientProcessId)
  GetNamedPipeClientProcessId: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE Pipe, PULONG ServerProcessId)
  GetNamedPipeServerProcessId: { parameters: ["pointer", "buffer"], result: "i32" },
  // HLOCAL (HLOCAL hMem)
  LocalFree: { parameters: ["pointer"], result: "pointer" },
  // (HANDLE hDevice, DWORD dwIoControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
  //  LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPOVERLAPPED lpOverlapped)
  DeviceIoControl: {
    parameters: ["pointer", "u32", "pointer", "u32", "pointer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // HANDLE (LPCWSTR lpName, DWORD nMaxMessageSize, DWORD lReadTimeout,
  //         LPSECURITY_ATTRIBUTES lpSecurityAttributes)
  CreateMailslotW: { parameters: ["buffer", "u32", "u32", "pointer"], result: "pointer" },
  // (HANDLE hFile, LPDCB lpDCB)
  GetCommState: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile, LPDCB lpDCB)
  SetCommState: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile, LPCOMMTIMEOUTS lpCommTimeouts)
  SetCommTimeouts: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile, LPDWORD lpEvtMask)
  GetCommMask: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile, DWORD dwEvtMask)
  SetCommMask: { parameters: ["pointer", "u32"], result: "i32" },
  // (HANDLE hFile, LPDWORD lpEvtMask, LPOVERLAPPED lpOverlapped)
  WaitCommEvent: { parameters: ["pointer", "pointer", "pointer"], result: "i32" },
  // (HANDLE hFile, DWORD dwFunc)
  EscapeCommFunction: { parameters: ["pointer", "u32"], result: "i32" },
  // (HANDLE hFile, DWORD dwFlags)
  PurgeComm: { parameters: ["pointer", "u32"], result: "i32" },
  // (HANDLE hFile, LPDWORD lpModemStat)
  GetCommModemStatus: { parameters: ["pointer", "buffer"], result: "i32" },
  // (HANDLE hFile)
  GetFileType: { parameters: ["pointer"], result: "u32" },
  // LPVOID (LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType, DWORD flProtect)
  VirtualAlloc: { parameters: ["pointer", "u64", "u32", "u32"], result: "pointer" },
  // (LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType)
  VirtualFree: { parameters: ["pointer", "u64", "u32"], result: "i32" },
  // HANDLE (HANDLE hFile, LPSECURITY_ATTRIBUTES lpFileMappingAttributes, DWORD flProtect,
  //         DWORD dwMaximumSizeHigh, DWORD dwMaximumSizeLow, LPCWSTR lpName)
  CreateFileMappingW: {
    parameters: ["pointer", "pointer", "u32", "u32", "u32", "buffer"],
    result: "pointer",
  },
  // LPVOID (HANDLE hFileMappingObject, DWORD dwDesiredAccess, DWORD dwFileOffsetHigh,
  //         DWORD dwFileOffsetLow, SIZE_T dwNumberOfBytesToMap)
  MapViewOfFile: { parameters: ["pointer", "u32", "u32", "u32", "u64"], result: "pointer" },
  // (LPCVOID lpBaseAddress)
  UnmapViewOfFile: { parameters: ["pointer"], result: "i32" },
  // HANDLE (DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwThreadId)
  OpenThread: { parameters: ["u32", "i32", "u32"], result: "pointer" },
  // DWORD (void): the id of the calling thread
  GetCurrentThreadId: { parameters: [], result: "u32" },
  // DWORD (HANDLE hHandle, DWORD dwMilliseconds)
  WaitForSingleObject: { parameters: ["pointer", "u32"], result: "u32" },
  // HANDLE (void): a constant
  GetCurrentProcess: { parameters: [], result: "pointer" },
  // (HANDLE hProcess, LPFILETIME lpCreationTime, LPFILETIME lpExitTime,
  //  LPFILETIME lpKernelTime, LPFILETIME lpUserTime)
  GetProcessTimes: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // HANDLE (void): the address of the heap that every process has
  GetProcessHeap: { parameters: [], result: "pointer" },
  // DWORD (void)
  GetLastError: { parameters: [], result: "u32" },
} as const satisfies Signatures;

/** kernel32.dll, loaded on first use. */
export const kernel32: () => Functions<typeof KERNEL32> = library(["kernel32.dll"], KERNEL32);
