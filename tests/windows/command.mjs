// Runs the programs of the host that the stage is built from.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** An error whose message is all that its reader needs: printed without a stack. */
export class StageError extends Error {}

/** System folders too, which an ordinary user's PATH may lack: `mount` and its like are there. */
const PATH = [process.env.PATH, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(delimiter);

/** The environment in which `run` and sessions find programs. */
export const hostEnv = { ...process.env, PATH };

/** Which Debian package brings each program needed, for those who lack it. */
const PROGRAMS = {
  "apt-get": "apt",
  "apt-config": "apt",
  "dpkg-deb": "dpkg",
  tar: "tar",
  npm: "npm",
  flock: "util-linux",
  mount: "mount",
  setpriv: "util-linux",
  unshare: "util-linux",
};

function isInstalled(program) {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Says in one line what this machine lacks, if anything. */
export function requireHost() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new StageError("The Windows tests run under Wine and need Linux on x86-64.");
  }
  const missing = Object.keys(PROGRAMS).filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    const list = missing.map((program) => `${program} (package ${PROGRAMS[program]})`);
    throw new StageError(`The Windows tests need ${list.join(", ")}: not found on this machine.`);
  }
}

/**
 * The command line that ends with this process, however that ends: a killed run must not leave
 * something behind that still writes to the cache.
 */
export function endingWithUs(command) {
  return ["setpriv", "--pdeathsig", "KILL", ...command];
}

/** Runs a program to its end and gives what it wrote to its standard output. */
export function run(command, { env = {}, cwd } = {}) {
  const [program, ...args] = endingWithUs(command);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...hostEnv, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8").on("data", (text) => output[stream] += text);
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output.stdout);
      const said = `${output.stderr}${output.stdout}`.trim();
      reject(new StageError(`${command.join(" ")} failed (${signal ?? code}):\n${said}`));
    });
  });
}
