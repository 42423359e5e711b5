/**
 * Files.
 *
 * @module
 */

import type { NativeBuffer } from "../core/buffer.ts";
import { checkNumber, described, Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import type { Operation } from "../core/operation.ts";
import { kindOf } from "../core/kinds.ts";
import { pathOf } from "../core/node.ts";
import { READ, startOperation, startWith, WRITE } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { type FileChange, type FileInformation, type Outcome, system } from "../system/system.ts";
import { startControl } from "./control.ts";
import { startGather, startScatter } from "./pages.ts";

export type { FileChange, FileInformation };

const LOCK = kindOf("LockFileEx");

/** What `Date` can tell. */
const MAX_TIME_MS = 8.64e15;

/** How to open a file; the first seven as `Deno.OpenOptions`. */
export interface OpenOptions {
  /** Reading is allowed. The default when nothing is asked for. */
  read?: boolean;
  /** Writing is allowed. */
  write?: boolean;
  /** Every write goes to the end of the file, whatever its offset. */
  append?: boolean;
  /** The file is emptied. Needs `write`. */
  truncate?: boolean;
  /** The file is made if it does not exist. Needs `write` or `append`. */
  create?: boolean;
  /** The file is made and must not exist. Needs `write` or `append`. */
  createNew?: boolean;
  /** The mode of a file that is made, before the umask; 0o666 by default. Ignored on Windows. */
  mode?: number;
  /**
   * Transfers go past the page cache. Offsets, lengths and addresses must then be
   * multiples of the device's block size (4096 will do).
   * Windows: FILE_FLAG_NO_BUFFERING. Linux: O_DIRECT.
   */
  unbuffered?: boolean;
  /** A write completes when the data are on the device. Windows: FILE_FLAG_WRITE_THROUGH. Linux: O_DSYNC. */
  writeThrough?: boolean;
  /** What others may do with the file meanwhile; all by default. Ignored on Linux. */
  share?: { read?: boolean; write?: boolean; delete?: boolean };
}

/** Bytes of a file that are locked together. */
export interface LockRange {
  /** Where they begin; may be behind the file's end. */
  readonly offset: number;
  /** How many they are. None is allowed: such a lock conflicts with those around it. */
  readonly length: number;
}

/** How to lock a range. */
export interface LockOptions extends LockRange {
  /** Others may hold shared locks of the same bytes. Otherwise the lock is exclusive. */
  readonly shared?: boolean;
  /** The packet comes at once, with ERROR_LOCK_VIOLATION (33) if the range is not free. */
  readonly failImmediately?: boolean;
}

/**
 * A file opened for overlapped I/O. Associate it with a port; then `read` and
 * `write` start operations at any offset, any number of them at once, and each
 * one's packet comes to the port.
 *
 * Source: CreateFileW; open(2).
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
 * if (packet?.error) throw packet.error;
 * console.log(packet?.bytesTransferred);
 * ```
 */
export class FileHandle extends Handle {
  /**
   * Opens a file. Blocks for the system call. The handle is not inherited by
   * child processes.
   *
   * @throws {TypeError} if the options contradict each other or the path has a NUL character.
   * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2), ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5; also
   * for a directory), ERROR_FILE_EXISTS (80) and others, with the path.
   */
  static open(path: string | URL, options: OpenOptions = {}): FileHandle {
    const name = pathOf(path);
    if (name === "" || name.includes("\0")) {
      throw new TypeError("Cannot open a file: its path is empty or has a NUL character");
    }
    const { code, value, errno } = system.createFile(
      name,
      accessOf(options),
      shareOf(options),
      dispositionOf(options),
      flagsOf(options),
      checkNumber(options.mode ?? 0o666, "mode", 0o7777),
    );
    if (code !== 0) throw new Win32Error(code, "CreateFile", { subject: name, errno });
    return new FileHandle("file", Handle.register("file", value, name), true);
  }

  /**
   * The file of `token`, opened by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its file has been closed.
   */
  static attach(token: HandleToken): FileHandle {
    return new FileHandle("file", Handle.attached("file", token), false);
  }

  /**
   * Starts a read of `into.byteLength` bytes at `offset`. The packet's count is
   * smaller only at the end of the file; at or behind it the packet's error is
   * ERROR_HANDLE_EOF (38). `tag` travels with the operation. A pipe or terminal
   * opened by its path has no offsets and ends with ERROR_BROKEN_PIPE (109).
   *
   * Source: ReadFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the file is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  read(into: NativeBuffer, offset: number, tag: number = 0): Operation {
    return startOperation(READ, this, into, offset, tag);
  }

  /**
   * Starts a write of `from.byteLength` bytes at `offset`. It completes whole or
   * with an error. The bytes must not be changed before the packet is taken.
   *
   * Source: WriteFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the file is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  write(from: NativeBuffer, offset: number, tag: number = 0): Operation {
    return startOperation(WRITE, this, from, offset, tag);
  }

  /**
   * Starts one read at `offset` into all of `into`, one buffer after the other. Each
   * must begin at a multiple of 4,096 bytes and be as long as a multiple of that, as
   * whole allocated buffers do; at most 1,024. On Windows the file must be opened
   * `unbuffered`, otherwise the packet says ERROR_INVALID_PARAMETER (87); Linux does not
   * mind. The packet's count and errors are those of {@linkcode read}, and its
   * operation's `buffer` is the first.
   *
   * Source: ReadFileScatter; readv(2).
   *
   * @throws {RangeError} if a number or buffer is not usable, or a limit is reached.
   * @throws {TypeError} if the file is not associated or a buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  readScatter(into: readonly NativeBuffer[], offset: number, tag: number = 0): Operation {
    return startScatter(this, into, offset, tag);
  }

  /**
   * Starts one write at `offset` of all bytes of `from`, one buffer after the other; the
   * rules are those of {@linkcode readScatter}. It completes whole or with an error.
   *
   * Source: WriteFileGather; writev(2).
   *
   * @throws {RangeError} if a number or buffer is not usable, or a limit is reached.
   * @throws {TypeError} if the file is not associated or a buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  writeGather(from: readonly NativeBuffer[], offset: number, tag: number = 0): Operation {
    return startGather(this, from, offset, tag);
  }

  /**
   * Locks a range of the file, for this handle: the packet comes when it has it.
   * Until then the lock waits, at the cost of no thread, behind those that asked
   * before; it can be cancelled, and closing the file cancels it (995). Two locks
   * that overlap conflict unless both are shared, also those of one handle. A lock is
   * held until {@linkcode unlock} or the file is closed, by any thread.
   *
   * On Windows others cannot read or write what is locked against them. On Linux
   * locks are between those who ask for them: handles of this module, and
   * other processes that use open-file-description or POSIX locks; for one of
   * those the packet comes up to 50 ms after the lock is free. An
   * exclusive lock needs a file opened for writing there, a shared one for reading.
   *
   * Source: LockFileEx; fcntl(2).
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the file is not associated.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  lock(range: LockOptions, tag: number = 0): Operation {
    const { offset, length, shared = false, failImmediately = false } = range;
    checkRange(range);
    const flags = (shared ? 0 : codes.LOCKFILE_EXCLUSIVE_LOCK) |
      (failImmediately ? codes.LOCKFILE_FAIL_IMMEDIATELY : 0);
    return startWith(
      LOCK,
      this,
      { offset },
      tag,
      (file, overlapped) => system.lockFileEx(file, flags, length, overlapped),
    );
  }

  /**
   * Gives a lock back, of exactly the range that was locked. Does not wait, and no
   * packet comes. A range locked twice is unlocked twice.
   *
   * Source: UnlockFileEx.
   *
   * @throws {Win32Error} ERROR_NOT_LOCKED (158) if this handle has no such lock.
   */
  unlock(range: LockRange): void {
    checkRange(range);
    const unlock = (file: number) => system.unlockFileEx(file, range.offset, range.length);
    this.#call("UnlockFileEx", (file) => ({ code: unlock(file), value: 0, errno: 0 }));
  }

  /**
   * Starts the control operation of `code`, as `DeviceHandle.control` does for every
   * handle. `setSparse`, `zeroRange`, `queryAllocatedRanges` and `cloneRange` start those
   * that both systems know.
   *
   * Source: DeviceIoControl.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the file is not associated or a buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the file is closed.
   */
  control(
    code: number,
    input: NativeBuffer | number | null,
    output: NativeBuffer | null,
    tag: number = 0,
  ): Operation {
    return startControl(this, code, input, output, tag);
  }

  /** The size in bytes. Blocks for the system call. Source: GetFileSizeEx. */
  size(): number {
    return this.#call("GetFileSizeEx", (file) => system.getFileSizeEx(file));
  }

  /** The size, mode and times. Blocks for the system call. Source: GetFileInformationByHandle; statx(2). */
  information(): FileInformation {
    const information = { size: 0, mode: 0, accessedMs: 0, modifiedMs: 0 };
    const get = (file: number) => system.getFileInformationByHandle(file, information);
    this.#call("GetFileInformationByHandle", get);
    return information;
  }

  /**
   * Changes mode and times of a file that was opened for writing; what is absent stays.
   * Writes that complete later change the time of writing again. Blocks for the system calls.
   *
   * Source: SetFileInformationByHandle; fchmod(2), futimens(2).
   *
   * @throws {RangeError} if a number is not usable.
   * @throws {Win32Error} ERROR_ACCESS_DENIED (5) if the file is not open for writing, and others.
   */
  change(change: FileChange): void {
    checkChange(change);
    const set = (file: number) => system.setFileInformationByHandle(file, change);
    this.#call("SetFileInformationByHandle", set);
  }

  /**
   * Cuts the file, or extends it with zeros. Blocks for the system call.
   * Source: SetEndOfFile; ftruncate(2).
   */
  truncate(size: number): void {
    checkNumber(size, "size");
    this.#call("SetEndOfFile", (file) => system.setEndOfFile(file, size));
  }

  /**
   * Blocks until all that was written is on the device.
   * Source: FlushFileBuffers; fsync(2).
   */
  sync(): void {
    this.#call("FlushFileBuffers", (file) => system.flushFileBuffers(file));
  }

  #call(name: string, work: (file: number) => Outcome): number {
    const file = this.enter(name);
    try {
      const { code, value, errno } = work(file);
      if (code !== 0) throw this.failure(code, name, errno);
      return value;
    } finally {
      this.leave();
    }
  }
}

function checkRange({ offset, length }: LockRange): void {
  checkNumber(offset, "offset");
  checkNumber(length, "length");
}

/** Times before 1970 are times too. */
function checkChange({ mode = 0, accessedMs = 0, modifiedMs = 0 }: FileChange): void {
  checkNumber(mode, "mode", 0o7777);
  checkTime(accessedMs, "accessedMs");
  checkTime(modifiedMs, "modifiedMs");
}

function checkTime(ms: number, what: string): void {
  if (typeof ms === "number" && Math.abs(ms) <= MAX_TIME_MS) return;
  throw new RangeError(
    `Cannot set ${what} to ${described(ms)}: it must be milliseconds since 1970`,
  );
}

function accessOf(options: OpenOptions): number {
  const { read, write, append } = options;
  const reads = read ?? !(write || append);
  if (!reads && !write && !append) {
    throw new TypeError("Cannot open a file: one of read, write and append must be true");
  }
  return (reads ? codes.GENERIC_READ : 0) |
    (append ? codes.FILE_APPEND_DATA : write ? codes.GENERIC_WRITE : 0);
}

function shareOf({ share = {} }: OpenOptions): number {
  return (share.read ?? true ? codes.FILE_SHARE_READ : 0) |
    (share.write ?? true ? codes.FILE_SHARE_WRITE : 0) |
    (share.delete ?? true ? codes.FILE_SHARE_DELETE : 0);
}

function dispositionOf({ write, append, create, createNew, truncate }: OpenOptions): number {
  if ((create || createNew) && !write && !append) {
    throw new TypeError("Cannot open a file: create and createNew need write or append");
  }
  if (truncate && (!write || append)) {
    throw new TypeError("Cannot open a file: truncate needs write, and cannot go with append");
  }
  if (createNew) return codes.CREATE_NEW;
  if (create) return truncate ? codes.CREATE_ALWAYS : codes.OPEN_ALWAYS;
  return truncate ? codes.TRUNCATE_EXISTING : codes.OPEN_EXISTING;
}

function flagsOf({ unbuffered, writeThrough }: OpenOptions): number {
  return codes.FILE_FLAG_OVERLAPPED |
    (unbuffered ? codes.FILE_FLAG_NO_BUFFERING : 0) |
    (writeThrough ? codes.FILE_FLAG_WRITE_THROUGH : 0);
}
