/**
 * What the tests of directory changes share: a folder that is watched, and the records that come.
 *
 * @module
 */

import { assert } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CompletionPort,
  type DirectoryChange,
  DirectoryHandle,
  NativeBuffer,
  type Packet,
  type ReadChangesOptions,
} from "../../mod.ts";
import { Folder } from "./fixture.ts";

/** How long a packet may take that comes soon or never: the test has failed then. */
const HANGS_AFTER_MS = 30_000;

/** The name of a file that is made to mark the end of what a test has done. */
const END = "zz-end";

/** A folder, and a handle that watches it. */
export class Watching {
  readonly folder: Folder = new Folder();
  readonly root: string = this.folder.path("watched");
  readonly port: CompletionPort = new CompletionPort();
  readonly handle: DirectoryHandle;
  readonly buffer: NativeBuffer;
  readonly #options: ReadChangesOptions;
  #marks = 0;

  /** `before` makes what is there before it is watched; a read is not started. */
  constructor(
    options: ReadChangesOptions = {},
    before: (root: string) => void = () => {},
    byteLength = 65_536,
  ) {
    this.#options = options;
    mkdirSync(this.root);
    before(this.root);
    this.handle = DirectoryHandle.open(this.root);
    this.buffer = NativeBuffer.allocate(byteLength);
    this.port.associate(this.handle, 1);
  }

  /** The path of something in the folder. */
  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** Makes a file in it, with folders on the way already there. */
  file(...names: string[]): void {
    writeFileSync(this.path(...names), "");
  }

  /** Starts a read. */
  read(tag = 0): void {
    this.handle.readChanges(this.buffer, this.#options, tag);
  }

  /** The next packet. */
  take(): Packet {
    const packet = this.port.get(HANGS_AFTER_MS);
    assert(packet !== null, "no packet has come");
    return packet;
  }

  /** The records of the next packet; another read is started behind it. */
  next(): DirectoryChange[] {
    const changes = DirectoryHandle.changes(this.take());
    this.read();
    return changes;
  }

  /** All records until the one for which `isLast` holds, a read being under way. */
  until(isLast: (change: DirectoryChange) => boolean): DirectoryChange[] {
    const all: DirectoryChange[] = [];
    for (;;) {
      all.push(...this.next());
      if (all.some(isLast)) return all;
    }
  }

  /**
   * Makes a last file and returns the records of everything before it, in short. Windows also
   * tells that a folder was written to when something in it comes or goes, which is left out.
   */
  settled(isFolder: (path: string) => boolean = () => false): string[] {
    const name = `${END}-${this.#marks++}`;
    this.file(name);
    return this.until(({ action, path }) => action === "overflow" || path === name)
      .filter(({ action, path }) =>
        !path.startsWith(END) && !(action === "modified" && isFolder(path))
      )
      .map(short);
  }

  [Symbol.dispose](): void {
    this.handle.close();
    this.port.close();
    this.buffer.free();
    this.folder[Symbol.dispose]();
  }
}

/** A record in a few characters, with slashes: `+a`, `-a`, `~a`, `a>b`, `!`. */
export function short({ action, path, oldPath }: DirectoryChange): string {
  const to = path.replaceAll("\\", "/");
  if (action === "renamed") return `${oldPath?.replaceAll("\\", "/")}>${to}`;
  return { added: "+", removed: "-", modified: "~", overflow: "!" }[action] + to;
}
