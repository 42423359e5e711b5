// Runs a script under a Windows runtime, for a look by hand:
//
//   node tests/windows/exec.mjs deno run --allow-all examples/file-copy.ts FROM TO
//   node tests/windows/exec.mjs bun examples/file-copy.ts FROM TO
//
// Paths are relative to the checkout, which is drive D: in there; of the rest of this machine the
// program sees nothing, and what it writes elsewhere is forgotten. Sets up what's missing first.
//
// Wine can't open files by the name of their volume, as Bun does at times. So Bun says "Internal
// error: directory mismatch" at its start, and some of its own functions (writeFile, readdir) fail
// with relative paths: give a script under Bun full ones, such as D:\README.md.

import { spawn } from "node:child_process";
import { requireHost, StageError } from "./command.mjs";
import { prepareRuntime } from "./runtimes.mjs";
import { sessionCommand, WINE } from "./session.mjs";
import { RUNTIMES } from "./versions.mjs";
import { prepareWine } from "./wine.mjs";

async function main([runtime, ...args]) {
  if (!Object.hasOwn(RUNTIMES, runtime ?? "")) {
    throw new StageError("usage: node tests/windows/exec.mjs deno|bun ARGUMENT...");
  }
  requireHost();
  const wine = await prepareWine();
  const { folder, program } = await prepareRuntime(runtime);
  const command = [WINE, program, ...args];
  const session = sessionCommand({ mode: "live", wine, runtime: folder, command });
  const child = spawn(session[0], session.slice(1), { stdio: "inherit" });
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  return code ?? 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof StageError ? error.message : error);
  process.exitCode = 1;
}
