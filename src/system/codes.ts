/**
 * The numbers of the contract, by Microsoft's names.
 *
 * @module
 */

/** The call has done what it was asked for. */
export const ERROR_SUCCESS = 0;
/** The handle does not know this request. */
export const ERROR_INVALID_FUNCTION = 1;
/** The file does not exist. */
export const ERROR_FILE_NOT_FOUND = 2;
/** A folder on the way to the file does not exist. */
export const ERROR_PATH_NOT_FOUND = 3;
/** Permission was denied, or a directory stands where a file is needed. */
export const ERROR_ACCESS_DENIED = 5;
/** The handle is closed or was never one. */
export const ERROR_INVALID_HANDLE = 6;
/** The system has not that much memory. */
export const ERROR_NOT_ENOUGH_MEMORY = 8;
/** Another handle, or another lock of the same one, has locked a part of the range. */
export const ERROR_LOCK_VIOLATION = 33;
/** A read began at or behind the end of the file. */
export const ERROR_HANDLE_EOF = 38;
/** The system cannot do this. */
export const ERROR_NOT_SUPPORTED = 50;
/** An argument is not valid, or the handle is associated already. */
export const ERROR_INVALID_PARAMETER = 87;
/** The other end of the pipe was closed. */
export const ERROR_BROKEN_PIPE = 109;
/** The device or pipe did not answer in time. */
export const ERROR_SEM_TIMEOUT = 121;
/** The buffer is too small for anything of the answer. */
export const ERROR_INSUFFICIENT_BUFFER = 122;
/** The name is not valid. */
export const ERROR_INVALID_NAME = 123;
/** The handle has no lock of exactly this range. */
export const ERROR_NOT_LOCKED = 158;
/** The handle is not of a pipe's end that can do this. */
export const ERROR_BAD_PIPE = 230;
/** All instances of the pipe are in use. */
export const ERROR_PIPE_BUSY = 231;
/** The client has come and gone, or the other end is closed. */
export const ERROR_NO_DATA = 232;
/** No process is at the other end of the pipe. */
export const ERROR_PIPE_NOT_CONNECTED = 233;
/** The path is not that of a directory. */
export const ERROR_DIRECTORY = 267;
/** The message is longer than the buffer. */
export const ERROR_MORE_DATA = 234;
/** The time given had passed. */
export const WAIT_TIMEOUT = 258;
/** The status of a packet means nothing to the system. */
export const ERROR_MR_MID_NOT_FOUND = 317;
/** The client is there already. */
export const ERROR_PIPE_CONNECTED = 535;
/** The pipe waits for a client. */
export const ERROR_PIPE_LISTENING = 536;
/** The port was closed during the wait. */
export const ERROR_ABANDONED_WAIT_0 = 735;
/** The operation was cancelled. */
export const ERROR_OPERATION_ABORTED = 995;
/** The operation is under way; its packet will come. */
export const ERROR_IO_PENDING = 997;
/** The memory cannot be used for this. */
export const ERROR_NOACCESS = 998;
/** There was no operation to cancel. */
export const ERROR_NOT_FOUND = 1168;
/** A limit of this module was reached. */
export const ERROR_NO_SYSTEM_RESOURCES = 1450;

/** The file is no link. */
export const ERROR_NOT_A_REPARSE_POINT = 4390;
/** A quota of the system was reached. */
export const ERROR_NOT_ENOUGH_QUOTA = 1816;

/** The other end has reset the connection while an operation was in flight. */
export const ERROR_NETNAME_DELETED = 64;
/** Nobody listens there. */
export const ERROR_CONNECTION_REFUSED = 1225;
/** There is no way to that network. */
export const ERROR_NETWORK_UNREACHABLE = 1231;
/** There is no way to that computer. */
export const ERROR_HOST_UNREACHABLE = 1232;
/** A datagram has come to nobody. */
export const ERROR_PORT_UNREACHABLE = 1234;
/** The connection was given up. */
export const ERROR_CONNECTION_ABORTED = 1236;
/** The port needs a right that the program does not have. */
export const WSAEACCES = 10013;
/** The socket is not in a state for this, or is not bound. */
export const WSAEINVAL = 10022;
/** Too many sockets are open. */
export const WSAEMFILE = 10024;
/** It is no socket. */
export const WSAENOTSOCK = 10038;
/** The datagram is longer than can be sent. */
export const WSAEMSGSIZE = 10040;
/** The system does not know the option. */
export const WSAENOPROTOOPT = 10042;
/** The system has no sockets of this type. */
export const WSAESOCKTNOSUPPORT = 10044;
/** Sockets of this type cannot do this. */
export const WSAEOPNOTSUPP = 10045;
/** The system has no such addresses. */
export const WSAEAFNOSUPPORT = 10047;
/** The address is in use. */
export const WSAEADDRINUSE = 10048;
/** The address is none of this computer. */
export const WSAEADDRNOTAVAIL = 10049;
/** The other end has reset the connection before. */
export const WSAECONNRESET = 10054;
/** The socket is connected already. */
export const WSAEISCONN = 10056;
/** The socket is not connected. */
export const WSAENOTCONN = 10057;
/** That direction was ended by `shutdown`. */
export const WSAESHUTDOWN = 10058;

/** NTSTATUS of an operation under way. */
export const STATUS_PENDING = 0x103;

/** The "file" of a call that creates a port and associates nothing. */
export const INVALID_HANDLE_VALUE: number = -1;

/** `dwDesiredAccess`: reading. */
export const GENERIC_READ = 0x80000000;
/** `dwDesiredAccess`: writing. */
export const GENERIC_WRITE = 0x40000000;
/** `dwDesiredAccess`: writing at the end only. */
export const FILE_APPEND_DATA = 0x4;
/** `dwDesiredAccess`: what reads of a pipe are may be changed. */
export const FILE_WRITE_ATTRIBUTES = 0x100;

/** `dwShareMode`: others may read. */
export const FILE_SHARE_READ = 0x1;
/** `dwShareMode`: others may write. */
export const FILE_SHARE_WRITE = 0x2;
/** `dwShareMode`: others may delete and rename. */
export const FILE_SHARE_DELETE = 0x4;

/** `dwCreationDisposition`: make the file, which must not exist. */
export const CREATE_NEW = 1;
/** `dwCreationDisposition`: make the file, or empty it. */
export const CREATE_ALWAYS = 2;
/** `dwCreationDisposition`: the file must exist. */
export const OPEN_EXISTING = 3;
/** `dwCreationDisposition`: make the file if it does not exist. */
export const OPEN_ALWAYS = 4;
/** `dwCreationDisposition`: empty the file, which must exist. */
export const TRUNCATE_EXISTING = 5;

/** `dwFlagsAndAttributes`: none. */
export const FILE_ATTRIBUTE_NORMAL = 0x80;
/** `dwFlagsAndAttributes`: writes complete when they are on the device. */
export const FILE_FLAG_WRITE_THROUGH = 0x80000000;
/** `dwFlagsAndAttributes`: what every handle of a port is opened with. */
export const FILE_FLAG_OVERLAPPED = 0x40000000;
/** `dwFlagsAndAttributes`: past the page cache. */
export const FILE_FLAG_NO_BUFFERING = 0x20000000;

/** `dwFlags` of LockFileEx: do not wait. */
export const LOCKFILE_FAIL_IMMEDIATELY = 1;
/** `dwFlags` of LockFileEx: for this handle alone. */
export const LOCKFILE_EXCLUSIVE_LOCK = 2;

/** Bytes of a page that a FILE_SEGMENT_ELEMENT names. */
export const SEGMENT_BYTES = 4096;

/** `dwOpenMode` of a pipe: data go from the client to the server. */
export const PIPE_ACCESS_INBOUND = 1;
/** `dwOpenMode` of a pipe: data go from the server to the client. */
export const PIPE_ACCESS_OUTBOUND = 2;
/** `dwOpenMode` of a pipe: data go both ways. */
export const PIPE_ACCESS_DUPLEX = 3;
/** `dwOpenMode` of a pipe: there must be none of that name yet. */
export const FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000;
/** `dwPipeMode`: every write is a message. */
export const PIPE_TYPE_MESSAGE = 4;
/** `dwPipeMode`: every read is of one message. */
export const PIPE_READMODE_MESSAGE = 2;
/** `dwPipeMode`: clients on other machines are refused. */
export const PIPE_REJECT_REMOTE_CLIENTS = 8;
/** `nMaxInstances`: as many as there is memory for. */
export const PIPE_UNLIMITED_INSTANCES = 255;
/** `nTimeOut` of WaitNamedPipe: the time that the server has set. */
export const NMPWAIT_USE_DEFAULT_WAIT = 0;
/** `dwFlagsAndAttributes`: the server of a pipe may learn who we are, and not act as us. */
export const SECURITY_IDENTIFICATION_ONLY = 0x110000;
/** `dwFlagsAndAttributes`: a link is opened itself, and not what it names. */
export const FILE_FLAG_OPEN_REPARSE_POINT = 0x00200000;
/** `dwFlagsAndAttributes`: a directory may be opened. */
export const FILE_FLAG_BACKUP_SEMANTICS = 0x02000000;
/** `dwNotifyFilter`: files were made, deleted or renamed. */
export const FILE_NOTIFY_CHANGE_FILE_NAME = 0x1;
/** `dwNotifyFilter`: directories were. */
export const FILE_NOTIFY_CHANGE_DIR_NAME = 0x2;
/** `dwNotifyFilter`: attributes were changed. */
export const FILE_NOTIFY_CHANGE_ATTRIBUTES = 0x4;
/** `dwNotifyFilter`: a size was. */
export const FILE_NOTIFY_CHANGE_SIZE = 0x8;
/** `dwNotifyFilter`: something was written. */
export const FILE_NOTIFY_CHANGE_LAST_WRITE = 0x10;
/** `dwNotifyFilter`: something was read. */
export const FILE_NOTIFY_CHANGE_LAST_ACCESS = 0x20;
/** `dwNotifyFilter`: a time of creation was changed. */
export const FILE_NOTIFY_CHANGE_CREATION = 0x40;
/** `dwNotifyFilter`: permissions were. */
export const FILE_NOTIFY_CHANGE_SECURITY = 0x100;

/** Bytes of an OVERLAPPED and of an OVERLAPPED_ENTRY. */
export const OVERLAPPED_BYTES = 32;
