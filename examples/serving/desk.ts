/**
 * A thread of a server: its sockets and their memory, how clients come, and how they go.
 *
 * @module
 */

import {
  type HandleToken,
  NativeBuffer,
  type Packet,
  type PoolThread,
  SocketHandle,
  Win32Error,
} from "../../src/pool/thread.ts";
import { Table, type TableData } from "./table.ts";

/** A connection that the owner has closed, before this thread has used it. */
class ClosedByOwner extends Error {}

/** What a thread has of the server's connections. */
export class Desk {
  readonly table: Table;
  readonly #thread: PoolThread;
  readonly #data: TableData;
  readonly #listener: SocketHandle;
  readonly #memory: NativeBuffer;
  /** By slot, as far as this thread has needed them. */
  readonly #sockets: (SocketHandle | undefined)[];
  readonly #tokens: (HandleToken | undefined)[];
  readonly #memories: (NativeBuffer | undefined)[];

  /** The desk of a thread that was handed `data`. */
  constructor(thread: PoolThread, data: TableData) {
    this.#thread = thread;
    this.#data = data;
    this.table = new Table(data.words);
    this.#listener = SocketHandle.attach(data.listener);
    this.#memory = NativeBuffer.attach(data.memory);
    this.#sockets = Array(this.table.length).fill(undefined);
    this.#tokens = Array(this.table.length).fill(undefined);
    this.#memories = Array(this.table.length).fill(undefined);
  }

  /** All memory of a slot. */
  memory(slot: number): NativeBuffer {
    const { byteLength } = this.#data;
    return this.#memories[slot] ??= this.#memory.subarray(
      slot * byteLength,
      (slot + 1) * byteLength,
    );
  }

  /** The socket of a slot, which is this thread's for the moment. */
  socket(slot: number): SocketHandle {
    const known = this.#tokens[slot];
    if (known !== undefined && this.table.isSocket(slot, known)) return this.#sockets[slot]!;
    const token = this.table.token(slot);
    this.#tokens[slot] = undefined;
    try {
      this.#sockets[slot] = SocketHandle.attach(token);
    } catch (error) {
      if (error instanceof TypeError) throw new ClosedByOwner();
      throw error;
    }
    this.#tokens[slot] = token;
    return this.#sockets[slot];
  }

  /**
   * An operation of a connection could not be started: parts with the client. That is expected if the
   * owner has closed the socket, or if there is no room for an operation or a file more;
   * any other `error` is thrown again.
   */
  giveUp(slot: number, error: unknown): void {
    this.end(slot);
    const isExpected = error instanceof Win32Error || error instanceof RangeError ||
      error instanceof ClosedByOwner;
    if (!isExpected) throw error;
  }

  /**
   * Takes in the client that the packet of an accept has brought. Returns its slot; -1 if it has gone
   * again, or the server is closing.
   */
  receive({ operation, error }: Packet): number {
    const slot = operation!.tag;
    if (error !== null || this.table.isClosing) {
      this.end(slot);
    } else {
      this.#thread.port.associate(this.socket(slot), slot);
      this.table.open(slot);
    }
    acceptNext(this.#listener, this.table, this.#data.family);
    return error === null && !this.table.isClosing ? slot : -1;
  }

  /** Parts with the slot's client. */
  end(slot: number): void {
    try {
      this.socket(slot).close();
    } catch (error) {
      if (!(error instanceof ClosedByOwner)) throw error;
    }
    this.table.release(slot);
    if (this.table.takeOwed()) acceptNext(this.#listener, this.table, this.#data.family);
  }

  /** The thread ends. */
  [Symbol.dispose](): void {
    this.#memory.free();
  }
}

/** Waits for one client more; if there is no room for it, when there is, and returns false. */
export function acceptNext(
  listener: SocketHandle,
  table: Table,
  family: "ipv4" | "ipv6",
): boolean {
  if (table.isClosing) return false;
  const slot = table.take();
  if (slot < 0) return table.owe();
  let socket: SocketHandle | null = null;
  try {
    socket = SocketHandle.tcp({ family, noDelay: true });
    table.setToken(slot, socket.token);
    listener.accept(socket, slot);
    return true;
  } catch (error) {
    socket?.close();
    table.release(slot);
    if (!isForNow(error)) throw error;
    return table.owe();
  }
}

/** The listener was closed just now, or there is no room for another socket or operation. */
const FOR_NOW: readonly number[] = [4, 6, 1450, 10024, 10055];

function isForNow(error: unknown): boolean {
  // Of a limit of the module's own.
  return error instanceof RangeError ||
    error instanceof Win32Error && FOR_NOW.includes(error.code);
}
