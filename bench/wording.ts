/**
 * Figures as people read them, on the terminal and on the page.
 *
 * @module
 */

import type { GoalResult } from "./report.ts";
import type { Unit } from "./scenario.ts";

const DECIMAL = ["", " k", " M", " G", " T"];
const BINARY = [" B", " KiB", " MiB", " GiB", " TiB"];

function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0;
  while (Math.abs(value) >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  const digits = Math.abs(value) >= 100 || value === 0 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits) + units[unit];
}

/** A figure with its unit: `639 k/s`, `3.71 GiB/s`, `42.0 ns`. */
export function figure(value: number, unit: Unit): string {
  switch (unit) {
    case "/s":
      return `${scaled(value, 1000, DECIMAL)}/s`;
    case "files/s":
      return `${scaled(value, 1000, DECIMAL)} files/s`;
    case "bytes/s":
      return `${scaled(value, 1024, BINARY)}/s`;
    case "bytes":
      return scaled(value, 1024, BINARY);
    case "ns":
      return `${scaled(value, Infinity, [""])} ns`;
    case "us":
      return `${scaled(value, Infinity, [""])} us`;
  }
}

/** How many times as good: `1.42 x`. */
export function times(ratio: number): string {
  return `${ratio.toFixed(ratio >= 10 ? 1 : 2)} x`;
}

/** What a goal has come to, in one line. */
export function goalLine({ rivals, ratio, ours, reached }: GoalResult): string {
  const what = `${ours === undefined ? "" : `${ours} `}${times(ratio)} of ${rivals.join(", ")}`;
  if (reached === null) return `goal ${what}: not measured`;
  return `goal ${what}: ${times(reached)}, ${reached >= ratio ? "reached" : "NOT reached"}`;
}

/** Notes in one line: `lost 3, told 50`. */
export function notesLine(notes: Readonly<Record<string, number>>): string {
  return Object.entries(notes).map(([name, count]) => `${name} ${count}`).join(", ");
}
