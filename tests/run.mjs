/**
 * `npm test`: installs what is needed, then runs the suite under Deno and under Bun; on Linux twice
 * each, once for each engine of the port.
 *
 *     npm test -- [--only deno|bun] [--engine io_uring|epoll] [--filter TEXT] [--time-limit SECONDS] [FILE...]
 */

import { readdirSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { install, programPath, ROOT } from "./install.mjs";
import { runSuite, sentence } from "./suite.mjs";

/** How each runtime is asked to run one test file. Types are not checked here: `npm run check` does. */
const RUNTIMES = {
  deno: (file, report, filter) => [programPath("deno"), [
    "test",
    "--allow-all",
    "--no-check",
    `--junit-path=${report}`,
    ...(filter ? ["--filter", filter] : []),
    file,
  ]],
  bun: (file, report, filter) => [programPath("bun"), [
    "test",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...(filter ? ["--test-name-pattern", bunPattern(filter)] : []),
    `./${file}`,
  ]],
};

/** Bun takes a regular expression, and joins the names of suite and test by a space. */
function bunPattern(text) {
  return text.replaceAll(" > ", " ").replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The test files, in an order that is the same everywhere. */
function findTests() {
  return readdirSync(resolve(ROOT, "tests"), { recursive: true })
    .map((path) => `tests/${path.replaceAll(sep, "/")}`)
    .filter((path) => /[._]test\.ts$/.test(path))
    .sort();
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: "string" },
        engine: { type: "string" },
        filter: { type: "string" },
        "time-limit": { type: "string" },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

const { values, positionals } = readArguments();
const names = values.only ? [values.only] : Object.keys(RUNTIMES);
for (const name of names) {
  if (!(name in RUNTIMES)) fail(`--only ${name}: not one of ${Object.keys(RUNTIMES).join(", ")}`);
}
/** The port's engines on Linux; elsewhere there is nothing to choose. */
const ENGINES = process.platform === "linux" ? ["io_uring", "epoll"] : [undefined];
const engines = values.engine ? [values.engine] : ENGINES;
for (const engine of engines) {
  if (!ENGINES.includes(engine)) fail(`--engine ${engine}: not one of ${ENGINES.join(", ")}`);
}
const timeLimitS = values["time-limit"] === undefined ? undefined : Number(values["time-limit"]);
if (timeLimitS !== undefined && !(timeLimitS > 0)) fail("--time-limit: not a number of seconds");

install();
const files = positionals.length
  ? positionals.map((path) => relative(ROOT, resolve(path)).replaceAll(sep, "/"))
  : findTests();
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const name of names) {
  for (const engine of engines) {
    const run = engine ? `${name}, ${engine}` : name;
    console.log(`Tests under ${run}:`);
    const env = engine ? { ...process.env, IOCP_ENGINE: engine } : process.env;
    const options = { filter: values.filter, timeLimitS, cwd: ROOT, env };
    const counts = await runSuite({ name: run, command: RUNTIMES[name] }, files, options);
    for (const key of Object.keys(total)) total[key] += counts[key];
    lines.push(`${run}: ${sentence(counts)}`);
  }
}
if (total.passed + total.failed + total.skipped === 0) {
  console.error(
    values.filter ? `No test is named like "${values.filter}".` : "There are no tests.",
  );
  total.failed = 1;
}
console.log(["", ...lines, sentence(total)].join("\n"));
process.exitCode = total.failed > 0 ? 1 : 0;
