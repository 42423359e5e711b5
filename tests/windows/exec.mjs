// Runs a script under a Windows runtime, for a look by hand:
//
//   node tests/windows/exec.mjs deno run --allow-all examples/file-copy.ts FROM TO
//   node tests/windows/exec.mjs bun examples/file-copy.ts FROM TO
//
// Paths are relative to the checkout, which is drive D: in there; of the rest of this machine the
// program sees nothing, and what it writes elsewhere is forgotten. Sets up what's missing first.

import { requireHost, StageError } from "./command.mjs";
import { prepareRuntime } from "./runtimes.mjs";
import { startSession, WINE } from "./session.mjs";
import { RUNTIMES } from "./versions.mjs";
import { prepareWine } from "./wine.mjs";

async function main([runtime, ...args]) {
  if (!Object.hasOwn(RUNTIMES, runtime ?? "")) {
    throw new StageError("usage: node tests/windows/exec.mjs deno|bun ARGUMENT...");
  }
  requireHost();
  const wine = await prepareWine();
  const { folder, program } = await prepareRuntime(runtime);
  const child = startSession({
    mode: "live",
    wine,
    runtime: folder,
    command: [WINE, program, ...args],
    stdio: ["inherit", "inherit", "inherit", "ignore"],
  });
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
