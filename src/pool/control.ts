/**
 * What the owner of a pool and its threads say to each other.
 *
 * **Control packets** go through the port. They are told by their overlapped, which
 * lies in this module's own memory and which `CompletionPort.post` refuses, so that
 * all keys are the user's. **Messages** carry what needs no speed: that a thread
 * begins, that it has ended, what went wrong. No message is on the way of a packet
 * or of a small result.
 *
 * @module
 */

import type { BufferToken } from "../core/buffer.ts";
import type { PortToken } from "../core/port.ts";
import type { OperationKind } from "../core/kinds.ts";
import type { ErrorParts } from "./errors.ts";

/** The thread that takes it ends. One packet for each thread that is to end. */
export const CONTROL_STOP = 0;
/** There are tasks: the thread that takes it runs them until none is left. */
export const CONTROL_ERRAND = 1;
/** The thread that takes it answers in the task slot that the key names. */
export const CONTROL_PING = 2;

/** What a thread is sent once its module has called `serve`. */
export interface Begin {
  readonly pool: "begin";
  readonly index: number;
  readonly name: string;
  readonly board: BufferToken;
  readonly port: PortToken;
  readonly data: unknown;
  /** Where to note what the thread does; `null` if nobody wants to know. */
  readonly trace: BufferToken | null;
  /** One word, changed and notified when the owner is to look for results. */
  readonly signal: Int32Array<SharedArrayBuffer>;
}

/** A task that a thread is running has been asked to end. */
export interface Abort {
  readonly pool: "abort";
  readonly slot: number;
  readonly life: number;
  readonly reason: unknown;
  /** Whether `reason` is left out, because it cannot be sent. */
  readonly hasReason: boolean;
}

/** What the owner says. */
export type ToThread = Begin | Abort;

/** A packet, as far as a message can carry it. */
export interface PacketParts {
  readonly key: number;
  readonly bytesTransferred: number;
  readonly overlapped: number;
  readonly operation: { kind: OperationKind; offset: number; tag: number } | null;
  readonly error: ErrorParts | null;
}

/** The module has called `serve`. */
export interface Called {
  readonly pool: "called";
}

/** `start` is done, and the thread takes packets. */
export interface Serving {
  readonly pool: "serving";
}

/** The thread could not be started, and ends. */
export interface Failed {
  readonly pool: "failed";
  readonly error: ErrorParts;
}

/** A handler has failed. The thread goes on. */
export interface Fault {
  readonly pool: "fault";
  readonly error: ErrorParts;
  readonly packet: PacketParts | null;
}

/** The thread has taken its stop packet, is done, and ends. */
export interface Stopped {
  readonly pool: "stopped";
}

/** What a thread says. */
export type FromThread = Called | Serving | Failed | Fault | Stopped;

/** Whether `value` is a message of ours, and not one that the user's own code sends. */
export function isMessage(value: unknown): value is ToThread | FromThread {
  return typeof value === "object" && value !== null &&
    typeof (value as { pool?: unknown }).pool === "string";
}

/** The part of a Worker's global scope that is used here. */
export interface Scope {
  postMessage(message: FromThread): void;
  addEventListener(type: "message", listener: (event: MessageEvent<unknown>) => void): void;
}

/** The scope of the calling thread, which is a Worker's if this is asked for rightly. */
export const scope = globalThis as unknown as Scope;

/** Lets the calling thread's event loop have a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTurn(resolve));
}

let immediate: ((work: () => void) => void) | undefined;

/** Calls `work` in the event loop's next turn. */
export function setTurn(work: () => void): void {
  immediate ??= findImmediate();
  immediate(work);
}

/** Looked for when it is needed first: Deno begins its Node part for it, which takes a thread 10 ms. */
function findImmediate(): (work: () => void) => void {
  return (globalThis as { setImmediate?: (work: () => void) => void }).setImmediate ??
    ((work) => void setTimeout(work, 0));
}
