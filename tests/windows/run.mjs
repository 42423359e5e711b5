// The Windows test stage: the suite under the Windows builds of Deno and Bun, on Linux under Wine.
//
//   npm run test:windows -- [--only deno|bun] [--filter TEXT] [FILE or FOLDER...]
//                           [--file-limit SECONDS] [--limit SECONDS]
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
import { join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { requireHost, StageError } from "./command.mjs";
import { prepareRuntime } from "./runtimes.mjs";
import { CHECKOUT } from "./session.mjs";
import { formatCounts, runSuite } from "./suite.mjs";
import { RUNTIMES } from "./versions.mjs";
import { prepareWine } from "./wine.mjs";

/** Seconds: for one file, more than the tests' own time-out; for all files under one runtime. */
const FILE_LIMIT = 300;
const LIMIT = 1200;

function parseOptions() {
  const options = {
    only: { type: "string" },
    filter: { type: "string" },
    "file-limit": { type: "string", default: String(FILE_LIMIT) },
    limit: { type: "string", default: String(LIMIT) },
  };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.only !== undefined && !Object.hasOwn(RUNTIMES, values.only)) {
      throw new TypeError(`--only takes ${Object.keys(RUNTIMES).join(" or ")}`);
    }
    const toMs = (name) => {
      const ms = Number(values[name]) * 1000;
      if (!(ms > 0)) throw new TypeError(`--${name} takes a number of seconds`);
      return ms;
    };
    const limits = { fileLimitMs: toMs("file-limit"), limitMs: toMs("limit") };
    return { only: values.only, filter: values.filter, ...limits, paths: positionals };
  } catch (error) {
    throw new StageError(error.message);
  }
}

/** The test files at a path: the one itself, or all in the folder. */
function testFiles(path) {
  const full = resolve(CHECKOUT, path);
  if (!existsSync(full)) throw new StageError(`There is no ${path} in the checkout.`);
  if (!statSync(full).isDirectory()) return [relative(CHECKOUT, full)];
  return readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    const inner = join(full, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : testFiles(inner);
    return entry.name.endsWith("_test.ts") ? [relative(CHECKOUT, inner)] : [];
  });
}

function findFiles(paths) {
  const found = (paths.length > 0 ? paths : ["tests"]).flatMap(testFiles);
  const outside = found.find((file) => file.startsWith("..") || file.startsWith(sep));
  if (outside) throw new StageError(`${outside} is outside the checkout.`);
  if (found.length === 0) throw new StageError("There are no test files (*_test.ts).");
  return [...new Set(found)].sort();
}

function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) {
    for (const outcome of Object.keys(total)) total[outcome] += counts[outcome];
  }
  return total;
}

async function runStage() {
  const { only, paths, ...options } = parseOptions();
  const files = findFiles(paths);
  requireHost();
  const wine = await prepareWine();
  const version = readFileSync(join(wine, "version"), "utf8");
  const results = [];
  for (const runtime of Object.keys(RUNTIMES)) {
    if (only !== undefined && runtime !== only) continue;
    const label = `wine-${runtime}`;
    const prepared = await prepareRuntime(runtime);
    console.log(`${label}: ${runtime} ${RUNTIMES[runtime].version}, Wine ${version}`);
    const counts = await runSuite(files, { label, runtime, wine, ...prepared, ...options });
    results.push({ label, counts });
  }
  for (const { label, counts } of results) console.log(`${label}: ${formatCounts(counts)}`);
  const total = sum(results.map(({ counts }) => counts));
  if (total.passed + total.failed + total.skipped > 0) return total;
  throw new StageError("No test was run: does the filter fit any name?");
}

let total;
try {
  total = await runStage();
} catch (error) {
  console.error(error instanceof StageError ? error.message : error);
  total = { passed: 0, failed: 1, skipped: 0 };
}
console.log(formatCounts(total));
process.exitCode = total.failed > 0 ? 1 : 0;
