import { assert, assertEquals } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type DirectoryChange, DirectoryHandle } from "../../mod.ts";
import { isLinux, isWine, itUnless, startWorker, turn } from "./fixture.ts";
import { chooseSeed, randomFrom } from "./random.ts";
import { Watching } from "./watching.ts";
import type { Churn } from "./workers/churn.ts";

const unlessSteady: string | false = isWine &&
  "Wine watches no folder that was there before, and keeps old names";
const unlessTold: string | false = unlessSteady ||
  !isLinux && "Windows does not tell what is in a folder that was moved";

/** The last change of all. */
const LAST = "zz-last";

/**
 * The paths of a tree, as somebody knows them who reads of changes. A folder that is added begins
 * empty. What is in it: one who looks sees it there, one who only reads waits to be told. After an
 * overflow that one has looked while the tree changed, and renames from before that may still
 * come: from then on it looks too.
 */
class Replica {
  readonly #root: string;
  #looks: boolean;
  readonly #paths: Set<string> = new Set();

  constructor(root: string, looks: boolean) {
    this.#root = root;
    this.#looks = looks;
    this.#look("");
  }

  /** Adds the path, and all that is in it. What has gone again is told later. */
  #look(path: string): void {
    if (path !== "") this.#paths.add(path);
    try {
      if (!lstatSync(join(this.#root, path)).isDirectory()) return;
      for (const name of readdirSync(join(this.#root, path))) this.#look(join(path, name));
    } catch (error) {
      assert(error instanceof Error && "code" in error, String(error));
    }
  }

  #add(path: string): void {
    this.#remove(path);
    if (this.#looks) this.#look(path);
    else this.#paths.add(path);
  }

  /** Removes the path and all that is in it. Returns what was. */
  #remove(path: string): string[] {
    const within = [...this.#paths].filter((other) =>
      other === path || other.startsWith(join(path, "/"))
    );
    for (const other of within) this.#paths.delete(other);
    return within;
  }

  #rename(oldPath: string, path: string): void {
    const moved = this.#remove(oldPath);
    this.#add(path);
    if (this.#looks) return;
    for (const other of moved) this.#paths.add(path + other.slice(oldPath.length));
  }

  apply({ action, path, oldPath }: DirectoryChange): void {
    if (action === "added") this.#add(path);
    else if (action === "removed") this.#remove(path);
    else if (action === "renamed") {
      if (oldPath === undefined) this.#add(path);
      else this.#rename(oldPath, path);
    } else if (action === "overflow") {
      this.#looks = true;
      this.#paths.clear();
      this.#look("");
    }
  }

  get paths(): string[] {
    return [...this.#paths].sort();
  }
}

/** So many threads change a tree at random while it is watched; what was told leads to what is there. */
async function churn(
  threads: number,
  rounds: number,
  byteLength: number,
  looks: boolean,
): Promise<void> {
  const seed = chooseSeed(`${threads} threads change a tree`);
  const random = randomFrom(seed);
  const filter = ["fileName", "directoryName"] as const;
  using watching = new Watching(
    { filter },
    (root) => mkdirSync(join(root, "a", "b"), { recursive: true }),
    byteLength,
  );
  const outside = watching.folder.path("outside");
  mkdirSync(outside);
  const replica = new Replica(watching.root, looks);
  watching.read();
  let running = threads;
  const workers = Array.from({ length: threads }, () => {
    const data: Churn = { root: watching.root, outside, seed: random(2 ** 31), rounds };
    return startWorker("churn", data).finally(() => running--);
  });
  for (let isOver = false, isMarked = false; !isOver;) {
    if (running === 0 && !isMarked) {
      watching.file(LAST);
      isMarked = true;
    }
    const packet = isMarked ? watching.take() : watching.port.get(5);
    if (packet !== null) {
      const changes = DirectoryHandle.changes(packet);
      watching.read();
      changes.forEach((change) => replica.apply(change));
      isOver = changes.some(({ action, path }) => action === "added" && path === LAST);
      // After an overflow the mark may be among what nobody tells of.
      if (isMarked && changes[0].action === "overflow") isOver = replica.paths.includes(LAST);
    } else await turn();
  }
  await Promise.all(workers);
  assertEquals(replica.paths, new Replica(watching.root, true).paths);
}

for (const looks of [true, false]) {
  const unless = looks ? unlessSteady : unlessTold;
  const who = looks ? "looks into what is added" : "only reads";
  describe(`a tree that is changed at random, to one who ${who}`, () => {
    itUnless(
      unless,
      "promise 2: what one thread does is told",
      () => churn(1, 1000, 65_536, looks),
    );
    itUnless(
      unless,
      "promise 2: what three threads do is told",
      () => churn(3, 500, 65_536, looks),
    );
    itUnless(unless, "promise 2: also by small packets", () => churn(2, 500, 1024, looks));
  });
}
