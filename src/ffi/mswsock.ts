/**
 * The functions of mswsock.dll, Microsoft's extensions of Winsock. A socket's
 * provider has them, and tells their addresses for their ids (WSAIoctl with
 * SIO_GET_EXTENSION_FUNCTION_POINTER); the exports of the same names look the
 * address up at every call.
 *
 * @module
 */

import type { Signature } from "./signature.ts";

/** One function, and the GUID that it is asked for by. */
export interface Extension extends Signature {
  /** WSAID_… as Microsoft's headers write it. */
  readonly id: string;
}

/** All of them, by name. */
export const MSWSOCK = {
  // BOOL (SOCKET sListenSocket, SOCKET sAcceptSocket, PVOID lpOutputBuffer,
  //       DWORD dwReceiveDataLength, DWORD dwLocalAddressLength, DWORD dwRemoteAddressLength,
  //       LPDWORD lpdwBytesReceived, LPOVERLAPPED lpOverlapped)
  AcceptEx: {
    id: "b5367df1-cbac-11cf-95ca-00805f48a192",
    parameters: ["pointer", "pointer", "pointer", "u32", "u32", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // BOOL (SOCKET s, const struct sockaddr *name, int namelen, PVOID lpSendBuffer,
  //       DWORD dwSendDataLength, LPDWORD lpdwBytesSent, LPOVERLAPPED lpOverlapped)
  ConnectEx: {
    id: "25a207b9-ddf3-4660-8ee9-76e58c74063e",
    parameters: ["pointer", "pointer", "i32", "pointer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // BOOL (SOCKET hSocket, LPOVERLAPPED lpOverlapped, DWORD dwFlags, DWORD reserved)
  DisconnectEx: {
    id: "7fda2e11-8630-436f-a031-f536a6eec157",
    parameters: ["pointer", "pointer", "u32", "u32"],
    result: "i32",
  },
  // BOOL (SOCKET hSocket, HANDLE hFile, DWORD nNumberOfBytesToWrite,
  //       DWORD nNumberOfBytesPerSend, LPOVERLAPPED lpOverlapped,
  //       LPTRANSMIT_FILE_BUFFERS lpTransmitBuffers, DWORD dwFlags)
  TransmitFile: {
    id: "b5367df0-cbac-11cf-95ca-00805f48a192",
    parameters: ["pointer", "pointer", "u32", "u32", "pointer", "pointer", "u32"],
    result: "i32",
  },
  // INT (SOCKET s, LPWSAMSG lpMsg, LPDWORD lpdwNumberOfBytesRecvd, LPWSAOVERLAPPED lpOverlapped,
  //      LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine): 0 or SOCKET_ERROR
  WSARecvMsg: {
    id: "f689d7c8-6f1f-436b-8a53-e54fe351c322",
    parameters: ["pointer", "pointer", "pointer", "pointer", "pointer"],
    result: "i32",
  },
} as const satisfies Readonly<Record<string, Extension>>;
