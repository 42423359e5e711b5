/**
 * The result of a run, as it is written to JSON.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import process from "node:process";
import { ratioOf, type Spread, spreadOf } from "./figures.ts";
import { type Case, type Goal, isMoreBetter, type Point, type Unit } from "./scenario.ts";

/** The figures of one contender in one case. */
export interface ContenderResult extends Spread {
  readonly name: string;
  readonly isOurs: boolean;
  /** One for each round, in the order of the rounds. */
  readonly samples: readonly number[];
  /** How many times as good the first of ours is; `null` if ours has no figure. */
  readonly ratio: number | null;
  /** The sums of what was seen beside the figures. */
  readonly notes: Readonly<Record<string, number>>;
}

/** A contender without figures. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
  /** It is not that it could not be had: it was there and failed. */
  readonly hasFailed: boolean;
}

/** What a case was to reach, and has. */
export interface GoalResult extends Goal {
  /** The ratio to the best of these rivals; `null` if none of them has a figure. */
  readonly reached: number | null;
}

/** One case. */
export interface CaseResult {
  readonly name: string;
  readonly unit: Unit;
  readonly contenders: readonly ContenderResult[];
  readonly absent: readonly Absent[];
  readonly goals: readonly GoalResult[];
  readonly point?: Point;
}

/** One scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly seconds: number;
  readonly cases: readonly CaseResult[];
}

/** Where a run was made, and how. */
export interface Setting {
  readonly when: string;
  readonly runtime: string;
  readonly system: string;
  readonly processor: string;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly command: string;
  readonly rounds: number;
  readonly isSmoke: boolean;
}

/** A run. */
export interface Report extends Setting {
  readonly scenarios: readonly ScenarioResult[];
}

/** What the passes of one contender have come to. */
export interface Measured {
  readonly samples: number[];
  readonly notes: Record<string, number>;
}

/** The result of a case, in the order of its contenders. */
export function resultOf(
  { name, unit, contenders, goals = [], point }: Case,
  measured: ReadonlyMap<string, Measured>,
  absent: readonly Absent[],
): CaseResult {
  const first = contenders.find((contender) => contender.isOurs && measured.has(contender.name));
  const ours = first === undefined ? null : measured.get(first.name)!.samples;
  const results = contenders.flatMap((contender) => {
    const found = measured.get(contender.name);
    if (found === undefined) return [];
    const { samples, notes } = found;
    const isOurs = contender.isOurs ?? false;
    const ratio = ours === null ? null : ratioOf(ours, samples, isMoreBetter(unit));
    return [{ name: contender.name, isOurs, samples, ...spreadOf(samples), ratio, notes }];
  });
  const reached = goals.map((goal) => ({ ...goal, reached: reachedOf(goal, unit, results) }));
  const result = { name, unit, contenders: results, absent, goals: reached };
  return point === undefined ? result : { ...result, point };
}

/** The ratio to the strongest of a goal's rivals. */
function reachedOf(goal: Goal, unit: Unit, results: readonly ContenderResult[]): number | null {
  const own = results.find(({ name, isOurs }) => isOurs && name === (goal.ours ?? name));
  const rivals = results.filter(({ name, isOurs }) =>
    !isOurs && goal.rivals.some((rival) => name.startsWith(rival))
  );
  if (own === undefined || rivals.length === 0) return null;
  const better = isMoreBetter(unit);
  return Math.min(...rivals.map(({ samples }) => ratioOf(own.samples, samples, better)));
}

/** The runtime by name and version. */
export function runtimeName(): string {
  const { deno, bun, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno !== undefined ? `Deno ${deno}` : `Node ${node}`;
}

/** Where this run is made. */
export function settingOf(args: readonly string[], rounds: number, isSmoke: boolean): Setting {
  const isBun = "Bun" in globalThis;
  return {
    when: new Date().toISOString(),
    runtime: runtimeName(),
    system: `${type()} ${release()}`,
    processor: processorName(),
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    command: [isBun ? "bun run bench" : "deno task bench", ...args].join(" "),
    rounds,
    isSmoke,
  };
}

/** Not by `cpus` alone: some runtimes leave the model empty. */
function processorName(): string {
  try {
    const [, model] = /^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8")) ?? [];
    if (model !== undefined) return model;
  } catch { /* not Linux */ }
  return cpus()[0]?.model.trim() || "unknown processor";
}
