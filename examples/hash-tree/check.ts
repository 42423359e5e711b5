/**
 * Checking files against a list of digests.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import type { Screen } from "../program/screen.ts";
import type { CheckOptions } from "./arguments.ts";
import { hashAll } from "./hasher.ts";
import { checkedName, type Expected, parseLine, quoted } from "./lines.ts";
import { MISSING, reasonFor } from "./reasons.ts";
import { filesNamed } from "./tree.ts";

interface List {
  readonly expected: readonly Expected[];
  /** Lines that are none, by their numbers. */
  readonly misformatted: readonly number[];
}

/** Checks the files of a list. True if all is as it should be. */
export async function checkList(
  name: string,
  options: CheckOptions,
  screen: Screen,
): Promise<boolean> {
  let text: string;
  try {
    text = readFileSync(name, "utf8");
  } catch (error) {
    screen.complain(`${quoted(name)}: ${reasonFor(error)}`);
    return false;
  }
  const { expected, misformatted } = readList(text);
  if (options.warn) {
    for (const line of misformatted) {
      screen.complain(
        `${quoted(name)}: ${line}: improperly formatted SHA256 checksum line`,
      );
    }
  }
  if (expected.length === 0) {
    screen.complain(`${quoted(name)}: no properly formatted checksum lines found`);
    return false;
  }
  const tally = await checkFiles(expected, options, screen);
  if (!options.status) complainOf(tally, misformatted.length, screen);
  if (options.ignoreMissing && tally.matching === 0) {
    if (!options.status) screen.complain(`${quoted(name)}: no file was verified`);
    return false;
  }
  return tally.differing === 0 && tally.unreadable === 0 &&
    !(options.strict && misformatted.length > 0);
}

function readList(text: string): List {
  const expected: Expected[] = [];
  const misformatted: number[] = [];
  for (const [index, row] of text.split("\n").entries()) {
    const line = row.endsWith("\r") ? row.slice(0, -1) : row;
    if (line === "" || line.startsWith("#")) continue;
    const found = parseLine(line);
    if (found === null) misformatted.push(index + 1);
    else expected.push(found);
  }
  return { expected, misformatted };
}

interface Tally {
  matching: number;
  differing: number;
  unreadable: number;
}

async function checkFiles(
  expected: readonly Expected[],
  options: CheckOptions,
  screen: Screen,
): Promise<Tally> {
  const tally: Tally = { matching: 0, differing: 0, unreadable: 0 };
  const files = filesNamed(expected.map(({ path }) => path));
  const threads = Math.max(1, Math.min(options.threads, expected.length));
  let next = 0;
  const say = (path: string, verdict: string) => {
    if (!options.status) screen.write(`${checkedName(path)}: ${verdict}\n`);
  };
  await hashAll([files], { ...options, threads }, (results) => {
    for (const { path, digest, reason } of results) {
      const wanted = expected[next++].digest;
      if (reason !== null) {
        if (options.ignoreMissing && reason === MISSING) continue;
        tally.unreadable++;
        screen.complain(`${quoted(path)}: ${reason}`);
        say(path, "FAILED open or read");
      } else if (digest !== wanted) {
        tally.differing++;
        say(path, "FAILED");
      } else {
        tally.matching++;
        if (!options.quiet) say(path, "OK");
      }
    }
  });
  return tally;
}

function complainOf({ differing, unreadable }: Tally, misformatted: number, screen: Screen): void {
  if (misformatted > 0) {
    const are = misformatted === 1 ? "line is" : "lines are";
    screen.complain(`WARNING: ${misformatted} ${are} improperly formatted`);
  }
  if (unreadable > 0) {
    const files = unreadable === 1 ? "listed file" : "listed files";
    screen.complain(`WARNING: ${unreadable} ${files} could not be read`);
  }
  if (differing > 0) {
    const checksums = differing === 1 ? "computed checksum" : "computed checksums";
    screen.complain(`WARNING: ${differing} ${checksums} did NOT match`);
  }
}
