/**
 * The functions of ws2_32.dll. SOCKET is a handle and crosses as one; a result of
 * -1 is SOCKET_ERROR, whose reason the thread's last error tells.
 *
 * @module
 */

import { library } from "./library.ts";
import type { Functions, Signatures } from "./signature.ts";

const WS2_32 = {
  // (WORD wVersionRequired, LPWSADATA lpWSAData): the code itself
  WSAStartup: { parameters: ["u32", "buffer"], result: "i32" },
  // (void)
  WSACleanup: { parameters: [], result: "i32" },
  // SOCKET (int af, int type, int protocol, LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g,
  //         DWORD dwFlags)
  WSASocketW: { parameters: ["i32", "i32", "i32", "pointer", "u32", "u32"], result: "pointer" },
  // (SOCKET s)
  closesocket: { parameters: ["pointer"], result: "i32" },
  // (SOCKET s, const struct sockaddr *name, int namelen)
  bind: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  // (SOCKET s, const struct sockaddr *name, int namelen)
  connect: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  // (SOCKET s, int backlog)
  listen: { parameters: ["pointer", "i32"], result: "i32" },
  // (SOCKET s, int how)
  shutdown: { parameters: ["pointer", "i32"], result: "i32" },
  // (SOCKET s, struct sockaddr *name, int *namelen)
  getsockname: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  // (SOCKET s, struct sockaddr *name, int *namelen)
  getpeername: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  // (SOCKET s, int level, int optname, const char *optval, int optlen)
  setsockopt: { parameters: ["pointer", "i32", "i32", "buffer", "i32"], result: "i32" },
  // (SOCKET s, int level, int optname, char *optval, int *optlen)
  getsockopt: { parameters: ["pointer", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // (SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer, DWORD cbInBuffer,
  //  LPVOID lpvOutBuffer, DWORD cbOutBuffer, LPDWORD lpcbBytesReturned,
  //  LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
  WSAIoctl: {
    parameters: [
      "pointer",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "pointer",
      "pointer",
    ],
    result: "i32",
  },
  // (SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent,
  //  DWORD dwFlags, LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
  WSASend: {
    parameters: ["pointer", "pointer", "u32", "pointer", "u32", "pointer", "pointer"],
    result: "i32",
  },
  // (SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
  //  LPDWORD lpFlags, LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
  WSARecv: {
    parameters: ["pointer", "pointer", "u32", "pointer", "pointer", "pointer", "pointer"],
    result: "i32",
  },
  // (SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent,
  //  DWORD dwFlags, const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
  //  LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
  WSASendTo: {
    parameters: [
      "pointer",
      "pointer",
      "u32",
      "pointer",
      "u32",
      "pointer",
      "i32",
      "pointer",
      "pointer",
    ],
    result: "i32",
  },
  // (SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
  //  LPDWORD lpFlags, struct sockaddr *lpFrom, LPINT lpFromlen, LPWSAOVERLAPPED lpOverlapped,
  //  LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
  WSARecvFrom: {
    parameters: [
      "pointer",
      "pointer",
      "u32",
      "pointer",
      "pointer",
      "pointer",
      "pointer",
      "pointer",
      "pointer",
    ],
    result: "i32",
  },
  // (SOCKET Handle, LPWSAMSG lpMsg, DWORD dwFlags, LPDWORD lpNumberOfBytesSent,
  //  LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
  WSASendMsg: {
    parameters: ["pointer", "pointer", "u32", "pointer", "pointer", "pointer"],
    result: "i32",
  },
} as const satisfies Signatures;

/** ws2_32.dll, loaded on first use. WSAStartup is the caller's business. */
export const ws2_32: () => Functions<typeof WS2_32> = library(["ws2_32.dll"], WS2_32);
