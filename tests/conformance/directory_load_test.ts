import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type DirectoryChange, DirectoryHandle } from "../../mod.ts";
import { isLinux, isWindows, isWine, itUnless, startWorker, turn } from "./fixture.ts";
import { short, Watching } from "./watching.ts";
import type { MakeFiles } from "./workers/files.ts";

const FILES = 20_000;
/** How many of them may be made that have not been told of: fewer than fs.inotify.max_queued_events. */
const AHEAD = 8000;
const NAMES = ["fileName", "directoryName"] as const;

const unlessTold: string | false = isWine && "Wine loses changes and does not say so";
const unlessQueue: string | false = isWindows && "what Windows keeps depends on the buffer";

/** The last file that is made. */
const LAST = "zz-last";

/** What came of a run: how often each path was told as added, and whether changes were lost. */
interface Told {
  /** All that was made. */
  readonly made: string[];
  readonly counts: Map<string, number>;
  readonly isLost: boolean;
}

/** Watches while a thread makes files, until all were told or some were lost. */
async function watchFiles(folders: string[], count: number, oneByOne: boolean): Promise<Told> {
  const options = { filter: NAMES };
  using watching = new Watching(options, undefined, 1 << 20);
  watching.read();
  const paths = folders.map((folder) => folder === "" ? watching.root : watching.path(folder));
  const told = new Int32Array(new SharedArrayBuffer(4));
  const data: MakeFiles = { folders: paths, count, oneByOne, told, ahead: AHEAD };
  const made = startWorker<number>("files", data);
  const counts = new Map<string, number>();
  let isMade = false;
  made.finally(() => isMade = true).catch(() => {});
  let isLost = false;
  for (let isOver = false, isMarked = false; !isOver && !isLost;) {
    if (isMade && !isMarked) {
      watching.file(LAST);
      isMarked = true;
    }
    const packet = isMarked ? watching.take() : watching.port.get(20);
    if (packet === null) {
      await turn();
      continue;
    }
    const changes: DirectoryChange[] = DirectoryHandle.changes(packet);
    watching.read();
    for (const change of changes) {
      if (change.action === "overflow") isLost = true;
      else if (change.path === LAST) isOver = true;
      else if (change.action === "added") {
        counts.set(change.path, (counts.get(change.path) ?? 0) + 1);
      } else assert(isWindows && change.action === "modified", short(change));
    }
    tell(told, counts.size);
  }
  tell(told, Infinity);
  assertEquals(await made, folders.length * count);
  const files = folders.flatMap((folder) =>
    Array.from({ length: count }, (_, i) => join(folder, `f${i}`))
  );
  return { made: [...folders.filter((folder) => folder !== ""), ...files], counts, isLost };
}

/** So many have been told of: the thread that makes them may go on. */
function tell(told: Int32Array, count: number): void {
  Atomics.store(told, 0, Math.min(count, 0x7fffffff));
  Atomics.notify(told, 0);
}

function assertAllTold({ made, counts, isLost }: Told): void {
  if (isLost && !isLinux) return; // The promise is that it says so.
  assertEquals(isLost, false, "changes were lost");
  assertEquals(made.filter((path) => !counts.has(path)), [], "paths that nobody told of");
  assertEquals(counts.size, made.length);
  const doubled = [...counts].filter(([, count]) => count !== 1).map(([path]) => path);
  assertEquals(doubled, []);
}

describe("directory changes, many at once", () => {
  itUnless(unlessTold, `promise 2: ${FILES} files in one folder are all told, once`, async () => {
    assertAllTold(await watchFiles([""], FILES, true));
  });

  itUnless(
    unlessTold,
    `promise 2: ${FILES} files in 100 folders that are made meanwhile are all told, once`,
    async () => {
      const folders = Array.from({ length: 100 }, (_, i) => `folder-${i}`);
      assertAllTold(await watchFiles(folders, FILES / 100, true));
      assertAllTold(await watchFiles(folders, FILES / 500, false));
    },
  );

  itUnless(
    unlessTold,
    "promise 2: folders in folders, each filled at once",
    async () => {
      const folders: string[] = [];
      for (let chain = 0; chain < 40; chain++) {
        let path = `chain-${chain}`;
        for (let depth = 0; depth < 12; depth++) folders.push(path), path += `/${depth}`;
      }
      assertAllTold(await watchFiles(folders, 3, true));
    },
  );

  itUnless(
    unlessQueue,
    "promise 10: more than the system keeps: what was kept, then a record that says so",
    () => {
      using watching = new Watching({ filter: NAMES });
      watching.read();
      // fs.inotify.max_queued_events is 16,384 by default.
      for (let i = 0; i < 20_000; i++) watching.file(`f${i}`);
      mkdirSync(watching.path("late"));
      const changes = watching.until(({ action }) => action === "overflow");
      assertEquals(changes.pop(), { action: "overflow", path: "" });
      assert(changes.length > 1000);
      assertEquals(changes.map(short), changes.map((_, i) => `+f${i}`));
      // From then on all is told again, also in a folder whose making was lost.
      watching.file("late", "after");
      assertEquals(watching.settled(), ["+late/after"]);
    },
  );

  it("promise 10: a buffer with no room for one record: lost, and told again from then on", () => {
    using watching = new Watching({ filter: NAMES }, undefined, 16);
    watching.read();
    watching.file("a-name-with-no-room");
    const packet = watching.take();
    assertEquals([packet.bytesTransferred, packet.error], [0, null]);
    assertEquals(DirectoryHandle.changes(packet), [{ action: "overflow", path: "" }]);
    watching.read();
    watching.file("b");
    assertEquals(DirectoryHandle.changes(watching.take()).map(short), ["+b"]);
  });
});
