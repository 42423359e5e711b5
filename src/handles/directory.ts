/**
 * Directories, whose changes can be read.
 *
 * @module
 */

import { checkBuffer, type NativeBuffer } from "../core/buffer.ts";
import { Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import { kindOf } from "../core/kinds.ts";
import type { Operation } from "../core/operation.ts";
import { pathOf } from "../core/node.ts";
import type { Packet } from "../core/packet.ts";
import { startWith } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { system } from "../system/system.ts";
import { type DirectoryChange, parseChanges } from "./changes.ts";

const READ_CHANGES = kindOf("ReadDirectoryChangesW");

/** A kind of change that is reported: FILE_NOTIFY_CHANGE_FILE_NAME and so on. */
export type ChangeFilter =
  | "fileName"
  | "directoryName"
  | "attributes"
  | "size"
  | "lastWrite"
  | "lastAccess"
  | "creation"
  | "security";

const FILTERS: Readonly<Record<ChangeFilter, number>> = {
  fileName: codes.FILE_NOTIFY_CHANGE_FILE_NAME,
  directoryName: codes.FILE_NOTIFY_CHANGE_DIR_NAME,
  attributes: codes.FILE_NOTIFY_CHANGE_ATTRIBUTES,
  size: codes.FILE_NOTIFY_CHANGE_SIZE,
  lastWrite: codes.FILE_NOTIFY_CHANGE_LAST_WRITE,
  lastAccess: codes.FILE_NOTIFY_CHANGE_LAST_ACCESS,
  creation: codes.FILE_NOTIFY_CHANGE_CREATION,
  security: codes.FILE_NOTIFY_CHANGE_SECURITY,
};

const DEFAULT_FILTER: readonly ChangeFilter[] = ["fileName", "directoryName", "size", "lastWrite"];

/** What is watched. Decided by the first read of a handle, for as long as it is open. */
export interface ReadChangesOptions {
  /** Whether what happens in the directory's folders, at any depth, is reported too; true by default. */
  recursive?: boolean;
  /** Which changes are reported; by default names, sizes and writes. At least one. */
  filter?: readonly ChangeFilter[];
}

/**
 * A directory that is watched. Associate it with a port; then `readChanges` starts
 * an operation whose packet says what has changed. From the first read on, changes
 * are kept until the next one; when there were more than could be kept, the packet says that,
 * and the directory has to be looked at anew.
 *
 * On Windows the kernel keeps as much as the first read's buffer holds. On Linux
 * it keeps `fs.inotify.max_queued_events` events; each folder takes one of the user's
 * `max_user_watches`, each handle one of the `max_user_instances`.
 *
 * Source: ReadDirectoryChangesW; inotify(7).
 *
 * @example
 * ```ts
 * import { CompletionPort, DirectoryHandle, NativeBuffer } from "@iocp/iocp";
 *
 * using port = new CompletionPort();
 * using directory = DirectoryHandle.open(".");
 * using buffer = NativeBuffer.allocate(65536);
 * port.associate(directory, 1);
 * directory.readChanges(buffer);
 * const packet = port.get(0);
 * if (packet !== null) {
 *   for (const { action, path } of DirectoryHandle.changes(packet)) console.log(action, path);
 * }
 * ```
 */
export class DirectoryHandle extends Handle {
  /**
   * Opens a directory. Blocks for the system call. It may be renamed and deleted
   * while it is open.
   *
   * @throws {TypeError} if the path is empty or has a NUL character.
   * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2), ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5),
   * ERROR_DIRECTORY (267) if it is none, ERROR_NOT_ENOUGH_QUOTA (1816; Linux: `max_user_instances`) and
   * others, with the path.
   */
  static open(path: string | URL): DirectoryHandle {
    const name = pathOf(path);
    if (name === "" || name.includes("\0")) {
      throw new TypeError("Cannot open a directory: its path is empty or has a NUL character");
    }
    const { code, value, errno } = system.openDirectory(name);
    if (code !== 0) throw new Win32Error(code, "CreateFile", { subject: name, errno });
    return new DirectoryHandle("directory", Handle.register("directory", value, name), true);
  }

  /**
   * The directory of `token`, opened by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its directory has been closed.
   */
  static attach(token: HandleToken): DirectoryHandle {
    return new DirectoryHandle("directory", Handle.attached("directory", token), false);
  }

  /**
   * Starts a read of changes into `into`, whose address must be a multiple of 4 (998). The packet
   * comes as soon as there are any; {@linkcode DirectoryHandle.changes} reads them from
   * it. Several reads may be in flight; each change is in one of them. A deleted directory:
   * ERROR_ACCESS_DENIED (5).
   *
   * The first read decides what is watched. On Linux, if that is to be recursive, it blocks
   * until all folders are watched; folders that may not be read are left out;
   * ERROR_NOT_ENOUGH_QUOTA (1816) if there are more than `max_user_watches`, also later
   * when a folder is added.
   *
   * Source: ReadDirectoryChangesW.
   *
   * @throws {RangeError} if the filter is empty, the tag not usable, or a limit is reached.
   * @throws {TypeError} if a filter is none, the directory is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the directory is closed.
   */
  readChanges(into: NativeBuffer, options: ReadChangesOptions = {}, tag: number = 0): Operation {
    const { recursive = true, filter = DEFAULT_FILTER } = options;
    const bits = bitsOf(filter);
    return startWith(
      READ_CHANGES,
      this,
      { buffer: checkBuffer(into) },
      tag,
      (handle, overlapped) =>
        system.readDirectoryChanges(
          handle,
          into.address,
          into.byteLength,
          recursive,
          bits,
          overlapped,
        ),
    );
  }

  /**
   * The changes of a packet of `readChanges`, oldest first; a single record
   * `overflow` if some were lost. To be called before the buffer is used again.
   *
   * @throws {TypeError} if it is no such packet.
   * @throws {Win32Error} the packet's error, if it has one.
   */
  static changes(packet: Packet): DirectoryChange[] {
    const { operation, error, bytesTransferred } = packet;
    if (operation === null || operation.kind !== "readChanges") {
      throw new TypeError("Cannot read changes: the packet is not one of readChanges");
    }
    if (error !== null) throw error;
    if (bytesTransferred === 0) return parseChanges(new Uint8Array(0));
    return parseChanges(operation.buffer!.bytes.subarray(0, bytesTransferred));
  }
}

function bitsOf(filter: readonly ChangeFilter[]): number {
  let bits = 0;
  for (const name of filter) {
    if (!Object.hasOwn(FILTERS, name)) {
      throw new TypeError(
        `Cannot filter changes by ${String(name)}: it is none of ${
          Object.keys(FILTERS).join(", ")
        }`,
      );
    }
    bits |= FILTERS[name];
  }
  if (bits === 0) throw new RangeError("Cannot read changes: the filter is empty");
  return bits;
}
