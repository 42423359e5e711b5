/**
 * The kinds of operations: what each is called, here and on Windows, and what
 * there is to read of it beside its count when its packet is taken.
 *
 * @module
 */

/** What an operation does. */
export type OperationKind =
  | "read"
  | "write"
  | "readScatter"
  | "writeGather"
  | "lock"
  | "readChanges"
  | "connect"
  | "transact"
  | "control"
  | "waitEvent"
  | "accept"
  | "disconnect"
  | "send"
  | "receive"
  | "sendTo"
  | "receiveFrom"
  | "sendMessage"
  | "receiveMessage"
  | "transmitFile";

interface Row {
  readonly kind: OperationKind;
  /** Microsoft's name of the function that starts it. */
  readonly call: string;
}

/** Every kind by its number, which the operation's place in the ledger holds. */
export const KINDS: readonly Row[] = [
  { kind: "read", call: "ReadFile" },
  { kind: "write", call: "WriteFile" },
  { kind: "readScatter", call: "ReadFileScatter" },
  { kind: "writeGather", call: "WriteFileGather" },
  { kind: "lock", call: "LockFileEx" },
  { kind: "readChanges", call: "ReadDirectoryChangesW" },
  { kind: "connect", call: "ConnectNamedPipe" },
  { kind: "transact", call: "TransactNamedPipe" },
  { kind: "control", call: "DeviceIoControl" },
  { kind: "waitEvent", call: "WaitCommEvent" },
  { kind: "accept", call: "AcceptEx" },
  { kind: "connect", call: "ConnectEx" },
  { kind: "disconnect", call: "DisconnectEx" },
  { kind: "send", call: "WSASend" },
  { kind: "receive", call: "WSARecv" },
  { kind: "sendTo", call: "WSASendTo" },
  { kind: "receiveFrom", call: "WSARecvFrom" },
  { kind: "sendMessage", call: "WSASendMsg" },
  { kind: "receiveMessage", call: "WSARecvMsg" },
  { kind: "transmitFile", call: "TransmitFile" },
];

/** The number of the kind that Microsoft's function `call` starts. */
export function kindOf(call: string): number {
  return KINDS.findIndex((row) => row.call === call);
}

/**
 * Reads what the kernel has left beside the count: in the operation's room for
 * results at `result`, or in its annex at `annex`, 0 if it has none. Both are
 * given back right after. `isDone`: the operation has not failed, or only because there
 * was more than it had room for (234).
 */
export type ResultReader = (
  result: number,
  annex: number,
  bytes: number,
  isDone: boolean,
) => unknown;

const readers: (ResultReader | undefined)[] = KINDS.map(() => undefined);

/** Has `read` called for every packet of an operation of this kind, by the thread that takes it. */
export function readResultsOf(index: number, read: ResultReader): void {
  readers[index] = read;
}

/** Gives back what a reader has found, of a packet that goes to nobody. */
export type ResultDropper = (result: unknown) => void;

const droppers: (ResultDropper | undefined)[] = KINDS.map(() => undefined);

/** Has `drop` called for every packet of an operation of this kind that nobody is given. */
export function dropResultsOf(index: number, drop: ResultDropper): void {
  droppers[index] = drop;
}

/** The dropper of this kind, if it has one. */
export function dropperOf(index: number): ResultDropper | undefined {
  return droppers[index];
}

/** The reader of this kind, if it has one. */
export function readerOf(index: number): ResultReader | undefined {
  return readers[index];
}

/** Says where an operation with this annex was to go; "" if nowhere but where its handle does. */
export type TargetNamer = (annex: number) => string;

const namers: (TargetNamer | undefined)[] = KINDS.map(() => undefined);

/** Has the errors of every operation of this kind say where it was to go. */
export function nameTargetsOf(index: number, name: TargetNamer): void {
  namers[index] = name;
}

/** Where an operation of this kind with this annex was to go; "" if nothing is known. */
export function targetOf(index: number, annex: number): string {
  return namers[index]?.(annex) ?? "";
}
