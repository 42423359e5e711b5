/**
 * What system calls on sockets answer, in the words of Winsock.
 *
 * @module
 */

import { errorOfErrno, statusOfError } from "../status.ts";
import type { Port } from "./port.ts";
import { finishRequest } from "./requests.ts";

/** Winsock's code of an errno, where a call or a start has failed with it. Source: Windows Sockets Error Codes; errno(3). */
const CODES: Readonly<Record<number, number>> = {
  4: 10004, // EINTR
  13: 10013, // EACCES
  1: 10013, // EPERM
  14: 10014, // EFAULT
  22: 10022, // EINVAL
  24: 10024, // EMFILE
  23: 10024, // ENFILE
  11: 10035, // EAGAIN
  115: 10036, // EINPROGRESS
  114: 10037, // EALREADY
  88: 10038, // ENOTSOCK
  89: 10039, // EDESTADDRREQ
  90: 10040, // EMSGSIZE
  91: 10041, // EPROTOTYPE
  92: 10042, // ENOPROTOOPT
  93: 10043, // EPROTONOSUPPORT
  94: 10044, // ESOCKTNOSUPPORT
  95: 10045, // EOPNOTSUPP
  96: 10046, // EPFNOSUPPORT
  97: 10047, // EAFNOSUPPORT
  98: 10048, // EADDRINUSE
  99: 10049, // EADDRNOTAVAIL
  19: 10049, // ENODEV: no such interface
  6: 10049, // ENXIO
  100: 10050, // ENETDOWN
  101: 10051, // ENETUNREACH
  102: 10052, // ENETRESET
  103: 10053, // ECONNABORTED
  104: 10054, // ECONNRESET
  105: 10055, // ENOBUFS
  12: 10055, // ENOMEM
  106: 10056, // EISCONN
  107: 10057, // ENOTCONN
  108: 10058, // ESHUTDOWN
  32: 10058, // EPIPE
  110: 10060, // ETIMEDOUT
  111: 10061, // ECONNREFUSED
  112: 10064, // EHOSTDOWN
  113: 10065, // EHOSTUNREACH
};

/** Winsock's code of an errno; of what sockets do not know, as a path, the Win32 code. */
export function wsaErrorOf(errno: number): number {
  return CODES[errno] ?? errorOfErrno(errno);
}

/** What Windows' own codes say of a connection that was there, or was tried, where Winsock's would say it of a call. */
const OWN_CODES: Readonly<Record<number, number>> = {
  101: 1231, // ENETUNREACH: ERROR_NETWORK_UNREACHABLE
  113: 1232, // EHOSTUNREACH: ERROR_HOST_UNREACHABLE
  103: 1236, // ECONNABORTED: ERROR_CONNECTION_ABORTED
  104: 64, // ECONNRESET: ERROR_NETNAME_DELETED
  110: 121, // ETIMEDOUT: ERROR_SEM_TIMEOUT
  111: 1225, // ECONNREFUSED: ERROR_CONNECTION_REFUSED
  125: 995, // ECANCELED: ERROR_OPERATION_ABORTED
};

/** A request of a socket has failed with this errno, after `bytes` bytes: as packets tell it. */
export function failSocket(port: Port, request: number, errno: number, bytes: number = 0): void {
  const code = OWN_CODES[errno] ?? wsaErrorOf(errno);
  finishRequest(port, request, statusOfError(code), bytes, errno);
}
