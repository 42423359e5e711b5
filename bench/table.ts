/**
 * Results on the terminal.
 *
 * @module
 */

import Table from "cli-table3";
import type { CaseResult, ContenderResult } from "./report.ts";
import { figure, goalLine, notesLine, times } from "./wording.ts";

/** No lines, two blanks between columns. */
const PLAIN = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "  ",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

const HEAD = ["", "median", "lowest", "highest", "ours is", ""];

/** A case as a table, and below it what was left out and the goals. */
export function caseText(scenario: string, result: CaseResult): string {
  const table = new Table({
    chars: PLAIN,
    head: HEAD,
    colAligns: ["left", "right", "right", "right", "right", "left"],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const contender of result.contenders) table.push(row(contender, result));
  const lines = [`${scenario}: ${result.name}`];
  if (result.contenders.length > 0) lines.push(table.toString());
  for (const { name, reason, hasFailed } of result.absent) {
    lines.push(`  ${name}: ${hasFailed ? "FAILED" : "left out"}: ${reason}`);
  }
  for (const goal of result.goals) lines.push(`  ${goalLine(goal)}`);
  return lines.map((line) => line.trimEnd()).join("\n") + "\n";
}

function row(contender: ContenderResult, { unit }: CaseResult): string[] {
  const { name, isOurs, median, low, high, ratio, notes } = contender;
  return [
    isOurs ? `* ${name}` : `  ${name}`,
    figure(median, unit),
    figure(low, unit),
    figure(high, unit),
    isOurs || ratio === null ? "" : times(ratio),
    notesLine(notes),
  ];
}
