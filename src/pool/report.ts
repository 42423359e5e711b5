/**
 * Telling the owner what went wrong.
 *
 * @module
 */

import type { Packet } from "../core/packet.ts";
import { T_REPORTS, T_UNREPORTED } from "./board.ts";
import { type PacketParts, scope } from "./control.ts";
import { partsOf } from "./errors.ts";
import { MAX_FAULT_REPORTS } from "../core/limits.ts";

/**
 * Reports what a handler has thrown, and with which packet. When too many reports are
 * under way it is only counted: an owner that is busy must not drown.
 */
export function reportFault(
  words: Int32Array<ArrayBuffer>,
  thread: number,
  error: unknown,
  packet: Packet | null,
): void {
  if (Atomics.load(words, thread + T_REPORTS) >= MAX_FAULT_REPORTS) {
    words[thread + T_UNREPORTED]++;
    return;
  }
  Atomics.add(words, thread + T_REPORTS, 1);
  const parts = packet === null ? null : partsOfPacket(packet);
  scope.postMessage({ pool: "fault", error: partsOf(error), packet: parts });
}

function partsOfPacket(
  { key, bytesTransferred, overlapped, operation, error }: Packet,
): PacketParts {
  return {
    key,
    bytesTransferred,
    overlapped,
    operation: operation === null
      ? null
      : { kind: operation.kind, offset: operation.offset, tag: operation.tag },
    error: error === null ? null : partsOf(error),
  };
}
