/**
 * The same work done at each layer of the library. This scenario looks below `mod.ts`, because
 * the layers are what it is about.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { CompletionPort, FileHandle, NativeBuffer } from "../../../mod.ts";
import { READ, startOperation } from "../../../src/core/start.ts";
import * as codes from "../../../src/system/system.ts";
import { libc } from "../../../src/ffi/libc.ts";
import { CompletionEntries, system } from "../../../src/system/system.ts";
import { makeFile, runFolder } from "../../files.ts";
import { LeftOut } from "../../scenario.ts";

/** Packets or reads in flight. */
export const DEPTH = 32;
const BLOCK = 4096;
const FILE_BYTES = 16 << 20;
const BLOCKS = FILE_BYTES / BLOCK;
const OVERLAPPED_BYTES = 32;

/** One layer's way to do the work. */
export interface Layer {
  /** Does it `DEPTH` times. */
  turn(): void;
  close(): void;
}

/** `CompletionPort.post` and `getMany`. */
export function postByCore(): Layer {
  const port = new CompletionPort({ concurrency: 1 });
  return {
    turn(): void {
      for (let i = 0; i < DEPTH; i++) port.post({ key: i });
      if (port.getMany(DEPTH).length !== DEPTH) throw new Error("Packets are missing");
    },
    close: () => port.close(),
  };
}

/** `postQueuedCompletionStatus` and `getQueuedCompletionStatusEx` of the system. */
export function postBySystem(): Layer {
  const port = system.createIoCompletionPort(codes.INVALID_HANDLE_VALUE, 0, 0, 1).value;
  const { entries, free } = roomFor(DEPTH);
  return {
    turn(): void {
      for (let i = 0; i < DEPTH; i++) system.postQueuedCompletionStatus(port, 0, i, 0);
      system.getQueuedCompletionStatusEx(port, entries, DEPTH, Infinity);
      if (entries.removed !== DEPTH) throw new Error("Packets are missing");
    },
    close(): void {
      system.closeHandle(port);
      free();
    },
  };
}

function roomFor(count: number): { entries: CompletionEntries; free: () => void } {
  const bytes = count * OVERLAPPED_BYTES;
  const address = system.virtualAlloc(bytes).value;
  const entries = new CompletionEntries(address, count);
  return { entries, free: () => void system.virtualFree(address, bytes) };
}

/** A foreign call that does next to nothing, on Linux. */
export function foreignCall(): Layer {
  if (system.name !== "linux") throw new LeftOut("the function is Linux's own");
  const { __errno_location: call } = libc();
  return {
    turn(): void {
      for (let i = 0; i < DEPTH; i++) call();
    },
    close() {},
  };
}

/** The file that is read. */
export function overheadFile(): string {
  const path = join(runFolder(), "overhead.bin");
  return existsSync(path) ? path : makeFile(path, FILE_BYTES);
}

/** A port with a file, as the public API has it. */
class Opened {
  readonly port: CompletionPort = new CompletionPort({ concurrency: 1 });
  readonly file: FileHandle = FileHandle.open(overheadFile());
  readonly buffer: NativeBuffer = NativeBuffer.allocate(DEPTH * BLOCK);
  readonly parts: readonly NativeBuffer[] = Array.from(
    { length: DEPTH },
    (_, i) => this.buffer.subarray(i * BLOCK, (i + 1) * BLOCK),
  );
  #next = 0;

  constructor() {
    this.port.associate(this.file, 1);
  }

  /** Starts reads by `start` together, and takes them. */
  turn(start: (part: NativeBuffer, offset: number, tag: number) => void): void {
    this.port.batch(() => {
      for (let i = 0; i < DEPTH; i++) {
        this.#next = (this.#next + 977) % BLOCKS;
        start(this.parts[i], this.#next * BLOCK, i);
      }
    });
    for (let taken = 0; taken < DEPTH;) taken += this.port.getMany(DEPTH).length;
  }

  close(): void {
    this.file.close();
    this.buffer.free();
    this.port.close();
  }
}

/** `FileHandle.read`. */
export function readByHandle(): Layer {
  const opened = new Opened();
  const { file } = opened;
  return {
    turn: () => opened.turn((part, offset, tag) => void file.read(part, offset, tag)),
    close: () => opened.close(),
  };
}

/** `startOperation` of the core. */
export function readByCore(): Layer {
  const opened = new Opened();
  const { file } = opened;
  return {
    turn: () =>
      opened.turn((part, offset, tag) => void startOperation(READ, file, part, offset, tag)),
    close: () => opened.close(),
  };
}

/** `readFile` and `getQueuedCompletionStatusEx` of the system. */
export function readBySystem(): Layer {
  const open = system.createFile(
    overheadFile(),
    codes.GENERIC_READ,
    codes.FILE_SHARE_READ,
    codes.OPEN_EXISTING,
    codes.FILE_FLAG_OVERLAPPED,
    0,
  );
  if (open.code !== 0) throw new Error(`The file cannot be opened: ${open.code}`);
  const file = open.value;
  const port = system.createIoCompletionPort(codes.INVALID_HANDLE_VALUE, 0, 0, 1).value;
  system.createIoCompletionPort(file, port, 1, 0);
  const bytes = DEPTH * (BLOCK + OVERLAPPED_BYTES);
  const memory = system.virtualAlloc(bytes).value;
  const overlappeds = memory + DEPTH * BLOCK;
  // The OVERLAPPEDs as words: the offset is the third.
  const words = new CompletionEntries(overlappeds, DEPTH).words;
  const { entries, free } = roomFor(DEPTH);
  let next = 0;
  return {
    turn(): void {
      system.gatherOperations();
      for (let i = 0; i < DEPTH; i++) {
        next = (next + 977) % BLOCKS;
        words[i * 8 + 4] = next * BLOCK;
        system.readFile(file, memory + i * BLOCK, BLOCK, overlappeds + i * OVERLAPPED_BYTES);
      }
      system.submitOperations();
      for (let taken = 0; taken < DEPTH; taken += entries.removed) {
        system.getQueuedCompletionStatusEx(port, entries, DEPTH, Infinity);
      }
    },
    close(): void {
      system.closeHandle(file);
      system.closeHandle(port);
      system.virtualFree(memory, bytes);
      free();
    },
  };
}
