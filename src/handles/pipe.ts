/**
 * Named pipes.
 *
 * @module
 */

import { checkBuffer, type NativeBuffer } from "../core/buffer.ts";
import { Win32Error } from "../core/errors.ts";
import { Handle, type HandleToken } from "../core/handle.ts";
import { kindOf } from "../core/kinds.ts";
import type { Operation } from "../core/operation.ts";
import { READ, startOperation, startWith, WRITE } from "../core/start.ts";
import * as codes from "../system/system.ts";
import { type Outcome, type PipeState, system } from "../system/system.ts";
import {
  checkTimeout,
  instanceOf,
  isMessageType,
  pathOf,
  type PipeOpenOptions,
  type PipeServeOptions,
} from "./pipe-options.ts";

/** What can be read of a pipe; see {@linkcode PipeHandle.peek}. */
export interface PipeContents {
  /** Bytes copied into the buffer. */
  readonly bytesRead: number;
  /** Bytes that can be read. Linux: of a message pipe, of the first message, as far as it has come. */
  readonly bytesAvailable: number;
  /** Bytes of the first message that were not copied; 0 of a byte pipe. */
  readonly bytesLeft: number;
}

const CONNECT = kindOf("ConnectNamedPipe");
const TRANSACT = kindOf("TransactNamedPipe");

/**
 * One end of a named pipe: an instance of a server's, which takes one client after
 * the other, or the end of a client.
 *
 * A name is `\\.\pipe\NAME` on both systems; letters differ by case in none. On Linux
 * such a pipe is found by the programs of the same user that use this module: it is
 * a folder in `$XDG_RUNTIME_DIR/iocp-pipes`, or `/tmp/iocp-pipes-UID`, that nobody
 * else can enter. An absolute path (`/run/tool/pipe`) is such a folder in a place
 * of one's own; it is made by the first instance and removed with the last.
 *
 * Source: Named Pipes; unix(7).
 *
 * @example
 * ```ts
 * import { CompletionPort, NativeBuffer, PipeHandle } from "@iocp/iocp";
 *
 * const name = String.raw`\\.\pipe\greeting`;
 * using port = new CompletionPort();
 * using server = PipeHandle.serve(name, { type: "message" });
 * port.associate(server, 1);
 * server.connect();
 * using client = PipeHandle.open(name, { type: "message" });
 * port.associate(client, 2);
 * port.get(); // the server has its client
 *
 * using hello = NativeBuffer.allocate(5);
 * hello.bytes.set(new TextEncoder().encode("hello"));
 * using buffer = NativeBuffer.allocate(64);
 * server.write(hello);
 * client.read(buffer);
 * for (let i = 0; i < 2; i++) {
 *   const packet = port.get();
 *   console.log(packet?.key, packet?.bytesTransferred); // 1 5, and 2 5
 * }
 * ```
 */
export class PipeHandle extends Handle {
  /**
   * Makes an instance of a pipe, and the pipe itself if it is the first. A client may
   * come from then on; {@linkcode connect} waits for it. Blocks for the system calls.
   *
   * Source: CreateNamedPipeW.
   *
   * @throws {TypeError} if the name is none, or the options contradict each other.
   * @throws {RangeError} if a number is not usable.
   * @throws {Win32Error} ERROR_ACCESS_DENIED (5): others serve the pipe already, or serve it otherwise;
   * ERROR_PIPE_BUSY (231): it has all its instances; ERROR_INVALID_NAME (123).
   */
  static serve(name: string, options: PipeServeOptions = {}): PipeHandle {
    const path = pathOf(name);
    const wanted = instanceOf(options);
    const { code, value, errno } = system.createNamedPipe(
      path,
      wanted.openMode,
      wanted.pipeMode,
      wanted.instances,
      wanted.outBufferBytes,
      wanted.inBufferBytes,
      wanted.timeoutMs,
      wanted.descriptor,
      wanted.mode,
    );
    if (code !== 0) throw new Win32Error(code, "CreateNamedPipe", { subject: name, errno });
    return new PipeHandle("pipe", Handle.register("pipe", value, name), true);
  }

  /**
   * Opens the client's end of a pipe. Does not wait for the server, but, if asked,
   * for an instance to be free. A server learns who we are and cannot act as us.
   *
   * Source: CreateFileW, WaitNamedPipeW.
   *
   * @throws {TypeError} if the name is none, or nothing is to be read nor written.
   * @throws {Win32Error} ERROR_FILE_NOT_FOUND (2): nobody serves it; ERROR_PIPE_BUSY (231): all
   * instances have clients; ERROR_SEM_TIMEOUT (121): still so after the time given; ERROR_ACCESS_DENIED (5):
   * it is not for us, or does not go this way; ERROR_INVALID_PARAMETER (87): it carries no messages.
   */
  static open(name: string, options: PipeOpenOptions = {}): PipeHandle {
    const { read = true, write = true, timeoutMs = 0 } = options;
    if (!read && !write) {
      throw new TypeError("Cannot open a pipe: one of read and write must be true");
    }
    const isMessage = isMessageType(options.type);
    const wait = checkTimeout(timeoutMs);
    const path = pathOf(name);
    // The right to change what reads are goes with that to write.
    const attributes = isMessage ? codes.FILE_WRITE_ATTRIBUTES : 0;
    const access = (read ? codes.GENERIC_READ : 0) + (write ? codes.GENERIC_WRITE : 0) + attributes;
    const value = openEnd(name, path, access, wait);
    if (isMessage) {
      const code = system.setNamedPipeHandleState(value, codes.PIPE_READMODE_MESSAGE);
      if (code !== 0) {
        system.closeHandle(value);
        throw new Win32Error(code, "SetNamedPipeHandleState", { subject: name });
      }
    }
    return new PipeHandle("pipe", Handle.register("pipe", value, name), true);
  }

  /**
   * Blocks the calling thread until the pipe has an instance that waits for a
   * client: for `timeoutMs` at most, for the server's time if it is absent. Another
   * client may still be faster than the {@linkcode open} that follows.
   *
   * Source: WaitNamedPipeW.
   *
   * @throws {TypeError} if the name is none.
   * @throws {Win32Error} ERROR_SEM_TIMEOUT (121) after that time; ERROR_FILE_NOT_FOUND (2) if nobody serves it.
   */
  static wait(name: string, timeoutMs?: number): void {
    const path = pathOf(name);
    // 0 would mean the server's time to the system.
    const time = timeoutMs === undefined ? 0 : Math.max(checkTimeout(timeoutMs), 1);
    const code = system.waitNamedPipe(path, time);
    if (code !== 0) throw new Win32Error(code, "WaitNamedPipe", { subject: name });
  }

  /**
   * The pipe of `token`, made or opened by another thread: the same handle.
   *
   * @throws {TypeError} if the token is none, or its pipe has been closed.
   */
  static attach(token: HandleToken): PipeHandle {
    return new PipeHandle("pipe", Handle.attached("pipe", token), false);
  }

  /**
   * A server waits for its client: the packet comes when it is there, also if it
   * came before. ERROR_NO_DATA (232): it has come and gone again; `disconnect`, then
   * `connect` once more. `tag` travels with the operation.
   *
   * Source: ConnectNamedPipe.
   *
   * @throws {RangeError} if the tag is not usable, or a limit is reached.
   * @throws {TypeError} if the pipe is not associated.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the pipe is closed.
   */
  connect(tag: number = 0): Operation {
    const start = (pipe: number, overlapped: number) => system.connectNamedPipe(pipe, overlapped);
    return startWith(CONNECT, this, {}, tag, start);
  }

  /**
   * Starts a read. Of bytes: completes as soon as there are any. Of messages: with one
   * message; if that is longer than the buffer with ERROR_MORE_DATA (234), the count,
   * and the rest for the next read. ERROR_BROKEN_PIPE (109): the other end was closed;
   * ERROR_PIPE_NOT_CONNECTED (233): by `disconnect`; ERROR_PIPE_LISTENING (536): there was none yet.
   *
   * Linux: a cancelled read that had a part of a message ends with 234 as well.
   *
   * Source: ReadFile.
   *
   * @throws {RangeError} if the tag is not usable, or a limit is reached.
   * @throws {TypeError} if the pipe is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the pipe is closed.
   */
  read(into: NativeBuffer, tag: number = 0): Operation {
    return startOperation(READ, this, into, 0, tag);
  }

  /**
   * Starts a write, of one message if the pipe carries messages. Completes when the
   * other end has read what the system does not keep for it. ERROR_NO_DATA (232): the
   * other end was closed. The bytes must not be changed before the packet is taken.
   *
   * Source: WriteFile.
   *
   * @throws {RangeError} if the tag is not usable, or a limit is reached.
   * @throws {TypeError} if the pipe is not associated or the buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the pipe is closed.
   */
  write(from: NativeBuffer, tag: number = 0): Operation {
    return startOperation(WRITE, this, from, 0, tag);
  }

  /**
   * Starts writing a message and reading the next one into `reply`, in one operation.
   * Only where reads are of messages, else ERROR_BAD_PIPE (230); ERROR_PIPE_BUSY (231): a
   * message has come already that was not read. A reply longer than its buffer: as in `read`.
   *
   * Source: TransactNamedPipe.
   *
   * @throws {RangeError} if the tag is not usable, or a limit is reached.
   * @throws {TypeError} if the pipe is not associated or a buffer freed.
   * @throws {Win32Error} ERROR_INVALID_HANDLE (6) if the pipe is closed.
   */
  transact(request: NativeBuffer, reply: NativeBuffer, tag: number = 0): Operation {
    const { address } = checkBuffer(request);
    const { length } = request.bytes;
    const replyLength = checkBuffer(reply).bytes.length;
    return startWith(
      TRANSACT,
      this,
      { buffer: reply, further: [request] },
      tag,
      (pipe, overlapped) =>
        system.transactNamedPipe(pipe, address, length, reply.address, replyLength, overlapped),
    );
  }

  /**
   * A server parts with its client and can `connect` to the next. Operations in
   * flight end with ERROR_PIPE_NOT_CONNECTED (233). What the client has not read yet is
   * lost on Windows; let it read to its end, or answer, before.
   *
   * Source: DisconnectNamedPipe.
   *
   * @throws {Win32Error} ERROR_PIPE_LISTENING (536) or ERROR_PIPE_NOT_CONNECTED (233): there is no client;
   * ERROR_INVALID_FUNCTION (1): this is the client's end; ERROR_INVALID_HANDLE (6): it is closed.
   */
  disconnect(): void {
    this.#ask("DisconnectNamedPipe", (pipe) => system.disconnectNamedPipe(pipe));
  }

  /**
   * Looks at what could be read, and leaves it there: copies its beginning into
   * `into` if that is given. Does not wait.
   *
   * Source: PeekNamedPipe.
   *
   * @throws {TypeError} if the buffer was freed.
   * @throws {Win32Error} ERROR_BROKEN_PIPE (109): there is nothing, and the other end was closed.
   */
  peek(into?: NativeBuffer): PipeContents {
    const state: PipeState = { bytesRead: 0, bytesAvailable: 0, bytesLeft: 0 };
    const length = into === undefined ? 0 : checkBuffer(into).bytes.length;
    const address = into === undefined ? 0 : into.address;
    this.#ask("PeekNamedPipe", (pipe) => system.peekNamedPipe(pipe, address, length, state));
    return state;
  }

  /**
   * The id of the client's process, as the kernel has noted it when the client came.
   * The number may be another process's once that has ended.
   *
   * Source: GetNamedPipeClientProcessId; SO_PEERCRED.
   *
   * @throws {Win32Error} ERROR_PIPE_LISTENING (536) or ERROR_PIPE_NOT_CONNECTED (233): there is no client.
   */
  clientProcessId(): number {
    return this.#find(
      "GetNamedPipeClientProcessId",
      (pipe) => system.getNamedPipeClientProcessId(pipe),
    );
  }

  /**
   * The id of the server's process.
   *
   * Source: GetNamedPipeServerProcessId; SO_PEERCRED.
   *
   * @throws {Win32Error} ERROR_PIPE_LISTENING (536) or ERROR_PIPE_NOT_CONNECTED (233): there is no client.
   */
  serverProcessId(): number {
    return this.#find(
      "GetNamedPipeServerProcessId",
      (pipe) => system.getNamedPipeServerProcessId(pipe),
    );
  }

  /**
   * The name of the client's user, asked by the server. Windows: only after something
   * of that client was read.
   *
   * Source: GetNamedPipeHandleStateW; SO_PEERCRED.
   *
   * @throws {Win32Error} ERROR_PIPE_LISTENING (536) or ERROR_PIPE_NOT_CONNECTED (233): there is no client;
   * ERROR_CANNOT_IMPERSONATE (1368): nothing was read from it.
   */
  clientUser(): string {
    const client = { user: "" };
    this.#ask("GetNamedPipeHandleState", (pipe) => system.getNamedPipeHandleState(pipe, client));
    return client.user;
  }

  #ask(name: string, work: (pipe: number) => number): void {
    this.#find(name, (pipe) => ({ code: work(pipe), value: 0, errno: 0 }));
  }

  #find(name: string, work: (pipe: number) => Outcome): number {
    const pipe = this.enter(name);
    try {
      const { code, value, errno } = work(pipe);
      if (code !== 0) throw this.failure(code, name, errno);
      return value;
    } finally {
      this.leave();
    }
  }
}

/** Opens a free instance; waits up to `timeoutMs` for one. Returns the system's handle. */
function openEnd(name: string, path: string, access: number, timeoutMs: number): number {
  const end = performance.now() + timeoutMs;
  const flags = codes.FILE_FLAG_OVERLAPPED | codes.SECURITY_IDENTIFICATION_ONLY;
  for (;;) {
    const { code, value, errno } = system.createFile(
      path,
      access,
      0,
      codes.OPEN_EXISTING,
      flags,
      0,
    );
    if (code === 0) return value;
    const left = end - performance.now();
    if (code !== codes.ERROR_PIPE_BUSY || timeoutMs === 0) {
      throw new Win32Error(code, "CreateFile", { subject: name, errno });
    }
    const reason = left > 0 ? system.waitNamedPipe(path, left) : codes.ERROR_SEM_TIMEOUT;
    if (reason !== 0) throw new Win32Error(reason, "WaitNamedPipe", { subject: name });
  }
}
