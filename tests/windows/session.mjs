// Starts programs under Wine, each in a session of its own (see session.sh).

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endingWithUs, hostEnv } from "./command.mjs";

const SCRIPT = fileURLToPath(new URL("./session.sh", import.meta.url));

/** The folder that the tests are part of. */
export const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));

export const WINE = "/usr/lib/wine/wine64";
export const WINESERVER = "/usr/lib/wine/wineserver64";

/** Where the program has to write its report, for the session to pass it on. */
export const REPORT = "Z:\\report.xml";

/** The host's variables are for the host's programs; only the project's own and these get in. */
function sessionEnv() {
  const env = {
    PATH: hostEnv.PATH,
    HOME: "/root",
    LC_ALL: "C.UTF-8", // Without it, Wine finds no name that isn't ASCII.
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    WINEPREFIX: "/root/.wine",
    WINELOADER: WINE,
    WINESERVER,
    WINEDEBUG: process.env.WINEDEBUG ?? "-all",
    // A crash is to end the program, not to start Wine's debugger on it.
    WINEDLLOVERRIDES: "winedbg.exe=d",
    DISPLAY: "",
    XDG_RUNTIME_DIR: "/run",
  };
  for (const [name, value] of Object.entries(process.env)) {
    if (name === "CI" || name.startsWith("IOCP_") && name !== "IOCP_CACHE") env[name] = value;
  }
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/**
 * The command line of a session. Killing the process that it becomes ends all there is in it. An
 * ordinary user is root in a user namespace; entering one drops the tie to us, so it is tied after.
 */
export function sessionCommand({ mode, wine, runtime = "", report = "", command }) {
  const asRoot = process.getuid() === 0 ? [] : ["unshare", "--user", "--map-root-user"];
  const namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
  const script = ["/bin/sh", SCRIPT, mode, wine, runtime, CHECKOUT, report];
  const session = [...asRoot, ...endingWithUs(namespaces), ...script, ...command];
  return ["env", "--ignore-environment", ...sessionEnv(), ...session];
}

/** Runs a session to its end or for `limitMs`. What it wrote on both outputs is `output`. */
export function runSession({ limitMs, ...session }) {
  const [program, ...args] = sessionCommand(session);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const result = { output: "", timedOut: false };
    const timer = setTimeout(() => {
      result.timedOut = true;
      child.kill("SIGKILL");
    }, limitMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => result.output += text);
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ ...result, code: code ?? signal });
    });
  });
}
