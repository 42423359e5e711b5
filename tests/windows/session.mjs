// Starts programs under Wine, each in a session of its own (see session.sh).

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endingWithUs, hostEnv } from "./command.mjs";

const SCRIPT = fileURLToPath(new URL("./session.sh", import.meta.url));

/** The folder that the tests are part of. */
export const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));

export const WINE = "/usr/lib/wine/wine64";
export const WINESERVER = "/usr/lib/wine/wineserver64";

/** Where the report of a test run has to be written, for the session to pass it on. */
export const REPORT = "Z:\\report.xml";

/** The host's variables are for the host's programs; only the project's own and these get in. */
function sessionEnv() {
  const env = {
    PATH: hostEnv.PATH,
    HOME: "/root",
    LANG: "C.UTF-8",
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
  return env;
}

/**
 * The command line of a session. Killing the process that it becomes ends all there is in it. An
 * ordinary user is root in a user namespace; entering one drops the tie to us, so it is tied after.
 */
function sessionCommand(mode, wine, runtime, command) {
  const asRoot = process.getuid() === 0 ? [] : ["unshare", "--user", "--map-root-user"];
  const namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
  const script = ["/bin/sh", SCRIPT, mode, wine, runtime, CHECKOUT];
  return [...asRoot, ...endingWithUs(namespaces), ...script, ...command];
}

/** Starts a session; `stdio` is as for Node's `spawn`, and the fourth gets the report. */
export function startSession({ mode, wine, runtime = "", command, stdio }) {
  const [program, ...args] = sessionCommand(mode, wine, runtime, command);
  return spawn(program, args, { env: sessionEnv(), stdio });
}

/** Runs a session to its end or for `limitMs`. What it wrote on both outputs is `output`. */
export function runSession({ limitMs, ...session }) {
  return new Promise((resolve, reject) => {
    const child = startSession({ ...session, stdio: ["ignore", "pipe", "pipe", "pipe"] });
    const result = { output: "", report: "", timedOut: false };
    const timer = setTimeout(() => {
      result.timedOut = true;
      child.kill("SIGKILL");
    }, limitMs);
    const take = (stream, key) => stream.setEncoding("utf8").on("data", (s) => result[key] += s);
    take(child.stdout, "output");
    take(child.stderr, "output");
    take(child.stdio[3], "report");
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ ...result, code: code ?? signal });
    });
  });
}
