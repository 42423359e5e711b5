/**
 * A whole copy, from the plan to the closing line.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import type { CopyOptions } from "./arguments.ts";
import { Crew } from "./crew.ts";
import { cannotWrite, shown } from "./failure.ts";
import type { Interrupts } from "../program/interrupts.ts";
import { removeStaleParts } from "./part.ts";
import { bytesOf, type Plan, planCopy } from "./plan.ts";
import { chooseShow, Progress } from "./progress.ts";
import { Pump } from "./pump.ts";
import { formatBytes, formatFiles, formatSeconds, type Screen } from "../program/screen.ts";
import { Tree } from "./tree.ts";

/**
 * Copies `source` to `target`. Returns whether all of it could be copied: pipes,
 * devices and sockets in a folder can't, and are told of.
 *
 * @throws {CopyFailure} at the first thing that fails. What is not whole by then is removed.
 */
export async function copy(
  source: string,
  target: string,
  options: CopyOptions,
  screen: Screen,
  interrupts: Interrupts,
): Promise<boolean> {
  const started = performance.now();
  const plan = planCopy(source, target);
  for (const path of plan.special) {
    screen.complain(`${shown(path)} is not copied: it is a pipe, a device or a socket`);
  }
  const refused = await copyPlan(plan, options, screen, interrupts, (progress) => {
    const seconds = (performance.now() - started) / 1000;
    return `${options.verify ? "Copied and verified" : "Copied"} ${formatFiles(progress.files)}, ` +
      `${formatBytes(progress.bytes)} in ${formatSeconds(seconds)} ` +
      `(${formatBytes(progress.bytes / seconds)}/s)`;
  });
  if (refused !== null) {
    screen.complain(`${shown(target)}: modes or times could not be kept: ${refused}`);
  }
  return plan.special.length === 0;
}

/** Does what is planned. Returns what of modes and times was refused. */
async function copyPlan(
  plan: Plan,
  options: CopyOptions,
  screen: Screen,
  interrupts: Interrupts,
  summary: (progress: Progress) => string,
): Promise<string | null> {
  const show = options.quiet ? null : await chooseShow(screen);
  const progress = new Progress(() => bytesOf(plan.files), options.verify ? 2 : 1, show);
  let refused: string | null;
  {
    using _end = progress;
    using tree = new Tree(plan);
    const { threads, depth } = options;
    await using crew = threads === undefined ? null : new Crew(threads, depth);
    using pump = new Pump(options, { progress, check: () => interrupts.check() }, crew);
    try {
      removePartsOfFile(plan);
      tree.make();
      await pump.run(plan.files);
    } finally {
      // Before the pump gives up what is not whole: its threads may be writing that.
      await crew?.end();
    }
    refused = tree.complete() ?? pump.refused;
  }
  if (!options.quiet) screen.print(summary(progress));
  return refused;
}

/** A file copied by itself lies in no folder of the plan. */
function removePartsOfFile({ files, folders }: Plan): void {
  if (folders.length > 0) return;
  const [{ target }] = files;
  try {
    removeStaleParts(dirname(target), basename(target));
  } catch (error) {
    throw cannotWrite(target, error);
  }
}
