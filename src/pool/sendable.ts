/**
 * What a structured clone would turn into something else without a word: this module's own
 * objects, of which it would take the few properties that one can see.
 *
 * @module
 */

import { NativeBuffer } from "../core/buffer.ts";
import { Handle } from "../core/handle.ts";
import { CompletionPort } from "../core/port.ts";

/** @throws {DOMException} `DataCloneError` if one of them is in `value`, however deep. */
export function checkSendable(value: unknown): void {
  const seen = new Set<object>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    seen.add(next);
    const reason = reasonAgainst(next);
    if (reason !== null) throw new DOMException(reason, "DataCloneError");
    for (const part of partsOf(next)) left.push(part);
  }
}

function reasonAgainst(value: object): string | null {
  const instead = "send its token, and attach that in the thread";
  if (value instanceof Handle) return `Cannot send the ${value.kind} ${value.name}: ${instead}`;
  if (value instanceof CompletionPort) return `Cannot send a port: ${instead}`;
  if (!(value instanceof NativeBuffer)) return null;
  return "Cannot send the buffer: native buffers go in plain objects and arrays, of at most 64 " +
    `objects, each there once; otherwise ${instead}`;
}

/** Everything that a structured clone of it takes along, if that may be an object. */
function partsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof Set) return value;
  if (ArrayBuffer.isView(value)) return [];
  return Object.values(value);
}
