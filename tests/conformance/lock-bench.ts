/**
 * What the tests of locks share.
 *
 * @module
 */

import { assertThrows } from "@std/assert";
import { CompletionPort, FileHandle, type LockOptions, Win32Error } from "../../mod.ts";
import { Folder } from "./fixture.ts";

/** The range of most tests. */
export const TEN: LockOptions = { offset: 0, length: 10 };
/** It, shared. */
export const SHARED: LockOptions = { ...TEN, shared: true };
/** It, at once or not at all. */
export const NOW: LockOptions = { ...TEN, failImmediately: true };

/** A port and as many handles of one file on it as are asked for, with keys from 1 on. */
export class Bench {
  readonly folder: Folder = new Folder();
  readonly path: string = this.folder.file("data.bin", "0123456789");
  readonly port: CompletionPort = new CompletionPort();
  readonly files: FileHandle[] = [];

  constructor(count = 2) {
    for (let key = 1; key <= count; key++) this.open(key);
  }

  open(key: number, options = { read: true, write: true }): FileHandle {
    const file = FileHandle.open(this.path, options);
    this.port.associate(file, key);
    this.files.push(file);
    return file;
  }

  /** The tags and codes of the packets that are there, in their order. */
  taken(): [tag: number, code: number][] {
    return this.port.getMany(1024, 0).map(({ operation, error }) => [
      operation!.tag,
      error?.code ?? 0,
    ]);
  }

  /** The tag and code of the packet that comes next. */
  next(): [tag: number, code: number] {
    const { operation, error } = this.port.get()!;
    return [operation!.tag, error?.code ?? 0];
  }

  [Symbol.dispose](): void {
    for (const file of this.files) file.close();
    this.port.close();
    this.folder[Symbol.dispose]();
  }
}

/** The code that `work` throws. */
export function codeOf(work: () => void): number {
  return assertThrows(work, Win32Error).code;
}
