/**
 * What can be asked for when a named pipe is served or opened, and what cannot.
 *
 * @module
 */

import { checkNumber, described } from "../core/errors.ts";
import { MAX_TIMEOUT_MS } from "../core/limits.ts";
import * as codes from "../system/system.ts";

const UNLIMITED = codes.PIPE_UNLIMITED_INSTANCES;
const BUFFER_BYTES = 65536;
const MAX_BUFFER_BYTES = 0x7fffffff;

/** What a pipe carries: bytes as they come, or messages, each of which is one write and one read. */
export type PipeType = "byte" | "message";

/** How to serve a pipe. */
export interface PipeServeOptions {
  /** What writes and reads of the server are; `"byte"` by default. */
  type?: PipeType;
  /** The server reads, and clients may write; true by default. */
  read?: boolean;
  /** The server writes, and clients may read; true by default. */
  write?: boolean;
  /**
   * This is the first instance, and there must be no other: serving then fails with
   * ERROR_ACCESS_DENIED (5) if somebody else, perhaps in our name, serves the pipe.
   * True by default; false for every further instance.
   */
  first?: boolean;
  /** Instances the pipe may have at once, from 1 to 254; without limit by default. The same for all. */
  instances?: number;
  /** Milliseconds that a client waits for a free instance if it does not say; 50 by default. The same for all. */
  timeoutMs?: number;
  /** Clients on other machines may come; false by default. There are none on Linux. */
  remote?: boolean;
  /** Bytes kept for what clients have not read yet; 65536 by default. Linux: the kernel's own. */
  outBufferBytes?: number;
  /** Bytes kept for what the server has not read yet; 65536 by default. Linux: the kernel's own. */
  inBufferBytes?: number;
  /**
   * Windows: who may open the pipe, as a security descriptor in SDDL; nobody but
   * the user of this process by default. Ignored on Linux.
   */
  securityDescriptor?: string;
  /**
   * Linux: the mode of the sockets of a pipe with a path of its own, as of a file,
   * before the umask; 0o600 by default. Other pipes are their user's only. Ignored on Windows.
   */
  mode?: number;
}

/** How to open the client's end of a pipe. */
export interface PipeOpenOptions {
  /** What reads are; a pipe of messages can be read as bytes, which is the default. */
  type?: PipeType;
  /** Reading is allowed; true by default. */
  read?: boolean;
  /** Writing is allowed; true by default. */
  write?: boolean;
  /**
   * Milliseconds to wait while all instances have clients: blocks for that time at
   * most, Infinity: for ever. 0 by default: ERROR_PIPE_BUSY (231) then.
   */
  timeoutMs?: number;
}

/** An instance as the system is asked for it. */
export interface Instance {
  readonly openMode: number;
  readonly pipeMode: number;
  readonly instances: number;
  readonly outBufferBytes: number;
  readonly inBufferBytes: number;
  readonly timeoutMs: number;
  readonly descriptor: string;
  readonly mode: number;
}

/** What these options ask for; throws if they cannot be meant. */
export function instanceOf(options: PipeServeOptions): Instance {
  const { read = true, write = true, first = true, remote = false } = options;
  if (!read && !write) {
    throw new TypeError("Cannot serve a pipe: one of read and write must be true");
  }
  const { instances = UNLIMITED, outBufferBytes = BUFFER_BYTES, inBufferBytes = BUFFER_BYTES } =
    options;
  const isCount = Number.isSafeInteger(instances) && instances >= 1 && instances <= UNLIMITED;
  if (!isCount) {
    throw new RangeError(`Cannot use ${described(instances)} as instances: it must be 1 to 254`);
  }
  const isMessage = isMessageType(options.type);
  return {
    openMode: codes.FILE_FLAG_OVERLAPPED | (first ? codes.FILE_FLAG_FIRST_PIPE_INSTANCE : 0) |
      (read ? codes.PIPE_ACCESS_INBOUND : 0) | (write ? codes.PIPE_ACCESS_OUTBOUND : 0),
    pipeMode: (isMessage ? codes.PIPE_TYPE_MESSAGE | codes.PIPE_READMODE_MESSAGE : 0) |
      (remote ? 0 : codes.PIPE_REJECT_REMOTE_CLIENTS),
    instances,
    outBufferBytes: checkNumber(outBufferBytes, "outBufferBytes", MAX_BUFFER_BYTES),
    inBufferBytes: checkNumber(inBufferBytes, "inBufferBytes", MAX_BUFFER_BYTES),
    timeoutMs: checkNumber(options.timeoutMs ?? 50, "timeoutMs", MAX_TIMEOUT_MS),
    descriptor: checkText(options.securityDescriptor ?? "", "security descriptor"),
    mode: checkNumber(options.mode ?? 0o600, "mode", 0o777),
  };
}

/** A pipe's name as the system takes it. */
export function pathOf(name: string): string {
  if (typeof name === "string" && !name.includes("\0")) {
    if (/^\\\\[^\\]+\\pipe\\./i.test(name)) return name;
    if (name.startsWith("/")) return `\\\\.\\pipe\\${name}`;
  }
  throw new TypeError(
    `Cannot use ${JSON.stringify(name)} as the name of a pipe: ` +
      String.raw`it must begin with \\.\pipe\ or be an absolute path, without NUL characters`,
  );
}

/** `text` if it is one that C can take. */
export function checkText(text: string, what: string): string {
  if (typeof text === "string" && !text.includes("\0")) return text;
  throw new TypeError(`Cannot serve a pipe: its ${what} is no text without NUL characters`);
}

/** Whether it is the type of messages. */
export function isMessageType(type: PipeType = "byte"): boolean {
  if (type === "message" || type === "byte") return type === "message";
  throw new TypeError(`Cannot use ${String(type)} as the type of a pipe: "byte" or "message"`);
}

/** `timeoutMs` if it is a time to wait, or for ever. */
export function checkTimeout(timeoutMs: number): number {
  const isTime = typeof timeoutMs === "number" && timeoutMs >= 0;
  if (isTime && (timeoutMs <= MAX_TIMEOUT_MS || timeoutMs === Infinity)) return timeoutMs;
  throw new RangeError(
    `Cannot use ${
      described(timeoutMs)
    } as timeoutMs: it must be from 0 to ${MAX_TIMEOUT_MS}, or Infinity`,
  );
}
