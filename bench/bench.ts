/**
 * Measures this module against what people would pick instead:
 *
 *     deno task bench [SCENARIO...]
 *     bun run bench [SCENARIO...]
 *
 * `--help` says the rest. Each scenario is a file of `scenarios/`; its rivals are in `rivals/`.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type BenchOptions, HELP, readArguments } from "./arguments.ts";
import { measureScenario } from "./harness.ts";
import { removeRunFolder } from "./files.ts";
import { writePage } from "./page.ts";
import { ownProgram, removeCompiled } from "./programs.ts";
import { showProgress } from "./progress.ts";
import { type Report, type ScenarioResult, type Setting, settingOf } from "./report.ts";
import { scaleOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { beforeSignal, heedSignals } from "./signals.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const command = readArguments(args);
  switch (command.kind) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "list":
      for (const { name, title } of SCENARIOS) process.stdout.write(`${name.padEnd(14)}${title}\n`);
      return 0;
    case "mistake":
      process.stderr.write(`${command.message}\nTry --help.\n`);
      return 2;
    case "run":
      return await run(command.options, settingOf(args, ...sizeOf(command.options)));
  }
}

function sizeOf({ rounds, isSmoke }: BenchOptions): [rounds: number, isSmoke: boolean] {
  return [rounds, isSmoke];
}

async function run(options: BenchOptions, setting: Setting): Promise<number> {
  heedSignals();
  const scenarios: ScenarioResult[] = [];
  const isAlone = options.scenarios.length === 1;
  for (const name of options.scenarios) {
    if (!hasCases(name, options)) continue;
    scenarios.push(isAlone ? await measureHere(name, options) : await measureApart(name, options));
  }
  const report: Report = { ...setting, scenarios };
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (options.html !== undefined) await writePage(options.html, report);
  const absent = scenarios.flatMap(({ cases }) => cases).flatMap((one) => one.absent);
  return absent.some(({ hasFailed }) => hasFailed) ? 1 : 0;
}

function hasCases(name: string, { only, isSmoke }: BenchOptions): boolean {
  const scenario = SCENARIOS.find((one) => one.name === name)!;
  return scenario.cases(scaleOf(isSmoke)).some((one) => one.name.includes(only));
}

async function measureHere(name: string, options: BenchOptions): Promise<ScenarioResult> {
  const scenario = SCENARIOS.find((one) => one.name === name)!;
  const progress = await showProgress();
  const end = (): void => {
    progress.end();
    removeCompiled();
    removeRunFolder();
  };
  const forget = beforeSignal(end);
  try {
    return await measureScenario(scenario, scaleOf(options.isSmoke), options, progress);
  } finally {
    forget();
    end();
  }
}

/**
 * Each of several scenarios has a process of its own, so that none runs in code that another
 * one has made the compiler give up on, or beside memory and threads that it has left.
 */
async function measureApart(
  name: string,
  { rounds, only, isSmoke }: BenchOptions,
): Promise<ScenarioResult> {
  const folder = mkdtempSync(join(tmpdir(), "iocp-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const forgetFolder = beforeSignal(remove);
  try {
    const file = join(folder, "result.json");
    const args = ["--rounds", `${rounds}`, "--case", only, ...(isSmoke ? ["--smoke"] : [])];
    const [program, ...rest] = [...ownProgram("bench/bench.ts"), name, ...args, "--json", file];
    const child = spawn(program, rest, { stdio: "inherit" });
    const forgetChild = beforeSignal((signal) => void child.kill(signal));
    await once(child, "exit").finally(forgetChild);
    if (!existsSync(file)) throw new Error(`The scenario ${name} has ended without a result`);
    return (JSON.parse(readFileSync(file, "utf8")) as Report).scenarios[0];
  } finally {
    forgetFolder();
    remove();
  }
}

if (import.meta.main) {
  // Workers of rivals that cannot be ended must not keep the process.
  process.exit(await main(process.argv.slice(2)));
}
