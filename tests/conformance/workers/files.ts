/** Makes files, `count` in each of `folders`, as fast as it can without leaving who watches behind. */

import { closeSync, mkdirSync, openSync } from "node:fs";
import { job } from "./job.ts";

/** What this thread is to do. */
export interface MakeFiles {
  /** Paths of folders; made if they are not there. */
  folders: string[];
  /** Files in each. */
  count: number;
  /** Whether a folder is filled before the next one is made; otherwise by turns. */
  oneByOne: boolean;
  /** How many have been told of, in one word. */
  told: Int32Array;
  /** How many may be made that have not. */
  ahead: number;
}

job(({ folders, count, oneByOne, told, ahead }: MakeFiles): number => {
  let made = 0;
  function make(folder: string, index: number): void {
    for (let seen = Atomics.load(told, 0); made - seen >= ahead; seen = Atomics.load(told, 0)) {
      Atomics.wait(told, 0, seen);
    }
    closeSync(openSync(`${folder}/f${index}`, "w"));
    made++;
  }
  if (oneByOne) {
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
      for (let index = 0; index < count; index++) make(folder, index);
    }
  } else {
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    for (let index = 0; index < count; index++) for (const folder of folders) make(folder, index);
  }
  return folders.length * count;
});
