/**
 * What the module of a pool's threads imports: {@linkcode serve}, and the classes of
 * most handles, whose `attach` takes the tokens it was sent. Serial lines, devices and mail slots
 * are in `@iocp/iocp`, which a thread may import as well; it then takes longer to start.
 *
 * @example
 * ```ts ignore
 * import { serve } from "@iocp/iocp/thread";
 *
 * serve({
 *   packet: ({ key, bytesTransferred }) => console.log(key, bytesTransferred),
 *   tasks: { add: ([a, b]: [number, number]) => a + b },
 * });
 * ```
 *
 * @module
 */

import { endWorker, isWorker } from "../core/taker.ts";
import { type Begin, isMessage, scope } from "./control.ts";
import { partsOf } from "./errors.ts";
import type { Handlers } from "./handlers.ts";
import { Server } from "./serve.ts";

export { type BufferToken, NativeBuffer } from "../core/buffer.ts";
export { Win32Error, type Win32ErrorDetails } from "../core/errors.ts";
export { Handle, type HandleKind, type HandleToken } from "../core/handle.ts";
export type { OperationKind } from "../core/kinds.ts";
export type { Operation } from "../core/operation.ts";
export type { Packet } from "../core/packet.ts";
export { CompletionPort, type PortToken, type PostedPacket } from "../core/port.ts";
export type { PortCounters } from "../core/port-counters.ts";
export type { CompletionPortOptions, EngineName, RingOptions } from "../core/port-options.ts";
export type { ChangeAction, DirectoryChange } from "../handles/changes.ts";
export {
  type ChangeFilter,
  DirectoryHandle,
  type ReadChangesOptions,
} from "../handles/directory.ts";
export {
  type FileChange,
  FileHandle,
  type FileInformation,
  type LockOptions,
  type LockRange,
  type OpenOptions,
} from "../handles/file.ts";
export { type PipeContents, PipeHandle } from "../handles/pipe.ts";
export type { PipeOpenOptions, PipeServeOptions, PipeType } from "../handles/pipe-options.ts";
export { type InternetOptions, SocketHandle, type UnixOptions } from "../handles/socket.ts";
export type {
  NetAddress,
  SocketAddress,
  SocketFamily,
  UnixAddress,
} from "../handles/socket-addresses.ts";
export { SocketBase, type SocketDirection } from "../handles/socket-base.ts";
export type {
  ControlData,
  MessageRoom,
  ReceivedMessage,
  SocketMessage,
} from "../handles/socket-messages.ts";
export type { KeepAlive, SocketOptions } from "../handles/socket-options.ts";
export {
  ACCEPT_ROOM_BYTES,
  type ReceiveOptions,
  type TransmitOptions,
} from "../handles/socket-streams.ts";
export type { Handlers, PacketHandler, PoolThread, Task, TaskHandler } from "./handlers.ts";

let isServing = false;

/**
 * Makes the calling Worker a thread of the pool that has started it: packets of the
 * pool's port are handed to `handlers`. Returns at once; the thread begins when its
 * module has been evaluated and takes packets until the pool stops it. Called once, at the
 * top of the module.
 *
 * Handlers may be synchronous or return a promise. The thread runs one at a time. It
 * blocks on the port while it waits, so that timers and messages of its own are only
 * seen to while a promise of a handler is not settled.
 *
 * @throws {TypeError} if the Worker serves already, or this is none.
 *
 * @example
 * ```ts ignore
 * import { type Packet, serve } from "@iocp/iocp/thread";
 *
 * serve({
 *   start: (thread) => console.log(`thread ${thread.index} begins`),
 *   packet: (packet: Packet) => console.log(packet.key),
 *   stop: (thread) => console.log(`thread ${thread.index} ends`),
 * });
 * ```
 */
export function serve(handlers: Handlers): void {
  if (isServing) throw new TypeError("Cannot serve: this thread serves already");
  if (!isWorker()) {
    throw new TypeError("Cannot serve: this is no Worker, and so no thread of a pool");
  }
  isServing = true;
  let server: Server | null = null;
  scope.addEventListener("message", ({ data }) => {
    if (!isMessage(data)) return;
    if (data.pool === "begin") {
      run(handlers, data, (begun) => server = begun);
    } else if (data.pool === "abort") {
      const { slot, life, hasReason, reason } = data;
      server?.errands.abort(slot, life, hasReason ? reason : undefined);
    }
  });
  scope.postMessage({ pool: "called" });
}

/** The thread's whole life; never rejects. */
async function run(
  handlers: Handlers,
  begin: Begin,
  whenBegun: (server: Server) => void,
): Promise<void> {
  try {
    using server = new Server(handlers, begin);
    whenBegun(server);
    try {
      await handlers.start?.(server);
      scope.postMessage({ pool: "serving" });
      await server.serve();
    } catch (error) {
      server.willTell();
      throw error;
    }
    await server.stop();
    scope.postMessage({ pool: "stopped" });
  } catch (error) {
    scope.postMessage({ pool: "failed", error: partsOf(error) });
  }
  endWorker();
}
