/**
 * Values of tasks, arguments and results, in the memory that owner and threads
 * share: in the task's slot where they are small, else in native memory of their
 * own. They are structured clones; native buffers in them are the same memory.
 *
 * @module
 */

import { NativeBuffer } from "../core/buffer.ts";
import { dropBuffer } from "../core/holds.ts";
import { deserialize, serialize } from "../core/node.ts";
import { type Board, S_FORM, S_LENGTH, S_VALUE, VALUE_BYTES } from "./board.ts";
import { checkSendable } from "./sendable.ts";
import { TreeReader, TreeWriter } from "./tree.ts";

const UNDEFINED = 0;
const NULL = 1;
const TRUE = 2;
const FALSE = 3;
const NUMBER = 4;
/** Doubles, one behind the other. */
const NUMBERS = 5;
/** A short string, a byte a character. */
const LATIN = 6;
/** What `TreeWriter` has written. */
const TREE = 7;
/** What the runtime's serializer has written. */
const CLONE = 8;
/** Added to the form of a value that lies in native memory of its own. */
const ELSEWHERE = 16;

const MAX_NUMBERS = VALUE_BYTES / 8;

const writer: TreeWriter = new TreeWriter();
const NO_BUFFERS: readonly NativeBuffer[] = [];

/**
 * Writes `value` to the slot whose first word is `slot`. Returns the native buffers
 * in it, each kept once more until `dropBuffers`.
 *
 * @throws {DOMException} `DataCloneError` if it cannot be cloned.
 */
export function writeValue(board: Board, slot: number, value: unknown): readonly NativeBuffer[] {
  const { words, doubles } = board;
  switch (typeof value) {
    case "number":
      words[slot + S_FORM] = NUMBER;
      doubles[slot + S_VALUE >> 1] = value;
      return NO_BUFFERS;
    case "undefined":
      words[slot + S_FORM] = UNDEFINED;
      return NO_BUFFERS;
    case "boolean":
      words[slot + S_FORM] = value ? TRUE : FALSE;
      return NO_BUFFERS;
    case "string":
      if (writeLatin(board, slot, value)) return NO_BUFFERS;
      break;
    case "object":
      if (value === null) {
        words[slot + S_FORM] = NULL;
        return NO_BUFFERS;
      }
      if (Array.isArray(value) && writeNumbers(board, slot, value)) return NO_BUFFERS;
  }
  return writeBytes(board, slot, value);
}

function writeNumbers(board: Board, slot: number, value: unknown[]): boolean {
  const { words, doubles } = board;
  const { length } = value;
  if (length > MAX_NUMBERS) return false;
  const at = slot + S_VALUE >> 1;
  for (let i = 0; i < length; i++) {
    const number = value[i];
    if (typeof number !== "number") return false;
    doubles[at + i] = number;
  }
  words[slot + S_FORM] = NUMBERS;
  words[slot + S_LENGTH] = length;
  return true;
}

function writeLatin(board: Board, slot: number, value: string): boolean {
  const { words, bytes } = board;
  const { length } = value;
  if (length > VALUE_BYTES) return false;
  const at = (slot + S_VALUE) * 4;
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i);
    if (unit > 255) return false;
    bytes[at + i] = unit;
  }
  words[slot + S_FORM] = LATIN;
  words[slot + S_LENGTH] = length;
  return true;
}

function writeBytes(board: Board, slot: number, value: unknown): readonly NativeBuffer[] {
  const tree = writer.write(value);
  const bytes = tree ?? clone(value);
  const buffers = tree === null ? NO_BUFFERS : [...writer.buffers];
  const { words } = board;
  const form = tree === null ? CLONE : TREE;
  words[slot + S_LENGTH] = bytes.length;
  if (bytes.length <= VALUE_BYTES) {
    board.bytes.set(bytes, (slot + S_VALUE) * 4);
    words[slot + S_FORM] = form;
    return buffers;
  }
  const { memory, place, generation } = allocate(bytes, buffers);
  memory.bytes.set(bytes);
  words[slot + S_VALUE] = place;
  words[slot + S_VALUE + 1] = generation;
  words[slot + S_FORM] = form + ELSEWHERE;
  return buffers;
}

function allocate(
  bytes: Uint8Array,
  buffers: readonly NativeBuffer[],
): { memory: NativeBuffer; place: number; generation: number } {
  try {
    const memory = NativeBuffer.allocate(bytes.length);
    const { place, generation } = memory.token;
    return { memory, place, generation };
  } catch (error) {
    dropBuffers(buffers);
    throw error;
  }
}

/** Gives back what `writeValue` has kept. */
export function dropBuffers(buffers: readonly NativeBuffer[]): void {
  for (const { place } of buffers) dropBuffer(place);
}

function clone(value: unknown): Uint8Array {
  checkSendable(value);
  try {
    return serialize(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DOMException(`Cannot send the value: ${reason}`, "DataCloneError");
  }
}

/** A value that was read, and the native buffers in it, which are attached here. */
export interface ReadValue {
  readonly value: unknown;
  readonly buffers: readonly NativeBuffer[];
}

/** Reads the value of a slot where it has one of the forms that need no more than the slot. */
function readSmall(board: Board, slot: number, form: number): unknown {
  const { words, doubles, bytes } = board;
  switch (form) {
    case NULL:
      return null;
    case TRUE:
      return true;
    case FALSE:
      return false;
    case NUMBER:
      return doubles[slot + S_VALUE >> 1];
    case NUMBERS: {
      const at = slot + S_VALUE >> 1;
      const numbers: number[] = [];
      for (let i = 0; i < words[slot + S_LENGTH]; i++) numbers.push(doubles[at + i]);
      return numbers;
    }
    case LATIN: {
      const at = (slot + S_VALUE) * 4;
      return String.fromCharCode(...bytes.subarray(at, at + words[slot + S_LENGTH]));
    }
    default:
      return undefined;
  }
}

/** Whether the value of a slot is read by `readPlain` alone. */
export function isPlain(board: Board, slot: number): boolean {
  return board.words[slot + S_FORM] < TREE;
}

/** Reads a value for which `isPlain`. It has no native buffers. */
export function readPlain(board: Board, slot: number): unknown {
  return readSmall(board, slot, board.words[slot + S_FORM]);
}

/** Reads the value of a slot. Memory of its own that it lies in is given back by `forgetValue`. */
export function readValue(board: Board, slot: number): ReadValue {
  const form = board.words[slot + S_FORM];
  if ((form & ELSEWHERE) === 0) return readForm(board, slot, form);
  const { words } = board;
  using memory = NativeBuffer.attach({
    kind: "iocp.buffer",
    place: words[slot + S_VALUE],
    generation: words[slot + S_VALUE + 1],
    byteOffset: 0,
    byteLength: words[slot + S_LENGTH],
  });
  return readFrom(memory.bytes, form - ELSEWHERE);
}

function readForm(board: Board, slot: number, form: number): ReadValue {
  if (form < TREE) return { value: readSmall(board, slot, form), buffers: NO_BUFFERS };
  const at = (slot + S_VALUE) * 4;
  return readFrom(board.bytes.subarray(at, at + board.words[slot + S_LENGTH]), form);
}

function readFrom(bytes: Uint8Array<ArrayBuffer>, form: number): ReadValue {
  // The deserializer may keep what it is given: it gets a copy of its own.
  if (form === CLONE) return { value: deserialize(bytes.slice()), buffers: NO_BUFFERS };
  const reader = new TreeReader(bytes);
  return { value: reader.read(), buffers: reader.buffers };
}

/** Gives back the memory that the value of a slot lies in, if it has some of its own. */
export function forgetValue(board: Board, slot: number): void {
  const { words } = board;
  if ((words[slot + S_FORM] & ELSEWHERE) === 0) return;
  words[slot + S_FORM] = UNDEFINED;
  dropBuffer(words[slot + S_VALUE]);
}
