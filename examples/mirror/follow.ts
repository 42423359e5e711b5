/**
 * Following the changes of a folder.
 *
 * @module
 */

import { mkdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import {
  CompletionPort,
  type DirectoryChange,
  DirectoryHandle,
  NativeBuffer,
  Win32Error,
} from "../../mod.ts";
import { reasonOf, shown } from "../file-copy/failure.ts";
import type { Interrupts } from "../program/interrupts.ts";
import type { Screen } from "../program/screen.ts";
import type { MirrorOptions } from "./arguments.ts";
import { type Log, Replica } from "./replica.ts";

/** Windows keeps as many changes between two reads as the buffer holds. */
const BUFFER_BYTES = 1 << 20;
/** How long a wait lasts before Ctrl-C is looked for. */
const PATIENCE_MS = 100;

const READ = {
  filter: ["fileName", "directoryName", "size", "lastWrite", "attributes"],
} as const;

/** It cannot begin or go on; the message is the line to print. */
export class MirrorFailure extends Error {
  override readonly name = "MirrorFailure";
}

/** Makes the target equal to the source and keeps it so. Returns whether all of it could be. */
export async function mirror(
  source: string,
  target: string,
  { once, quiet }: MirrorOptions,
  screen: Screen,
  interrupts: Interrupts,
): Promise<boolean> {
  const [from, to] = placesOf(source, target);
  let failures = 0;
  const log: Log = {
    done: (line) => quiet || screen.print(line),
    failed(line): void {
      failures++;
      screen.complain(line);
    },
  };
  const replica = new Replica(from, to, log);
  if (once) {
    replica.equal("");
    return failures === 0;
  }
  await turn(); // Signals are listened for from the next one on.
  using port = new CompletionPort();
  using directory = DirectoryHandle.open(from);
  using buffer = NativeBuffer.allocate(BUFFER_BYTES);
  port.associate(directory, 1);
  // Watched first and compared then, so that nothing can happen in between.
  directory.readChanges(buffer, READ);
  replica.equal("");
  if (!quiet) screen.print(`watching ${shown(from)}`);
  for (;;) {
    const packet = port.get(PATIENCE_MS);
    await turn(); // Signals are seen by the event loop.
    interrupts.check();
    if (packet === null) continue;
    const changes = changesOf(() => DirectoryHandle.changes(packet), from);
    directory.readChanges(buffer, READ);
    if (changes[0].action === "overflow" && !quiet) {
      screen.print("changes were lost: comparing all");
    }
    follow(replica, changes);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function changesOf(read: () => DirectoryChange[], from: string): DirectoryChange[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    const isGone = error.code === 5 && statSync(from, { throwIfNoEntry: false }) === undefined;
    const reason = isGone ? "it was deleted" : reasonOf(error);
    throw new MirrorFailure(`cannot watch ${shown(from)} any longer: ${reason}`);
  }
}

/** Each path once, in the order in which they were first told of. */
function follow(replica: Replica, changes: readonly DirectoryChange[]): void {
  const seen = new Set<string>();
  for (const { action, path, oldPath } of changes) {
    if (oldPath !== undefined) {
      replica.rename(oldPath, path);
      seen.delete(oldPath);
      seen.delete(path);
    } else if (action === "overflow") replica.equal("");
    else if (!seen.has(path)) replica.equal(path, action === "modified");
    if (action === "added" || action === "modified") seen.add(path);
  }
}

/** Both as the system calls them, so that one within the other is noticed. */
function placesOf(source: string, target: string): readonly [from: string, to: string] {
  let from: string;
  let to: string;
  try {
    from = realpathSync(source);
    if (!statSync(from).isDirectory()) throw new Error("it is no folder");
  } catch (error) {
    throw new MirrorFailure(`cannot watch ${shown(source)}: ${reasonOf(error)}`);
  }
  try {
    if (statSync(target, { throwIfNoEntry: false }) === undefined) {
      const parent = realpathSync(dirname(target));
      to = join(parent, basename(target));
      refuseWithin(from, to, source, target);
      mkdirSync(to);
    } else {
      to = realpathSync(target);
      if (!statSync(to).isDirectory()) throw new Error("it is no folder");
      refuseWithin(from, to, source, target);
    }
  } catch (error) {
    if (error instanceof MirrorFailure) throw error;
    throw new MirrorFailure(`cannot write to ${shown(target)}: ${reasonOf(error)}`);
  }
  return [from, to];
}

function refuseWithin(from: string, to: string, source: string, target: string): void {
  if (!isWithin(from, to) && !isWithin(to, from)) return;
  throw new MirrorFailure(
    `cannot mirror ${shown(source)} to ${shown(target)}: one is the other or lies in it`,
  );
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || way !== ".." && !way.startsWith(`..${sep}`) && !/^[A-Za-z]:/.test(way);
}
