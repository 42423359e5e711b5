/**
 * Every error code this module can report, in one table: Win32 code, name,
 * NTSTATUS, the errno values that mean the same on Linux, and the text.
 *
 * A packet carries an NTSTATUS, a call answers with a Win32 code, a Linux system
 * call with an errno. All three meet here and nowhere else. Sources: Microsoft's
 * "System Error Codes" and "NTSTATUS Values" ([MS-ERREF]); errno(3).
 *
 * @module
 */

/** code, name, NTSTATUS (0: none), errno values, text */
type Row = readonly [number, string, number, readonly number[], string];

// The first row with a given errno or NTSTATUS is the one it maps to.
const ROWS: readonly Row[] = [
  [0, "ERROR_SUCCESS", 0, [0], "The operation completed successfully"],
  [1, "ERROR_INVALID_FUNCTION", 0xC0000010, [25], "The handle does not know this request"],
  [2, "ERROR_FILE_NOT_FOUND", 0xC0000034, [2], "No such file or directory"],
  [3, "ERROR_PATH_NOT_FOUND", 0xC000003A, [20], "A folder of the path does not exist"],
  [4, "ERROR_TOO_MANY_OPEN_FILES", 0xC000011F, [24, 23], "Too many open files"],
  [5, "ERROR_ACCESS_DENIED", 0xC0000022, [13, 1, 21], "Permission denied"],
  [5, "ERROR_ACCESS_DENIED", 0xC0000056, [], "Permission denied"],
  [6, "ERROR_INVALID_HANDLE", 0xC0000008, [9], "The handle is closed or was never one"],
  [8, "ERROR_NOT_ENOUGH_MEMORY", 0xC0000017, [12], "Not enough memory"],
  [17, "ERROR_NOT_SAME_DEVICE", 0xC00000D4, [18], "The paths lie on different file systems"],
  [19, "ERROR_WRITE_PROTECT", 0xC00000A2, [30], "The file system is read-only"],
  [21, "ERROR_NOT_READY", 0xC00000A3, [123], "The device is not ready"],
  [31, "ERROR_GEN_FAILURE", 0xC0000001, [], "The system gave no nearer reason"],
  [32, "ERROR_SHARING_VIOLATION", 0xC0000043, [26], "The file is in use"],
  [33, "ERROR_LOCK_VIOLATION", 0xC0000054, [11], "Another lock covers a part of the range"],
  [33, "ERROR_LOCK_VIOLATION", 0xC0000055, [], "Another lock covers a part of the range"],
  [38, "ERROR_HANDLE_EOF", 0xC0000011, [], "The end of the file was reached"],
  [50, "ERROR_NOT_SUPPORTED", 0xC00000BB, [95, 38], "The system cannot do this"],
  [51, "ERROR_REM_NOT_LIST", 0xC00000BC, [], "The computer is not there"],
  [52, "ERROR_DUP_NAME", 0xC00000BD, [], "The name or address is in use"],
  [52, "ERROR_DUP_NAME", 0xC000020A, [], "The name or address is in use"],
  [53, "ERROR_BAD_NETPATH", 0xC00000BE, [], "There is no way to the computer"],
  [59, "ERROR_UNEXP_NET_ERR", 0xC00000C4, [], "The network reported an error"],
  [59, "ERROR_UNEXP_NET_ERR", 0xC0000140, [], "The network reported an error"],
  [64, "ERROR_NETNAME_DELETED", 0xC000020D, [104], "The peer reset the connection"],
  [64, "ERROR_NETNAME_DELETED", 0xC000013B, [], "The peer reset the connection"],
  [64, "ERROR_NETNAME_DELETED", 0xC000013C, [], "The peer reset the connection"],
  [64, "ERROR_NETNAME_DELETED", 0xC000020B, [], "The peer reset the connection"],
  [64, "ERROR_NETNAME_DELETED", 0xC000020C, [], "The peer reset the connection"],
  [68, "ERROR_TOO_MANY_NAMES", 0xC0000209, [], "The system has no address left"],
  [80, "ERROR_FILE_EXISTS", 0, [17], "The file exists already"],
  [87, "ERROR_INVALID_PARAMETER", 0xC000000D, [22], "An argument is not valid"],
  [109, "ERROR_BROKEN_PIPE", 0xC000014B, [32], "The other end of the pipe was closed"],
  [112, "ERROR_DISK_FULL", 0xC000007F, [28, 122], "There is no space left on the disk"],
  [121, "ERROR_SEM_TIMEOUT", 0xC00000B5, [110], "There was no answer in time"],
  [122, "ERROR_INSUFFICIENT_BUFFER", 0xC0000023, [], "The buffer is too small"],
  [123, "ERROR_INVALID_NAME", 0xC0000033, [], "The name is not valid"],
  [128, "ERROR_WAIT_NO_CHILDREN", 0, [10], "There is no child process to wait for"],
  [131, "ERROR_NEGATIVE_SEEK", 0, [], "The position is negative"],
  [145, "ERROR_DIR_NOT_EMPTY", 0xC0000101, [39], "The directory is not empty"],
  [158, "ERROR_NOT_LOCKED", 0xC000007E, [], "The handle has no lock of this range"],
  [170, "ERROR_BUSY", 0x80000011, [16], "The resource is in use"],
  [183, "ERROR_ALREADY_EXISTS", 0xC0000035, [], "It exists already"],
  [192, "WAIT_IO_COMPLETION", 0xC0, [], "A user APC ended the wait"],
  [206, "ERROR_FILENAME_EXCED_RANGE", 0, [36], "The name is too long"],
  [223, "ERROR_FILE_TOO_LARGE", 0xC0000904, [27], "The file would be too large"],
  [230, "ERROR_BAD_PIPE", 0xC00000AD, [], "This end of the pipe cannot do that"],
  [231, "ERROR_PIPE_BUSY", 0xC00000AE, [], "All instances of the pipe are in use"],
  [232, "ERROR_NO_DATA", 0xC00000B1, [], "The pipe is being closed"],
  [233, "ERROR_PIPE_NOT_CONNECTED", 0xC00000B0, [], "No process is at the other end of the pipe"],
  [234, "ERROR_MORE_DATA", 0x80000005, [], "The message is longer than the buffer"],
  [258, "WAIT_TIMEOUT", 0x102, [62], "The time given had passed"],
  [267, "ERROR_DIRECTORY", 0xC0000103, [], "The path is not that of a directory"],
  [317, "ERROR_MR_MID_NOT_FOUND", 0, [], "The status is not in this module's table"],
  [483, "ERROR_DEVICE_HARDWARE_ERROR", 0xC0000483, [], "The device reported a hardware error"],
  [535, "ERROR_PIPE_CONNECTED", 0xC00000B2, [], "The other end of the pipe is connected"],
  [536, "ERROR_PIPE_LISTENING", 0xC00000B3, [], "No client has opened the pipe yet"],
  [676, "ERROR_HANDLES_CLOSED", 0x8000000A, [], "The handle was closed during the operation"],
  [735, "ERROR_ABANDONED_WAIT_0", 0x80, [], "The port was closed during the wait"],
  [995, "ERROR_OPERATION_ABORTED", 0xC0000120, [125], "The operation was cancelled"],
  [997, "ERROR_IO_PENDING", 0x103, [115], "The operation is under way"],
  [998, "ERROR_NOACCESS", 0xC0000005, [14], "The memory cannot be used for this"],
  [1117, "ERROR_IO_DEVICE", 0xC0000185, [5], "The device reported an error"],
  [1142, "ERROR_TOO_MANY_LINKS", 0xC0000265, [31], "The file has too many links"],
  [1168, "ERROR_NOT_FOUND", 0xC0000225, [], "Nothing matched"],
  [1214, "ERROR_INVALID_NETNAME", 0xC0000207, [], "The address is not valid"],
  [1214, "ERROR_INVALID_NETNAME", 0xC0000208, [], "The address is not valid"],
  [1225, "ERROR_CONNECTION_REFUSED", 0xC0000236, [111], "The connection was refused"],
  [1226, "ERROR_GRACEFUL_DISCONNECT", 0xC0000237, [], "The peer has ended the connection"],
  [1227, "ERROR_ADDRESS_ALREADY_ASSOCIATED", 0xC0000238, [], "The socket has an address already"],
  [1228, "ERROR_ADDRESS_NOT_ASSOCIATED", 0xC0000239, [], "The socket has no address"],
  [1229, "ERROR_CONNECTION_INVALID", 0xC000023A, [], "There is no connection"],
  [1230, "ERROR_CONNECTION_ACTIVE", 0xC000023B, [], "The socket is connected"],
  [1231, "ERROR_NETWORK_UNREACHABLE", 0xC000023C, [101], "There is no way to the network"],
  [1232, "ERROR_HOST_UNREACHABLE", 0xC000023D, [113, 112], "There is no way to the computer"],
  [1233, "ERROR_PROTOCOL_UNREACHABLE", 0xC000023E, [], "The computer does not have the protocol"],
  [1234, "ERROR_PORT_UNREACHABLE", 0xC000023F, [], "Nothing listens on the remote port"],
  [1235, "ERROR_REQUEST_ABORTED", 0xC0000240, [], "The request was given up"],
  [1236, "ERROR_CONNECTION_ABORTED", 0xC0000241, [103], "The connection was aborted"],
  [1368, "ERROR_CANNOT_IMPERSONATE", 0xC000010D, [], "Nothing was read from the client yet"],
  [1450, "ERROR_NO_SYSTEM_RESOURCES", 0xC000009A, [105], "A limit of this module was reached"],
  [1784, "ERROR_INVALID_USER_BUFFER", 0xC0000206, [], "The buffer is of no size that can be used"],
  [
    1816,
    "ERROR_NOT_ENOUGH_QUOTA",
    0xC0000044,
    [],
    "A quota of the system was reached; on Linux fs.inotify.max_user_watches or _instances",
  ],
  [1920, "ERROR_CANT_ACCESS_FILE", 0xC0000279, [6], "No such device"],
  [1921, "ERROR_CANT_RESOLVE_FILENAME", 0xC0000280, [40], "Too many symbolic links"],
  [4390, "ERROR_NOT_A_REPARSE_POINT", 0xC0000275, [], "It is no link or other reparse point"],
  [10004, "WSAEINTR", 0, [], "The call was interrupted"],
  [10009, "WSAEBADF", 0, [], "The handle is closed or was never one"],
  [10013, "WSAEACCES", 0, [], "Permission denied"],
  [10014, "WSAEFAULT", 0, [], "The memory cannot be used for this"],
  [10022, "WSAEINVAL", 0, [], "An argument is not valid, or the socket not in a state for this"],
  [10024, "WSAEMFILE", 0, [], "Too many sockets are open"],
  [10035, "WSAEWOULDBLOCK", 0, [], "It cannot be done without waiting"],
  [10036, "WSAEINPROGRESS", 0, [], "The call is under way"],
  [10037, "WSAEALREADY", 0, [114], "It is under way already"],
  [10038, "WSAENOTSOCK", 0, [88], "The handle is no socket"],
  [10039, "WSAEDESTADDRREQ", 0, [89], "The datagram has no address to go to"],
  [10040, "WSAEMSGSIZE", 0, [90], "The datagram is too long"],
  [10041, "WSAEPROTOTYPE", 0, [91], "The protocol does not go with this type of socket"],
  [10042, "WSAENOPROTOOPT", 0, [92], "The system does not know the option"],
  [10043, "WSAEPROTONOSUPPORT", 0, [93], "The system does not have the protocol"],
  [10044, "WSAESOCKTNOSUPPORT", 0, [94], "The system has no sockets of this type"],
  [10045, "WSAEOPNOTSUPP", 0, [], "Sockets of this kind cannot do this"],
  [10046, "WSAEPFNOSUPPORT", 0, [96], "The system does not have this family of protocols"],
  [10047, "WSAEAFNOSUPPORT", 0, [97], "The system does not have this family of addresses"],
  [10048, "WSAEADDRINUSE", 0, [98], "The address is in use"],
  [10049, "WSAEADDRNOTAVAIL", 0, [99], "The address is none of this computer"],
  [10050, "WSAENETDOWN", 0, [100], "The network is down"],
  [10051, "WSAENETUNREACH", 0, [], "There is no way to the network"],
  [10052, "WSAENETRESET", 0, [102], "The connection was lost"],
  [10053, "WSAECONNABORTED", 0, [], "The connection was aborted"],
  [10054, "WSAECONNRESET", 0, [], "The peer has reset the connection"],
  [10055, "WSAENOBUFS", 0, [], "The system has no memory left for sockets"],
  [10056, "WSAEISCONN", 0, [106], "The socket is connected already"],
  [10057, "WSAENOTCONN", 0, [107], "The socket is not connected"],
  [10058, "WSAESHUTDOWN", 0, [108], "That direction of the connection has been ended"],
  [10060, "WSAETIMEDOUT", 0, [], "There was no answer in time"],
  [10061, "WSAECONNREFUSED", 0, [], "The connection was refused"],
  [10064, "WSAEHOSTDOWN", 0, [], "The computer is down"],
  [10065, "WSAEHOSTUNREACH", 0, [], "There is no way to the computer"],
];

/** What a code is called and what it means. */
export interface ErrorName {
  /** Microsoft's name, as `ERROR_HANDLE_EOF`. */
  readonly name: string;
  /** What it means, in a sentence without a full stop. */
  readonly text: string;
}

const names: Map<number, ErrorName> = new Map();
const codeOfStatus: Map<number, number> = new Map();
const statusOfCode: Map<number, number> = new Map();
const codeOfErrno: Map<number, number> = new Map();

for (const [code, name, status, errnos, text] of ROWS) {
  if (!names.has(code)) names.set(code, { name, text });
  if (status !== 0 || code === 0) {
    codeOfStatus.set(status, code);
    if (!statusOfCode.has(code)) statusOfCode.set(code, status);
  }
  for (const errno of errnos) codeOfErrno.set(errno, code);
}

/** FACILITY_NTWIN32: what a code without an NTSTATUS of its own travels in. Source: [MS-ERREF]. */
const NTWIN32 = 0xC0070000;

/** Microsoft's name of a Win32 code and this module's text; `undefined` if not in the table. */
export function nameOfError(code: number): ErrorName | undefined {
  return names.get(code);
}

/** The Win32 code of an NTSTATUS (unsigned); `undefined` if not in the table. */
export function errorOfStatus(status: number): number | undefined {
  return codeOfStatus.get(status) ?? codeInStatus(status);
}

function codeInStatus(status: number): number | undefined {
  return status >= NTWIN32 && status <= NTWIN32 + 0xFFFF ? status - NTWIN32 : undefined;
}

/** The NTSTATUS of a Win32 code, as packets carry it. */
export function statusOfError(code: number): number {
  return statusOfCode.get(code) ?? NTWIN32 + code;
}

/** The Win32 code of an errno value; ERROR_GEN_FAILURE (31) if it has no twin. */
export function errorOfErrno(errno: number): number {
  return codeOfErrno.get(errno) ?? 31;
}
