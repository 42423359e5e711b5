/**
 * Plots and tables of cases.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import type { CaseResult, ContenderResult } from "../report.ts";
import { figure, goalLine, notesLine, times } from "../wording.ts";
import { element, type PageElement, row } from "./elements.ts";

const OURS = "#1f6feb";
const RIVAL = "#9aa4b2";

/** A case: a bar for each contender, and the figures below. */
export function caseParts(one: CaseResult): PageElement[] {
  const parts = [element("h3", one.name)];
  if (one.contenders.length > 0) parts.push(bars(one), table([one]));
  return [...parts, ...asides(one)];
}

/** Cases that stand at different places of one axis: a line for each contender. */
export function plotParts(plot: string, cases: readonly CaseResult[]): PageElement[] {
  const parts = [element("h3", plot), lines(plot, cases), table(cases)];
  return [...parts, ...cases.flatMap(asides)];
}

function bars({ contenders, unit }: CaseResult): PageElement {
  const plot = Plot.plot({
    width: 880,
    height: 44 + 26 * contenders.length,
    marginLeft: 250,
    marginRight: 90,
    x: { label: null, tickFormat: (value: number) => figure(value, unit), ticks: 5, grid: true },
    y: { label: null, domain: contenders.map(({ name }) => name) },
    marks: [
      Plot.barX(contenders, {
        x: "median",
        y: "name",
        fill: ({ isOurs }: ContenderResult) => isOurs ? OURS : RIVAL,
        insetTop: 2,
        insetBottom: 2,
      }),
      Plot.ruleY(contenders, { x1: "low", x2: "high", y: "name", stroke: "#1d232b" }),
      Plot.text(contenders, {
        x: "high",
        y: "name",
        text: ({ median }: ContenderResult) => figure(median, unit),
        textAnchor: "start",
        dx: 6,
      }),
    ],
  });
  return framed(plot);
}

interface Stop {
  readonly name: string;
  readonly x: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

function lines(label: string, cases: readonly CaseResult[]): PageElement {
  const { unit } = cases[0];
  const stops: Stop[] = cases.flatMap(({ point, contenders }) =>
    contenders.map(({ name, median, low, high }) => ({ name, x: point!.x, median, low, high }))
  );
  const plot = Plot.plot({
    width: 880,
    height: 300,
    marginLeft: 80,
    marginRight: 160,
    x: { type: "log", label, grid: true, tickFormat: "~s" },
    y: {
      label: null,
      zero: true,
      grid: true,
      tickFormat: (value: number) => figure(value, unit),
    },
    color: { legend: true },
    marks: [
      Plot.ruleX(stops, { x: "x", y1: "low", y2: "high", stroke: "name" }),
      Plot.line(stops, { x: "x", y: "median", stroke: "name", strokeWidth: 2 }),
      Plot.dot(stops, { x: "x", y: "median", fill: "name", r: 4 }),
      Plot.ruleY([0]),
    ],
  });
  return framed(plot);
}

function framed(plot: unknown): PageElement {
  const frame = element("figure");
  frame.append(plot);
  return frame;
}

function table(cases: readonly CaseResult[]): PageElement {
  const made = element("table");
  made.append(row("th", ["", "median", "lowest", "highest", "ours is", ""], ""));
  for (const { name: caseName, contenders, unit, point } of cases) {
    for (const { name, isOurs, median, low, high, ratio, notes } of contenders) {
      const texts = [
        point === undefined ? name : `${caseName}: ${name}`,
        ...[median, low, high].map((value) => figure(value, unit)),
        isOurs || ratio === null ? "" : times(ratio),
        notesLine(notes),
      ];
      made.append(row("td", texts, isOurs ? "ours" : ""));
    }
  }
  return made;
}

/** What was left out, and the goals. */
function asides({ absent, goals }: CaseResult): PageElement[] {
  return [
    ...absent.map(({ name, reason, hasFailed }) =>
      element("p", `${name}: ${hasFailed ? "failed" : "left out"}: ${reason}`, "aside")
    ),
    ...goals.map((goal) =>
      element("p", goalLine(goal), (goal.reached ?? Infinity) >= goal.ratio ? "reached" : "missed")
    ),
  ];
}
