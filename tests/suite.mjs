/**
 * Runs test files under one runtime and counts exactly.
 *
 * Each file gets a process of its own: the tests use foreign memory and threads, and what crashes or
 * hangs one file must not hide the others. A process reports in JUnit's format, the one exact count
 * that Deno and Bun both give. A process that crashes, hangs, fails to load or otherwise fails without
 * naming a failed test is itself one failure.
 */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Seconds a test file may take before it counts as hanging. */
const FILE_TIME_LIMIT_S = 300;

/** Test files that run at the same time. */
const JOBS = 2;

/** Milliseconds that what a test file has started, and left behind, may hold on to its output. */
const LEFTOVER_MS = 1000;

/** Processes under way, ended with this one. */
const running = new Set();

/**
 * Runs `files` and prints how each went; the output of a process is shown only if it failed.
 *
 * @param runtime `name`, and `command(file, report, filter)`: the program and its arguments, to run
 *   `file` and write the JUnit report to the path `report`
 * @param options `filter`: only tests whose name contains it; `timeLimitS`: for one file; `cwd`, `env`;
 *   `endOf(status)`: why a process that ends so, with a report in which nothing failed, says nothing of
 *   the tests, if so: it is named among what was skipped
 * @returns how many tests `passed`, `failed` and were `skipped`
 */
export async function runSuite(runtime, files, options = {}) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const remarks = { failed: [], skipped: [] };
  const reports = mkdtempSync(join(tmpdir(), "iocp-tests-"));
  process.once("exit", () => rmSync(reports, { recursive: true, force: true }));
  const work = (file) => runFile(runtime, file, reports, options);
  for (const promise of fewAtATime(files, work)) {
    const result = await promise;
    printFile(result);
    total.passed += result.passed;
    for (const end of ["failed", "skipped"]) {
      total[end] += result[end].length;
      for (const name of result[end]) remarks[end].push(`  ${end}: ${result.file}: ${name}`);
    }
    if (result.failed.length > 0) remarks.failed.push(lastLines(result.output));
  }
  for (const line of [...remarks.skipped, ...remarks.failed]) console.log(line);
  return total;
}

/** "12 passed, 0 failed, 1 skipped" */
export function sentence({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Works on a few items at a time; gives a promise for each, in the items' order. */
function fewAtATime(items, work) {
  const waiting = [];
  let free = JOBS;
  return items.map(async (item) => {
    if (free === 0) await new Promise((start) => waiting.push(start));
    else free--;
    try {
      return await work(item);
    } finally {
      if (waiting.length > 0) waiting.shift()();
      else free++;
    }
  });
}

async function runFile(runtime, file, reports, options) {
  const report = join(reports, file.replaceAll(/[^\w.-]/g, "_") + ".xml");
  const [program, args] = runtime.command(file, report, options.filter);
  const begin = performance.now();
  const { output, status, problem } = await run(program, args, options);
  const seconds = (performance.now() - begin) / 1000;
  const counts = readReport(report, options.filter);
  // Status 1 says no more than that the named tests have failed or, from Bun, that the filter fits none.
  const isExplained = status === 1 && (counts.failed.length > 0 || counts.allFilteredOut);
  const isOver = counts.declared > 0 && counts.failed.length === 0;
  const reason = isOver ? options.endOf?.(status) : undefined;
  if (reason !== undefined) counts.skipped.push(`the end of the file's process (${reason})`);
  else if (problem && !isExplained) counts.failed.push(`the file itself: ${problem}`);
  else if (counts.declared === 0 && !options.filter) {
    counts.failed.push("the file itself: it has no test");
  }
  return { file, output, seconds, ...counts };
}

function run(program, args, { timeLimitS = FILE_TIME_LIMIT_S, cwd, env }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32", // a group of its own, to be ended whole
    });
    running.add(child);
    const timers = [];
    let output = "";
    let problem = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => void (output += text));
    }
    timers.push(setTimeout(() => {
      problem = `it hangs, not done after ${timeLimitS} s`;
      endWhole(child);
    }, timeLimitS * 1000));
    child.on("error", (error) => void (problem = error.message));
    child.on("exit", () => timers.push(setTimeout(() => endWhole(child), LEFTOVER_MS)));
    child.on("close", (status, signal) => {
      for (const timer of timers) clearTimeout(timer);
      endWhole(child);
      running.delete(child);
      if (status !== 0) problem ||= signal ? `killed by ${signal}` : `exit status ${status}`;
      resolve({ output, status, problem });
    });
  });
}

/** Ends a process and all that it started; on Windows only while the process itself still runs. */
function endWhole(child) {
  if (child.pid === undefined) return;
  if (process.platform !== "win32") {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing is left of it.
    }
  } else if (child.exitCode === null) {
    spawnSync("taskkill", ["/pid", `${child.pid}`, "/t", "/f"]);
  }
  child.stdout.destroy();
  child.stderr.destroy();
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const child of running) endWhole(child);
    process.exit(1);
  });
}

/** Counts the tests of a JUnit report; of one that was never written, none. */
function readReport(path, filter) {
  const tests = [];
  const suites = [];
  for (const [, close, tag, attributes, empty] of readText(path).matchAll(TAG)) {
    if (tag === "testcase" && !close) {
      tests.push({ name: [...suites.slice(1), attribute(attributes, "name")].join(" > ") });
    } else if (tag === "testsuite") {
      if (close) suites.pop();
      else if (!empty) suites.push(attribute(attributes, "name"));
    } else if (!close && tests.length > 0) {
      Object.assign(tests.at(-1), { end: tag, message: attribute(attributes, "message") });
    }
  }
  // The real `@std/testing/bdd` reports under Deno a suite beside its tests: that is not one more.
  const isSuite = ({ name, end, message = "" }) =>
    (end === undefined || / steps? failed$/.test(message)) &&
    tests.some((other) => other.name.startsWith(`${name} > `));
  const isFilteredOut = ({ name, end }) => end === "skipped" && filter && !name.includes(filter);
  const counted = tests.filter((test) => !isSuite(test) && !isFilteredOut(test));
  const names = (...ends) =>
    counted.filter(({ end }) => ends.includes(end)).map(({ name }) => name);
  return {
    declared: tests.length,
    allFilteredOut: tests.length > 0 && counted.length === 0,
    passed: names(undefined).length,
    failed: names("failure", "error"),
    skipped: names("skipped"),
  };
}

const TAG = /<(\/?)(testsuite|testcase|failure|error|skipped)\b([^>]*?)(\/?)>/g;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function attribute(attributes, name) {
  const text = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (all, decimal, hex, word) => {
    if (word) return ENTITIES[word] ?? all;
    return String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16));
  });
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Lines of a failed file's output that are shown once more beside its name, at the end. */
const LAST_LINES = 20;

function lastLines(output) {
  return indented(output.trimEnd().split("\n").slice(-LAST_LINES).join("\n"));
}

function indented(output) {
  return output.replaceAll(/^/gm, "  | ");
}

function printFile({ file, passed, failed, skipped, seconds, output }) {
  const counts = sentence({ passed, failed: failed.length, skipped: skipped.length });
  console.log(`  ${failed.length ? "FAIL" : "ok  "} ${file}: ${counts} (${seconds.toFixed(1)} s)`);
  if (failed.length > 0) console.log(indented(output.trimEnd()));
}
