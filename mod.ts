/**
 * I/O completion ports for Deno and Bun: the kernel's own on Windows, the same
 * object on shared memory and io_uring on Linux.
 *
 * @example
 * ```ts
 * import { CompletionPort, FileHandle, NativeBuffer } from "@iocp/iocp";
 *
 * using port = new CompletionPort();
 * using file = FileHandle.open("README.md");
 * using buffer = NativeBuffer.allocate(4096);
 * port.associate(file, 1);
 * file.read(buffer, 0);
 * const packet = port.get();
 * console.log(packet?.bytesTransferred);
 * ```
 *
 * @module
 */

export { type BufferToken, NativeBuffer } from "./src/core/buffer.ts";
export { Win32Error, type Win32ErrorDetails } from "./src/core/errors.ts";
export { Handle, type HandleKind, type HandleToken } from "./src/core/handle.ts";
export * as limits from "./src/core/limits.ts";
export type { OperationKind } from "./src/core/kinds.ts";
export type { Operation } from "./src/core/operation.ts";
export type { Packet } from "./src/core/packet.ts";
export { CompletionPort, type PortToken, type PostedPacket } from "./src/core/port.ts";
export type { PortCounters } from "./src/core/port-counters.ts";
export type { CompletionPortOptions, EngineName, RingOptions } from "./src/core/port-options.ts";
export { type ProcessLimits, setLimits } from "./src/core/process-limits.ts";
export {
  allocatedRangesIn,
  cloneRange,
  type FileRange,
  FSCTL_DUPLICATE_EXTENTS_TO_FILE,
  FSCTL_GET_REPARSE_POINT,
  FSCTL_PIPE_PEEK,
  FSCTL_PIPE_WAIT,
  FSCTL_QUERY_ALLOCATED_RANGES,
  FSCTL_SET_REPARSE_POINT,
  FSCTL_SET_SPARSE,
  FSCTL_SET_ZERO_DATA,
  getReparsePoint,
  ioctl,
  IOCTL_DISK_GET_LENGTH_INFO,
  queryAllocatedRanges,
  type ReparsePoint,
  reparsePointIn,
  setSparse,
  zeroRange,
} from "./src/handles/control.ts";
export { DeviceHandle, type DeviceOptions } from "./src/handles/device.ts";
export { LibraryError } from "./src/ffi/library.ts";
export type { ChangeAction, DirectoryChange } from "./src/handles/changes.ts";
export {
  type ChangeFilter,
  DirectoryHandle,
  type ReadChangesOptions,
} from "./src/handles/directory.ts";
export {
  type FileChange,
  FileHandle,
  type FileInformation,
  type LockOptions,
  type LockRange,
  type OpenOptions,
} from "./src/handles/file.ts";
export { type PipeContents, PipeHandle } from "./src/handles/pipe.ts";
export type { PipeOpenOptions, PipeServeOptions, PipeType } from "./src/handles/pipe-options.ts";
export type { PoolReport } from "./src/pool/closing.ts";
export type { PoolCounters } from "./src/pool/counters.ts";
export {
  type FaultyPacket,
  PoolClosedError,
  PoolErrorEvent,
  ThreadEndedError,
} from "./src/pool/faults.ts";
export type { Durations } from "./src/pool/histogram.ts";
export type { PoolCloseOptions, PoolOptions } from "./src/pool/options.ts";
export { Pool, type PoolEventMap } from "./src/pool/pool.ts";
export type { RunOptions } from "./src/pool/tasks.ts";
export { MailslotHandle, type MailslotOptions } from "./src/handles/mailslot.ts";
export {
  type ModemLines,
  type PurgeOptions,
  SERIAL_EVENTS,
  type SerialEvent,
  SerialHandle,
  type SerialOptions,
  type SerialOutputs,
} from "./src/handles/serial.ts";
export {
  MAXDWORD,
  type SerialSettings,
  type SerialTimeouts,
} from "./src/handles/serial-settings.ts";
export { resolve } from "./src/handles/resolve.ts";
export { type InternetOptions, SocketHandle, type UnixOptions } from "./src/handles/socket.ts";
export {
  MAX_UNIX_PATH_BYTES,
  type NetAddress,
  type SocketAddress,
  type SocketFamily,
  type UnixAddress,
} from "./src/handles/socket-addresses.ts";
export { SocketBase, type SocketDirection } from "./src/handles/socket-base.ts";
export type {
  ControlData,
  MessageRoom,
  ReceivedMessage,
  SocketMessage,
} from "./src/handles/socket-messages.ts";
export type { KeepAlive, SocketOptions } from "./src/handles/socket-options.ts";
export {
  ACCEPT_ROOM_BYTES,
  type ReceiveOptions,
  type TransmitOptions,
} from "./src/handles/socket-streams.ts";
