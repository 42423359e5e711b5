/**
 * How far it is: a table for each case that is done, and on a terminal what is being measured.
 *
 * @module
 */

import process from "node:process";
import type { Progress } from "./harness.ts";
import { caseText } from "./table.ts";

/** Shows it until `end`. */
export async function showProgress(): Promise<Progress & { end(): void }> {
  const say = (text: string) => void process.stdout.write(text);
  const done: Progress["done"] = (scenario, result) => say(`${caseText(scenario, result)}\n`);
  if (process.stderr.isTTY !== true) return { step() {}, done, end() {} };
  // Loaded only where there is a terminal.
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: "{what}",
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  let isShown = false;
  const hide = (): void => {
    if (isShown) bar.stop();
    isShown = false;
  };
  return {
    step(what): void {
      if (isShown) bar.update({ what });
      else bar.start(1, 0, { what });
      isShown = true;
    },
    done(scenario, result): void {
      hide();
      done(scenario, result);
    },
    end: hide,
  };
}
