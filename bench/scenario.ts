/**
 * What a scenario is made of: cases, each with contenders that do the same work.
 *
 * @module
 */

/** What a figure counts; in the first three more is better, in the others less. */
export type Unit = "/s" | "bytes/s" | "files/s" | "ns" | "us" | "bytes";

/** What one pass came to, and what else was seen in it. */
export interface Sample {
  readonly value: number;
  /** Counts to be shown beside it, by name: of events lost, for instance. */
  readonly notes?: Readonly<Record<string, number>>;
}

/** A contender that is set up. Passes may be many. */
export interface Runner {
  /** Does the case's work once and measures it. */
  pass(): number | Sample | Promise<number | Sample>;
  /** Takes down what was set up. */
  close?(): void | Promise<void>;
}

/** One way to do the work of a case. */
export interface Contender {
  /** What it is called in all results. */
  readonly name: string;
  /** Whether it is this module; else it is a rival. */
  readonly isOurs?: boolean;
  /** Whether it has a warm-up of its own in each pass, so that no pass is done for that. */
  readonly warmsUp?: boolean;
  /** Sets it up. Throws a `LeftOut` where it cannot be had. */
  open(): Runner | Promise<Runner>;
}

/** What a case is to reach: our figure at least `ratio` times as good as the rivals' of this name. */
export interface Goal {
  /** The beginning of the rivals' names. Of several, the best counts. */
  readonly rivals: readonly string[];
  readonly ratio: number;
  /** Which of ours, if there are several; the first by default. */
  readonly ours?: string;
}

/** Where a case stands in a plot: cases of one plot make a line. */
export interface Point {
  /** The plot, which is also the label of its horizontal axis. */
  readonly plot: string;
  readonly x: number;
}

/** Work that several contenders do, and one figure of each. */
export interface Case {
  readonly name: string;
  readonly unit: Unit;
  readonly contenders: readonly Contender[];
  readonly goals?: readonly Goal[];
  readonly point?: Point;
  /** The fewest rounds that show anything, where passes differ much. */
  readonly leastRounds?: number;
}

/** How large a run is. */
export interface Scale {
  /** Everything is tiny: it is only to be seen that it works. */
  readonly isSmoke: boolean;
  /** The figure for a whole run, or the one for a tiny one. */
  pick<T>(whole: T, tiny: T): T;
}

/** One subject, measured by a few cases. */
export interface Scenario {
  readonly name: string;
  /** One line for `--list`. */
  readonly title: string;
  /** What each pass does, for the page. */
  readonly about: string;
  cases(scale: Scale): readonly Case[];
}

/** Why a contender is not in a result: the machine or the system has not what it needs. */
export class LeftOut extends Error {
  override readonly name = "LeftOut";
}

/** Whether more is better. */
export function isMoreBetter(unit: Unit): boolean {
  return unit.endsWith("/s");
}

/** A run of this size. */
export function scaleOf(isSmoke: boolean): Scale {
  return { isSmoke, pick: (whole, tiny) => isSmoke ? tiny : whole };
}
