/**
 * The contract between the core and the operating systems: Microsoft's
 * functions, by Microsoft's names in camelCase, with three changes that make
 * them safe from TypeScript. A function **returns the Win32 error code** (0 done,
 * 997 pending) in place of BOOL and GetLastError; pointers are addresses of
 * native memory; what comes with the packet is not a parameter.
 *
 * All numbers are non-negative safe integers. A handle of any value may be
 * passed: one that is not open gives ERROR_INVALID_HANDLE (6).
 *
 * @module
 */

import type { DirectorySystem } from "./contract-directories.ts";
import type { FileInformationSystem } from "./contract-files.ts";
import type { SerialSystem } from "./contract-serial.ts";
import type { SocketSystem } from "./contract-sockets.ts";
import type { CompletionEntries } from "./entries.ts";

export type { DirectorySystem } from "./contract-directories.ts";
export type { FileChange, FileInformation, FileInformationSystem } from "./contract-files.ts";
export type { SerialSystem } from "./contract-serial.ts";
export type { ControlData, SocketSystem } from "./contract-sockets.ts";

/** What a function that makes or finds something answers. */
export interface Outcome {
  /** The Win32 error code; 0 on success. */
  readonly code: number;
  /** The handle, address or size; 0 unless `code` is 0. */
  readonly value: number;
  /** On Linux the errno behind `code`, when a system call failed; otherwise 0. */
  readonly errno: number;
}

/** What a port says of itself; counted under its lock where the system lets us. */
export interface PortState {
  /** Packets in the queue. */
  queued: number;
  /** Threads running with a packet; `null` where the kernel does not tell. */
  active: number | null;
  /** Threads parked on the port; `null` where the kernel does not tell. */
  waiting: number | null;
  /** Packets posted since the port was made; `null` where the kernel does not tell. */
  posted: number | null;
  /** Packets taken since the port was made; `null` where the kernel does not tell. */
  taken: number | null;
}

/** Native memory. */
export interface MemorySystem {
  /**
   * Reserves and commits zeroed, page-aligned memory that other processes do
   * not inherit. Source: VirtualAlloc; mmap(2).
   */
  virtualAlloc(byteLength: number): Outcome;
  /** Gives memory of `virtualAlloc` back; `byteLength` as it was asked for. */
  virtualFree(address: number, byteLength: number): number;
  /**
   * Memory that all threads of this process find under `name` without being
   * handed anything; zeroed when it is first asked for, never given back. Pages
   * take memory once they are touched. Source: CreateFileMappingW, MapViewOfFile;
   * memfd_create(2).
   */
  mapProcessMemory(name: string, byteLength: number): Outcome;
}

/** Threads: telling ended ones from living ones. */
export interface ThreadSystem {
  /**
   * The calling thread lives in the 64 bytes at `mark` from now until it ends, in
   * whatever way. The memory is the caller's, aligned to 8 and mapped until the
   * process ends. Returns the code. Source: OpenThread; get_robust_list(2).
   */
  openThread(mark: number): number;
  /**
   * Whether the thread that lives in `mark` has ended: no instruction of it is
   * still to come. Does not block. Source: WaitForSingleObject with 0.
   */
  hasThreadEnded(mark: number): boolean;
  /** Gives back what `openThread` has taken, once the thread has ended. Source: CloseHandle. */
  closeThread(mark: number): void;
}

/** Completion ports. */
export interface PortSystem {
  /**
   * The calling thread's own room for `capacity` packets, at most 1,024, and one row
   * more for `CompletionEntries.give`. The same whenever it is asked.
   */
  openEntries(capacity: number): Outcome;
  /** Gives the room of a thread that has ended back, if nobody else does. */
  closeEntries(address: number, capacity: number): void;
  /**
   * Creates a port (`file` is INVALID_HANDLE_VALUE and `port` 0), or associates
   * `file` with `port` under `key`. Source: CreateIoCompletionPort.
   */
  createIoCompletionPort(file: number, port: number, key: number, concurrency: number): Outcome;
  /**
   * Takes up to `count` packets into `entries`; blocks the calling thread for
   * at most `timeoutMs` (Infinity: for ever) until there is one.
   * `entries.removed` is valid after 0 only. Source: GetQueuedCompletionStatusEx.
   */
  getQueuedCompletionStatusEx(
    port: number,
    entries: CompletionEntries,
    count: number,
    timeoutMs: number,
  ): number;
  /** As above for one packet. Source: GetQueuedCompletionStatus. */
  getQueuedCompletionStatus(port: number, entries: CompletionEntries, timeoutMs: number): number;
  /** Queues a packet. Source: PostQueuedCompletionStatus. */
  postQueuedCompletionStatus(port: number, bytes: number, key: number, overlapped: number): number;
  /**
   * The Win32 code of an NTSTATUS, as one comes in a packet, that is not in this module's table;
   * ERROR_MR_MID_NOT_FOUND (317) if it means nothing to the system. Linux has no others.
   * Source: RtlNtStatusToDosError.
   */
  rtlNtStatusToDosError(status: number): number;
  /** What the port says of itself. Source: NtQueryIoCompletion. */
  queryIoCompletion(port: number, state: PortState): number;
  /**
   * The calling thread is about to block in something else than a port: it stops
   * counting as running, at once. Nothing on Windows, whose kernel sees it.
   */
  beginBlocking(): void;
  /** The calling thread runs again, and counts again. */
  endBlocking(): void;
  /** Which mechanism carries the port's I/O, and why that one. */
  describeEngine(port: number): string;
}

/** What may carry a port's I/O on Linux. */
export type EngineName = "io_uring" | "epoll";

/** What a choice of engine comes to. */
export interface EngineOutcome {
  /** The Win32 error code; 0 on success. */
  readonly code: number;
  /** On Linux the errno behind `code`, when a system call failed; otherwise 0. */
  readonly errno: number;
  /** Why, in words; empty on success. */
  readonly reason: string;
}

/** The engines of ports, where there are any. */
export interface EngineSystem {
  /**
   * Says what is to carry the I/O of a new port; `""` leaves that open. Of a ring,
   * how many entries its two queues have; 0 leaves that open. Windows has no engines:
   * ERROR_NOT_SUPPORTED (50) for any name.
   */
  setEngine(
    port: number,
    engine: EngineName | "",
    submissions: number,
    completions: number,
  ): EngineOutcome;
}

/** What all handles can do. */
export interface HandleSystem {
  /**
   * Closes a handle or port. Operations in flight on the handle are completed,
   * threads waiting on the port woken with ERROR_ABANDONED_WAIT_0. Linux: also ERROR_IO_DEVICE or
   * ERROR_DISK_FULL, of a handle that is closed then, for earlier writes that are lost.
   * Source: CloseHandle; close(2).
   */
  closeHandle(handle: number): number;
  /**
   * Asks that the operation of `overlapped` on `handle`, or with 0 every
   * operation on it, be cancelled. ERROR_NOT_FOUND (1168) if there is none.
   * Source: CancelIoEx.
   */
  cancelIoEx(handle: number, overlapped: number): number;
  /**
   * Until `submitOperations`, operations started by this thread may be kept
   * back to be handed to the kernel together. Nothing on Windows.
   */
  gatherOperations(): void;
  /**
   * The same for the operations that this thread starts on this port: until it waits, in whichever
   * port, or until this is called with 0, which hands them over. Nothing on Windows.
   */
  gatherOperationsOn(port: number): void;
  /** Hands over what was kept back since `gatherOperations`. */
  submitOperations(): void;
}

/** Files. */
export interface FileSystem {
  /**
   * Opens a file for overlapped I/O. Close-on-exec, not inherited. `mode` is
   * the mode of a file created on Linux, before the umask. Source: CreateFileW; open(2).
   */
  createFile(
    path: string,
    access: number,
    share: number,
    disposition: number,
    flags: number,
    mode: number,
  ): Outcome;
  /** Starts a read at the offset in `overlapped`. Source: ReadFile. */
  readFile(file: number, buffer: number, byteLength: number, overlapped: number): number;
  /** Starts a write at the offset in `overlapped`. Source: WriteFile. */
  writeFile(file: number, buffer: number, byteLength: number, overlapped: number): number;
  /** The size in bytes; blocks for the system call. Source: GetFileSizeEx. */
  getFileSizeEx(file: number): Outcome;
  /** Cuts or extends the file; blocks for the system call. Source: SetEndOfFile. */
  setEndOfFile(file: number, size: number): Outcome;
  /** Waits until the file's data are on the device. Source: FlushFileBuffers. */
  flushFileBuffers(file: number): Outcome;
}

/** Transfers between a file and many pages of memory. */
export interface ScatterSystem {
  /**
   * Starts a read into pages, at the offset in `overlapped`. `segments`: the address of
   * an array with the address of each page of SEGMENT_BYTES bytes, 8 bytes each, and
   * 0 behind the last. On Windows the file must be opened with FILE_FLAG_NO_BUFFERING;
   * on Linux at most 1,024 runs of neighbouring pages. Source: ReadFileScatter.
   */
  readFileScatter(file: number, segments: number, byteLength: number, overlapped: number): number;
  /** Starts a write from pages. Source: WriteFileGather. */
  writeFileGather(file: number, segments: number, byteLength: number, overlapped: number): number;
}

/** Locks of byte ranges. */
export interface LockSystem {
  /**
   * Starts a lock of `byteLength` bytes from the offset in `overlapped` on. `flags`: of
   * LOCKFILE_EXCLUSIVE_LOCK and LOCKFILE_FAIL_IMMEDIATELY. Source: LockFileEx.
   */
  lockFileEx(file: number, flags: number, byteLength: number, overlapped: number): number;
  /**
   * Gives back the handle's lock of exactly these bytes; ERROR_NOT_LOCKED (158) if
   * it has none. No packet comes, and so the offset is a parameter.
   * Source: UnlockFileEx.
   */
  unlockFileEx(file: number, offset: number, byteLength: number): number;
}

/** What can be read of a pipe without taking it. */
export interface PipeState {
  /** Bytes copied into the buffer. */
  bytesRead: number;
  /**
   * Bytes that can be read now. Linux: of a message pipe, those of the first
   * message that have arrived.
   */
  bytesAvailable: number;
  /** Bytes of the first message that were not copied; 0 of a byte pipe. */
  bytesLeft: number;
}

/** Who is at the client's end of a pipe. */
export interface PipeClient {
  /** The name of its user; `""` if the system does not tell. */
  user: string;
}

/**
 * Named pipes. A name is `\\.\pipe\NAME`; on Linux also `\\.\pipe\/PATH`, a folder
 * of that absolute path. The client's end is opened by `createFile`, read and
 * written by `readFile` and `writeFile`, closed by `closeHandle`.
 */
export interface PipeSystem {
  /**
   * Makes an instance of a pipe, and the pipe with the first one; a client may come
   * from then on. `descriptor` says in SDDL who may open it, `mode` on Linux as
   * for a file; `""` stands for the owner only. Blocks for the system calls.
   * Source: CreateNamedPipeW; unix(7).
   */
  createNamedPipe(
    name: string,
    openMode: number,
    pipeMode: number,
    maxInstances: number,
    outBufferBytes: number,
    inBufferBytes: number,
    defaultTimeoutMs: number,
    descriptor: string,
    mode: number,
  ): Outcome;
  /**
   * Starts waiting for a client. ERROR_PIPE_CONNECTED (535): it is there already, no
   * packet comes. ERROR_NO_DATA (232): it was there and has gone. Source: ConnectNamedPipe.
   */
  connectNamedPipe(pipe: number, overlapped: number): number;
  /** Parts with the client; reads and writes in flight fail with 233. Source: DisconnectNamedPipe. */
  disconnectNamedPipe(pipe: number): number;
  /** Starts writing a message and reading the answer to it. Source: TransactNamedPipe. */
  transactNamedPipe(
    pipe: number,
    request: number,
    requestBytes: number,
    reply: number,
    replyBytes: number,
    overlapped: number,
  ): number;
  /** Copies what could be read, and leaves it there. Source: PeekNamedPipe. */
  peekNamedPipe(pipe: number, buffer: number, byteLength: number, state: PipeState): number;
  /**
   * Blocks the calling thread until the pipe has an instance that waits for a client,
   * at most `timeoutMs` (0: the server's default, Infinity: for ever).
   * ERROR_SEM_TIMEOUT (121) then; ERROR_FILE_NOT_FOUND (2) if there is no such pipe.
   * Source: WaitNamedPipeW.
   */
  waitNamedPipe(name: string, timeoutMs: number): number;
  /** Whether reads of this end are of messages (`PIPE_READMODE_…`). Source: SetNamedPipeHandleState. */
  setNamedPipeHandleState(pipe: number, mode: number): number;
  /** Who the client is, asked by the server. Source: GetNamedPipeHandleStateW; SO_PEERCRED. */
  getNamedPipeHandleState(pipe: number, client: PipeClient): number;
  /** The process of the client. Source: GetNamedPipeClientProcessId; SO_PEERCRED. */
  getNamedPipeClientProcessId(pipe: number): Outcome;
  /** The process of the server. Source: GetNamedPipeServerProcessId; SO_PEERCRED. */
  getNamedPipeServerProcessId(pipe: number): Outcome;
}

/** Devices, and everything else that takes control codes. */
export interface DeviceSystem {
  /**
   * Starts a control operation: `control` is a Windows control code, or on Linux
   * the number of an ioctl plus 2^32, whose argument is `input` itself if
   * `inputLength` and `outputLength` are 0. A code the handle does not know:
   * ERROR_INVALID_FUNCTION (1). Source: DeviceIoControl; ioctl(2).
   */
  deviceIoControl(
    device: number,
    control: number,
    input: number,
    inputLength: number,
    output: number,
    outputLength: number,
    overlapped: number,
  ): number;
}

/** Mail slots. */
export interface MailslotSystem {
  /**
   * Makes a mail slot and opens it for overlapped reading. A limit of 0 bytes is
   * none; a time of Infinity is for ever. Linux has none: ERROR_NOT_SUPPORTED (50).
   * Source: CreateMailslotW.
   */
  createMailslot(name: string, maxMessageBytes: number, readTimeoutMs: number): Outcome;
}

/** Everything the core needs of an operating system. */
export interface System
  extends
    MemorySystem,
    ThreadSystem,
    PortSystem,
    EngineSystem,
    HandleSystem,
    FileSystem,
    FileInformationSystem,
    ScatterSystem,
    LockSystem,
    PipeSystem,
    DeviceSystem,
    SerialSystem,
    MailslotSystem,
    DirectorySystem,
    SocketSystem {
  /** Which system this is. */
  readonly name: "windows" | "linux";
  /** Whether the number of a closed handle may come again, for something else (case 57). */
  readonly reusesHandles: boolean;
  /** Whether `queryIoCompletion` tells the packets posted and taken; the core counts them if not. */
  readonly countsPackets: boolean;
  /** Whether it leaves the status of an OVERLAPPED alone until it has the operation, whose packet then comes. */
  readonly tellsStarts: boolean;
  /** Whether a socket that was accepted or has connected must be told so, by SO_UPDATE_…_CONTEXT. */
  readonly updatesContexts: boolean;
  /** Whether entries carry the errno behind a status; the field is not defined if not. */
  readonly reportsErrno: boolean;
}
