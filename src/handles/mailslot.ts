/**
 * Mail slots.
 *
 * @module
 */

import type { NativeBuffer } from "../core/buffer.ts";
import { checkNumber, Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import type { Operation } from "../core/operation.ts";
import { READ, startOperation } from "../core/start.ts";
import { system } from "../system/system.ts";

/** How to make a mail slot. */
export interface MailslotOptions {
  /** Longer messages are refused to their sender, in bytes; 0, the default, is no limit. */
  maxMessageBytes?: number;
  /**
   * How long a read waits for a message, in milliseconds, up to 4294967294; for ever by
   * default. Then its packet's error is ERROR_SEM_TIMEOUT (121).
   */
  readTimeoutMs?: number;
}

/**
 * The reading end of a mail slot: messages that any program on the machine, or in
 * the domain, writes to `\\.\mailslot\name`, which it opens as a file.
 *
 * Windows only: on Linux `create` fails with ERROR_NOT_SUPPORTED (50).
 *
 * Source: CreateMailslotW; Microsoft's "Mailslots".
 *
 * @example
 * ```ts
 * import { MailslotHandle, Win32Error } from "@iocp/iocp";
 *
 * try {
 *   using slot = MailslotHandle.create("\\\\.\\mailslot\\example");
 *   console.log(slot.name);
 * } catch (error) {
 *   if (!(error instanceof Win32Error)) throw error;
 *   console.log(error.code); // 50: this is Linux.
 * }
 * ```
 */
export class MailslotHandle extends Handle {
  /**
   * Makes a mail slot. Blocks for the system call. The handle is not inherited by
   * child processes, and the slot goes when it is closed.
   *
   * @throws {TypeError} if the name is empty or has a NUL character.
   * @throws {RangeError} if a number is not usable.
   * @throws {Win32Error} ERROR_ALREADY_EXISTS (183), ERROR_INVALID_NAME (123), ERROR_NOT_SUPPORTED (50; on
   * Linux) and others, with the name.
   */
  static create(name: string, options: MailslotOptions = {}): MailslotHandle {
    if (typeof name !== "string" || name === "" || name.includes("\0")) {
      throw new TypeError(
        "Cannot make a mail slot: its name is no text, empty or has a NUL character",
      );
    }
    const { maxMessageBytes = 0, readTimeoutMs = Infinity } = options;
    checkNumber(maxMessageBytes, "the longest message", 0xffffffff);
    if (readTimeoutMs !== Infinity) checkNumber(readTimeoutMs, "the time limit", 0xfffffffe);
    const { code, value, errno } = system.createMailslot(name, maxMessageBytes, readTimeoutMs);
    if (code !== 0) throw new Win32Error(code, "CreateMailslot", { subject: name, errno });
    return new MailslotHandle("mailslot", Handle.register("mailslot", value, name), true);
  }

  /**
   * The mail slot of `token`, made by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its slot has been closed.
   */
  static attach(token: HandleToken): MailslotHandle {
    return new MailslotHandle("mailslot", Handle.attached("mailslot", token), false);
  }

  /**
   * Starts a read of one message. One that is longer than `into` stays, and the
   * packet's error is ERROR_INSUFFICIENT_BUFFER (122). Source: ReadFile.
   *
   * @throws {RangeError} if a number is not usable, or a limit is reached.
   * @throws {TypeError} if the slot is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the slot is closed.
   */
  read(into: NativeBuffer, tag: number = 0): Operation {
    return startOperation(READ, this, into, 0, tag);
  }
}
