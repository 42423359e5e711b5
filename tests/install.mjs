/**
 * Installs what the scripts of `package.json` need, on a machine that has only Node and npm.
 *
 *     node tests/install.mjs                  installs, if need be
 *     node tests/install.mjs deno ARGS...     and then runs the installed Deno (or bun) with ARGS
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const MODULES = join(ROOT, "node_modules");
const WINDOWS = process.platform === "win32";

/** Below this size a file is not the program but a note that it is still to be installed. */
const SMALLEST_PROGRAM_BYTES = 1 << 20;

/**
 * Brings `node_modules` up to date with the lock file. Says so on stderr, where it does not mix with
 * what a script prints.
 */
export function install() {
  if (!isUpToDate()) {
    console.error("Installing Deno, Bun and the tools into node_modules (once, about 250 MB) ...");
    runOrFail(...npm("ci", "--no-audit", "--no-fund", "--loglevel=error"));
  }
  // Where npm was told to run no install scripts, Bun's program is still in its package.
  if (!program("bun")) runOrFail(process.execPath, [join(MODULES, "bun", "install.js")]);
}

/** The path of the installed `deno` or `bun`: the program itself, not a script around it. */
export function programPath(name) {
  const path = program(name);
  if (!path) throw new Error(`No ${name} for ${process.platform}-${process.arch} in ${MODULES}`);
  return path;
}

function isUpToDate() {
  const installed = join(MODULES, ".package-lock.json"); // npm writes it when all else is done
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(join(ROOT, "package-lock.json")).mtimeMs;
}

function program(name) {
  const isProgram = (path) => existsSync(path) && statSync(path).size > SMALLEST_PROGRAM_BYTES;
  if (name === "bun") return [join(MODULES, "bun", "bin", "bun.exe")].find(isProgram);
  // Deno comes as its builds, of which npm installs the one for this machine. The package `deno` around
  // them would put a link into node_modules/.bin that the tasks of deno.json take for Deno, and fail.
  const builds = join(MODULES, "@deno");
  const file = WINDOWS ? "deno.exe" : "deno";
  return existsSync(builds)
    ? readdirSync(builds).map((build) => join(builds, build, file)).find(isProgram)
    : undefined;
}

/** How to call npm: through this Node where npm has started us, since Windows can't spawn `npm.cmd`. */
function npm(...args) {
  const cli = process.env.npm_execpath ?? "";
  if (/npm-cli\.[cm]?js$/.test(cli)) return [process.execPath, [cli, ...args]];
  return WINDOWS ? ["cmd.exe", ["/d", "/s", "/c", `npm ${args.join(" ")}`]] : ["npm", args];
}

function runOrFail(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  console.error(`${command} ${args.join(" ")}: ${error?.message ?? `exit status ${status}`}`);
  process.exit(1);
}

/** Runs `name` in this one's place: same terminal, same arguments, same end. */
function become(name, args) {
  const child = spawn(programPath(name), args, { cwd: ROOT, stdio: "inherit" });
  // An interrupt from the terminal reaches the child by itself: wait for how it ends.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (status, signal) => {
    process.exit(status ?? 128 + (constants.signals[signal] ?? 0));
  });
}

const isProgramItself = process.argv[1] !== undefined &&
  import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href;
if (isProgramItself) {
  const [name, ...args] = process.argv.slice(2);
  install();
  if (name) become(name, args);
}
