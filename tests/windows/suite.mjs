// Runs test files under a Windows runtime, each in a session of its own: so a crash or a hang costs
// one file, and no file finds what another one left behind.

import { REPORT, runSession, WINE } from "./session.mjs";
import { parseReport } from "./junit.mjs";

/** Bun's pattern is a regular expression on the names with single spaces between them. */
function toPattern(filter) {
  return filter.replaceAll(" > ", " ").replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

const COMMANDS = {
  deno: (file, filter) => [
    "test",
    "--allow-all",
    "--no-check", // Types are checked apart from this, once.
    "--no-lock",
    `--junit-path=${REPORT}`,
    ...(filter ? [`--filter=${filter}`] : []),
    file,
  ],
  bun: (file, filter) => [
    "test",
    "--reporter=junit",
    `--reporter-outfile=${REPORT}`,
    ...(filter ? [`--test-name-pattern=${toPattern(filter)}`] : []),
    `./${file}`,
  ],
};

/**
 * Bun opens files by the name of their volume, which Wine doesn't know, and then by the usual name.
 * About that it complains, at each start.
 */
function withoutNoise(output) {
  return output.replaceAll(/^Internal error: directory mismatch for directory .*\n/gm, "").trim();
}

/** A failure of the file as a whole: it has no test to blame. */
function fileFailure(message) {
  return { name: "(the file)", outcome: "failed", message };
}

/** The tests of a session that has ended; a session that ended badly has a failure at least. */
function judge({ code, output, report, timedOut }, filter, limitMs) {
  if (timedOut) return [fileFailure(`stopped, still running after ${limitMs / 1000} s`)];
  const reported = parseReport(report);
  // Reports have what a filter left out as skipped.
  const tests = reported.filter(({ name, outcome }) =>
    outcome !== "skipped" || !filter || name.includes(filter)
  );
  if (report === "") return [fileFailure(`ended with code ${code} before it reported any test`)];
  if (code === 0 || tests.some(({ outcome }) => outcome === "failed")) return tests;
  if (filter && tests.length === 0 && /matched 0 tests/.test(output)) return tests;
  return [...tests, fileFailure(`ended with code ${code} though no test failed`)];
}

function count(tests) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of tests) counts[outcome]++;
  return counts;
}

/** As in the closing line of a stage. */
export function formatCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function indent(text) {
  return text.replaceAll(/^/gm, "        ");
}

function printFile(file, tests, output, seconds) {
  const { failed } = count(tests);
  const number = `${tests.length} test${tests.length === 1 ? "" : "s"}`;
  console.log(`  ${failed ? "FAIL" : "ok  "}  ${file} (${number}, ${seconds.toFixed(1)} s)`);
  if (failed > 0) console.log(indent(withoutNoise(output)));
}

function printList(title, tests) {
  if (tests.length === 0) return;
  console.log(`${title}:`);
  for (const { file, name, message } of tests) {
    const why = message ? `: ${message.split("\n")[0]}` : "";
    console.log(`  ${file}: ${name}${why}`);
  }
}

async function runFile(file, { runtime, wine, folder, program, filter, limitMs }) {
  const session = await runSession({
    mode: "test",
    wine,
    runtime: folder,
    command: [WINE, program, ...COMMANDS[runtime](file, filter)],
    limitMs,
  });
  return { tests: judge(session, filter, limitMs), ...session };
}

/**
 * Runs the files one after the other and prints what they come to; gives the counts. When the time
 * is up, the file then running and those that had no turn count as failed.
 */
export async function runSuite(files, options) {
  const { label, fileLimitMs, limitMs } = options;
  const end = Date.now() + limitMs;
  const all = [];
  for (const [index, file] of files.entries()) {
    const started = Date.now();
    const left = Math.min(fileLimitMs, end - started);
    const { tests, output, timedOut } = await runFile(file, { ...options, limitMs: left });
    printFile(file, tests, output, (Date.now() - started) / 1000);
    all.push(...tests.map((test) => ({ file, ...test })));
    if (timedOut && left < fileLimitMs) {
      console.log(`${label}: time is up after ${limitMs / 1000} s, while ${file} was running`);
      const rest = files.slice(index + 1);
      all.push(...rest.map((late) => ({ file: late, ...fileFailure("not run: time was up") })));
      break;
    }
  }
  printList(`${label}, skipped`, all.filter(({ outcome }) => outcome === "skipped"));
  printList(`${label}, failed`, all.filter(({ outcome }) => outcome === "failed"));
  return count(all);
}
