/** Changes a tree at random: files and folders made, removed, renamed, moved out of it and in again. */

import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomFrom } from "../random.ts";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface Churn {
  root: string;
  /** Where things are moved out to. */
  outside: string;
  seed: number;
  rounds: number;
}

/** What others do at the same time may be in the way; it is tried and forgotten. */
function attempt(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

job(({ root, outside, seed, rounds }: Churn): void => {
  const random = randomFrom(seed);
  const name = () => "abcdefgh"[random(8)] + (random(4) === 0 ? "-a-longer-name" : "");
  /** A folder of the tree, found by going down at random. */
  const folder = (): string => {
    let path = root;
    while (random(4) !== 0) {
      const below = readdirSync(path, { withFileTypes: true }).filter((entry) =>
        entry.isDirectory()
      );
      if (below.length === 0) break;
      path += `/${below[random(below.length)].name}`;
    }
    return path;
  };
  const some = () => {
    const path = folder();
    const names = readdirSync(path);
    return `${path}/${names[random(names.length)] ?? name()}`;
  };
  const changes = [
    () => writeFileSync(`${folder()}/${name()}`, "x"),
    () => writeFileSync(`${folder()}/${name()}`, ""),
    () => mkdirSync(`${folder()}/${name()}`),
    () => mkdirSync(`${folder()}/${name()}/${name()}/${name()}`, { recursive: true }),
    () => renameSync(some(), `${folder()}/${name()}`),
    () => renameSync(some(), some()),
    () => renameSync(some(), `${outside}/${name()}`),
    () => renameSync(`${outside}/${name()}`, `${folder()}/${name()}`),
    () => rmSync(some(), { recursive: random(2) === 0 }),
  ];
  for (let round = 0; round < rounds; round++) attempt(changes[random(changes.length)]);
});
