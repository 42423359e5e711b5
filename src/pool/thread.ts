/**
 * What a Worker that is a thread of a port imports: the classes whose `attach`
 * takes the tokens it was sent.
 *
 * @example
 * ```ts
 * import { CompletionPort, type PortToken } from "@iocp/iocp/thread";
 *
 * globalThis.addEventListener("message", (event) => {
 *   const port = CompletionPort.attach((event as MessageEvent<PortToken>).data);
 *   for (let packet = port.get(); packet?.key !== 0; packet = port.get()) {
 *     console.log(packet?.key);
 *   }
 * });
 * ```
 *
 * @module
 */

export { type BufferToken, NativeBuffer } from "../core/buffer.ts";
export { Win32Error, type Win32ErrorDetails } from "../core/errors.ts";
export { Handle, type HandleKind, type HandleToken } from "../core/handle.ts";
export type { OperationKind } from "../core/kinds.ts";
export type { Operation } from "../core/operation.ts";
export type { Packet } from "../core/packet.ts";
export { CompletionPort, type PortToken, type PostedPacket } from "../core/port.ts";
export type { PortCounters } from "../core/port-counters.ts";
export type { CompletionPortOptions, EngineName, RingOptions } from "../core/port-options.ts";
export { FileHandle, type LockOptions, type LockRange, type OpenOptions } from "../handles/file.ts";
