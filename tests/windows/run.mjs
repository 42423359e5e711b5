// The Windows test stage: the suite under the Windows builds of Deno and Bun, on Linux under Wine.
//
//     npm run test:windows -- [--only deno|bun] [--filter TEXT] [FILE or FOLDER...]
//                             [--time-limit SECONDS] [--stage-limit SECONDS]
//
// It needs a Debian-like Linux on x86-64 with Node, npm, apt and util-linux, and to be root or to
// have user namespaces. The first run fetches Wine from the mirror that apt is set up for, and the
// runtimes from npm's registry, into $IOCP_CACHE or ~/.cache/iocp; later runs start at once.
// Nothing of the machine is changed, and nothing stays mounted or running, even after a kill.
//
// Each file runs in a session of its own (session.sh): drive D: is the checkout, R: the runtime,
// and all that is written goes to memory and is forgotten. Variables IOCP_* are passed on.
// Wine tells whether the code is right, never how fast it is.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runSuite, sentence } from "../suite.mjs";
import { requireHost, StageError } from "./command.mjs";
import { prepareRuntime } from "./runtimes.mjs";
import { CHECKOUT, REPORT, sessionCommand, WINE } from "./session.mjs";
import { RUNTIMES } from "./versions.mjs";
import { prepareWine } from "./wine.mjs";

/** Seconds for one file, more than the tests' own time-out; and for all files of one runtime. */
const TIME_LIMIT_S = 300;
const STAGE_LIMIT_S = 1200;

/** Bun takes a regular expression, and joins the names of suite and test by a space. */
function bunPattern(text) {
  return text.replaceAll(" > ", " ").replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** How each runtime is asked to run one test file. */
const TEST_ARGUMENTS = {
  deno: (file, filter) => [
    "test",
    "--allow-all",
    "--no-check", // Types are the same here as everywhere.
    "--no-lock",
    `--junit-path=${REPORT}`,
    ...(filter ? [`--filter=${filter}`] : []),
    file,
  ],
  bun: (file, filter) => [
    "test",
    "--reporter=junit",
    `--reporter-outfile=${REPORT}`,
    ...(filter ? [`--test-name-pattern=${bunPattern(filter)}`] : []),
    `./${file}`,
  ],
};

function readSeconds(values, name, preset) {
  const seconds = values[name] === undefined ? preset : Number(values[name]);
  if (!(seconds > 0)) throw new StageError(`--${name} takes a number of seconds.`);
  return seconds;
}

function readOptions() {
  const text = { type: "string" };
  const options = { only: text, filter: text, "time-limit": text, "stage-limit": text };
  let parsed;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new StageError(error.message);
  }
  const { values, positionals } = parsed;
  const known = Object.keys(RUNTIMES);
  if (values.only !== undefined && !known.includes(values.only)) {
    throw new StageError(`--only ${values.only}: not one of ${known.join(", ")}.`);
  }
  return {
    runtimes: values.only === undefined ? known : [values.only],
    filter: values.filter,
    timeLimitS: readSeconds(values, "time-limit", TIME_LIMIT_S),
    stageLimitS: readSeconds(values, "stage-limit", STAGE_LIMIT_S),
    paths: positionals.length > 0 ? positionals : ["tests"],
  };
}

/** The test files at a path: the one itself, or all in the folder. */
function findTests(path) {
  const full = resolve(CHECKOUT, path);
  const file = relative(CHECKOUT, full);
  if (!existsSync(full) || file.startsWith("..")) {
    throw new StageError(`There is no ${path} in the checkout.`);
  }
  if (!statSync(full).isDirectory()) return [file];
  return readdirSync(full, { recursive: true })
    .filter((name) => /[._]test\.ts$/.test(name))
    .map((name) => join(file, name));
}

/** What a shell makes of a process that SIGSEGV has killed. */
const SEGMENTATION_FAULT = 139;

/**
 * Wine now and then crashes when a process of many threads ends, after the report was written: one file in
 * several hundred, under Deno. What a program itself does wrong, also while it ends, comes to it as an
 * exception, which Wine prints, and ends it with another status (0xC0000005).
 */
function endOf(status) {
  return status === SEGMENTATION_FAULT ? "Wine itself crashed when all tests were over" : undefined;
}

/** Runs the files under one runtime; gives the counts. */
async function runRuntime(runtime, wine, files, { filter, timeLimitS, stageLimitS }) {
  const { folder, program } = await prepareRuntime(runtime);
  const wineVersion = readFileSync(join(wine, "version"), "utf8");
  console.log(`Tests under ${runtime} ${RUNTIMES[runtime].version}, Wine ${wineVersion}:`);
  const command = (file, report) => {
    const test = [WINE, program, ...TEST_ARGUMENTS[runtime](file, filter)];
    const [first, ...rest] = sessionCommand({
      mode: "test",
      wine,
      runtime: folder,
      report,
      command: test,
    });
    return [first, rest];
  };
  const end = performance.now() + stageLimitS * 1000;
  const options = {
    filter,
    endOf,
    /** Asked for each file as it starts: what is left to the runtime limits its last files. */
    get timeLimitS() {
      const leftS = Math.ceil((end - performance.now()) / 1000);
      return Math.min(timeLimitS, Math.max(leftS, 0.1));
    },
  };
  const counts = await runSuite({ name: runtime, command }, files, options);
  if (performance.now() > end) {
    console.log(
      `wine-${runtime}: time was up after ${stageLimitS} s. The first file above that hangs was ` +
        "running then; those after it had no time left.",
    );
  }
  return counts;
}

async function runStage() {
  const { runtimes, paths, ...options } = readOptions();
  requireHost();
  const files = [...new Set(paths.flatMap(findTests))].sort();
  const total = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  const wine = await prepareWine();
  for (const runtime of runtimes) {
    const counts = await runRuntime(runtime, wine, files, options);
    for (const key of Object.keys(total)) total[key] += counts[key];
    lines.push(`wine-${runtime}: ${sentence(counts)}`);
  }
  if (total.passed + total.failed + total.skipped === 0) {
    throw new StageError("No test was run: are there files, and does the filter fit a name?");
  }
  console.log(["", ...lines].join("\n"));
  return total;
}

let total;
try {
  total = await runStage();
} catch (error) {
  console.error(error instanceof StageError ? error.message : error);
  total = { passed: 0, failed: 1, skipped: 0 };
}
console.log(sentence(total));
process.exitCode = total.failed > 0 ? 1 : 0;
