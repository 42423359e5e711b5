// The bench under a Windows runtime, under Wine on Linux:
//
//     npm run bench:windows -- [deno|bun] [ARGUMENT...]
//
// The rivals in C are compiled here, by mingw (Debian: gcc-mingw-w64-x86-64), because there is no compiler
// under Wine; without mingw they are left out. Without arguments: post-take and overhead under Deno.
// Wine says how ours is to C on the same kernel32, never how fast Windows is.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const BENCH = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(BENCH);
const MINGW = "x86_64-w64-mingw32-gcc";

/** Where the session finds the checkout, the only part of this machine that it sees. */
const CHECKOUT = "D:\\";

function compile(folder) {
  const program = join(folder, "post-take.exe");
  const source = join(BENCH, "rivals", "post-take.c");
  const { error, status } = spawnSync(MINGW, ["-O2", "-o", program, source], { stdio: "inherit" });
  if (error?.code === "ENOENT") {
    console.error(`${MINGW} is not installed: the rivals in C are left out`);
  } else if (status !== 0) process.exit(1);
}

const [first = "deno", ...others] = process.argv.slice(2);
const isRuntime = first === "deno" || first === "bun";
const runtime = isRuntime ? first : "deno";
const rest = isRuntime ? others : [first, ...others];
const args = rest.length > 0 ? rest : ["post-take", "overhead"];
const run = runtime === "deno" ? ["run", "--allow-all", "--no-check"] : [];

const folder = mkdtempSync(join(ROOT, ".bench-"));
try {
  compile(folder);
  const command = [runtime, ...run, `${CHECKOUT}bench\\bench.ts`, ...args];
  const exec = join(ROOT, "tests", "windows", "exec.mjs");
  const env = { ...process.env, IOCP_BENCH_PROGRAMS: CHECKOUT + basename(folder) };
  const { status } = spawnSync(process.execPath, [exec, ...command], { stdio: "inherit", env });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
