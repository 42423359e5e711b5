/**
 * Devices, and whatever else is opened for its control codes.
 *
 * @module
 */

import type { NativeBuffer } from "../core/buffer.ts";
import { Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import type { Operation } from "../core/operation.ts";
import { pathOf } from "../core/node.ts";
import { READ, startOperation, WRITE } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { system } from "../system/system.ts";
import { startControl } from "./control.ts";

/** How to open a device. */
export interface DeviceOptions {
  /** Reading is allowed. Without `read` and `write`, neither is: enough for many codes. */
  read?: boolean;
  /** Writing is allowed. */
  write?: boolean;
  /** A link is opened itself, and not what it names. */
  isLink?: boolean;
  /** What others may do with it meanwhile; all by default. Ignored on Linux. */
  share?: { read?: boolean; write?: boolean; delete?: boolean };
}

/**
 * A device (`\\.\PhysicalDrive0`, `/dev/sda`), a directory or a link, opened for
 * control codes.
 *
 * Source: CreateFileW, DeviceIoControl; open(2), ioctl(2).
 *
 * @example
 * ```ts
 * import { CompletionPort, DeviceHandle, getReparsePoint, NativeBuffer } from "@iocp/iocp";
 *
 * using port = new CompletionPort();
 * using folder = DeviceHandle.open(".");
 * using buffer = NativeBuffer.allocate(16384);
 * port.associate(folder, 1);
 * getReparsePoint(folder, buffer);
 * console.log(port.get()?.error?.name); // ERROR_NOT_A_REPARSE_POINT
 * ```
 */
export class DeviceHandle extends Handle {
  /**
   * Opens what `path` names. Blocks for the system call. The handle is not inherited
   * by child processes. On Linux, without `write`, it is opened for reading.
   *
   * @throws {TypeError} if the path is empty or has a NUL character.
   * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2), ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5) and
   * others, with the path.
   */
  static open(path: string | URL, options: DeviceOptions = {}): DeviceHandle {
    const name = pathOf(path);
    if (name === "" || name.includes("\0")) {
      throw new TypeError("Cannot open a device: its path is empty or has a NUL character");
    }
    const { read = false, write = false, isLink = false, share = {} } = options;
    const { code, value, errno } = system.createFile(
      name,
      (read ? codes.GENERIC_READ : 0) | (write ? codes.GENERIC_WRITE : 0),
      (share.read ?? true ? codes.FILE_SHARE_READ : 0) |
        (share.write ?? true ? codes.FILE_SHARE_WRITE : 0) |
        (share.delete ?? true ? codes.FILE_SHARE_DELETE : 0),
      codes.OPEN_EXISTING,
      codes.FILE_FLAG_OVERLAPPED | codes.FILE_FLAG_BACKUP_SEMANTICS |
        (isLink ? codes.FILE_FLAG_OPEN_REPARSE_POINT : 0),
      0,
    );
    if (code !== 0) throw new Win32Error(code, "CreateFile", { subject: name, errno });
    return new DeviceHandle("device", Handle.register("device", value, name), true);
  }

  /**
   * The device of `token`, opened by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its device has been closed.
   */
  static attach(token: HandleToken): DeviceHandle {
    return new DeviceHandle("device", Handle.attached("device", token), false);
  }

  /**
   * Starts the control operation of `code`: a code of Windows, or on Linux `ioctl(number)`.
   * What it reads is in `input`, what it writes comes into `output`; the packet's
   * count says how much. A code that the handle does not know:
   * ERROR_INVALID_FUNCTION (1). Both buffers are the kernel's until the packet is
   * taken; `operation.buffer` is `output`, or `input` if there is none.
   *
   * Linux knows FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, FSCTL_QUERY_ALLOCATED_RANGES,
   * FSCTL_DUPLICATE_EXTENTS_TO_FILE, FSCTL_GET_REPARSE_POINT and IOCTL_DISK_GET_LENGTH_INFO, with
   * Windows' structures. All but the first two are carried out by the thread that
   * starts them.
   *
   * Source: DeviceIoControl; ioctl(2).
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the device is not associated or a buffer freed, or `input` is a
   * number and `code` no ioctl's.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the device is closed.
   */
  control(
    code: number,
    input: NativeBuffer | number | null,
    output: NativeBuffer | null,
    tag: number = 0,
  ): Operation {
    return startControl(this, code, input, output, tag);
  }

  /**
   * Starts a read of `into.byteLength` bytes, at `offset` where there are offsets.
   *
   * Source: ReadFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the device is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the device is closed.
   */
  read(into: NativeBuffer, offset: number = 0, tag: number = 0): Operation {
    return startOperation(READ, this, into, offset, tag);
  }

  /**
   * Starts a write of `from.byteLength` bytes, at `offset` where there are offsets.
   *
   * Source: WriteFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the device is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the device is closed.
   */
  write(from: NativeBuffer, offset: number = 0, tag: number = 0): Operation {
    return startOperation(WRITE, this, from, offset, tag);
  }
}
