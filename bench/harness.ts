/**
 * Measuring: every contender of a case in turn, round after round.
 *
 * @module
 */

import { type Absent, type CaseResult, type Measured, resultOf } from "./report.ts";
import type { ScenarioResult } from "./report.ts";
import { type Case, type Contender, LeftOut, type Runner, type Scale } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

/** Who is told how far it is. */
export interface Progress {
  /** A pass begins. */
  step(what: string): void;
  /** A case is done. */
  done(scenario: string, result: CaseResult): void;
}

/** Which cases are measured, and how often. */
export interface Measuring {
  readonly rounds: number;
  /** Only those whose name has this in it. */
  readonly only: string;
}

/** What one scenario has come to after at least `rounds` rounds of each case. */
export async function measureScenario(
  scenario: Scenario,
  scale: Scale,
  { rounds, only }: Measuring,
  progress: Progress,
): Promise<ScenarioResult> {
  const { name, title, about } = scenario;
  const began = performance.now();
  const cases: CaseResult[] = [];
  for (const whole of scenario.cases(scale)) {
    if (!whole.name.includes(only)) continue;
    const one = scale.isSmoke ? { ...whole, goals: [] } : whole; // What is tiny reaches nothing.
    const most = scale.isSmoke ? rounds : Math.max(rounds, one.leastRounds ?? 1);
    const result = await measureCase(one, most, (what) => progress.step(`${name}, ${what}`));
    cases.push(result);
    progress.done(name, result);
  }
  return { name, title, about, seconds: (performance.now() - began) / 1000, cases };
}

/** A contender that takes part. */
interface Entrant {
  readonly contender: Contender;
  readonly runner: Runner;
}

/**
 * All contenders are set up, each does a pass that does not count, and then the rounds follow:
 * in each, every contender does one pass, and each round begins with another one.
 */
export async function measureCase(
  one: Case,
  rounds: number,
  step: (what: string) => void = () => {},
): Promise<CaseResult> {
  const measured = new Map<string, Measured>();
  const absent: Absent[] = [];
  let entrants: Entrant[] = [];
  const attempt = async (contender: Contender, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      absent.push(absentBy(contender, error));
      measured.delete(contender.name);
      return false;
    }
  };
  try {
    for (const contender of one.contenders) {
      step(`${one.name}: ${contender.name}, warm-up`);
      await attempt(contender, async () => {
        const runner = await contender.open();
        entrants.push({ contender, runner });
        if (contender.warmsUp !== true) await runner.pass();
        measured.set(contender.name, { samples: [], notes: {} });
      });
    }
    entrants = entrants.filter(({ contender }) => measured.has(contender.name));
    for (let round = 0; round < rounds; round++) {
      const first = entrants.length === 0 ? 0 : round % entrants.length;
      const order = [...entrants.slice(first), ...entrants.slice(0, first)];
      for (const entrant of order) {
        const { contender } = entrant;
        if (!measured.has(contender.name)) continue;
        step(`${one.name}: ${contender.name}, round ${round + 1} of ${rounds}`);
        await attempt(contender, () => note(entrant, measured.get(contender.name)!));
      }
    }
  } finally {
    for (const { runner } of entrants) await runner.close?.();
  }
  return resultOf(one, measured, absent);
}

async function note({ runner }: Entrant, { samples, notes }: Measured): Promise<void> {
  const sample = await runner.pass();
  if (typeof sample === "number") {
    samples.push(sample);
    return;
  }
  samples.push(sample.value);
  for (const [name, count] of Object.entries(sample.notes ?? {})) {
    notes[name] = (notes[name] ?? 0) + count;
  }
}

/** A rival that cannot be had is named with the reason; whatever else happens is a failure. */
function absentBy({ name }: Contender, error: unknown): Absent {
  const reason = error instanceof Error ? error.message : String(error);
  return { name, reason, hasFailed: !(error instanceof LeftOut) };
}
