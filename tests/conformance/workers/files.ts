/** Makes files as fast as it can: `count` in each of `folders`, by turns, making the folders first. */

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
}

function make(folder: string, index: number): void {
  closeSync(openSync(`${folder}/f${index}`, "w"));
}

job(({ folders, count, oneByOne }: MakeFiles): number => {
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
