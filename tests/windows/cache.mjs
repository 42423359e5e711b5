// Keeps what is slow to set up, outside the checkout. An entry is complete or absent: it is built
// under a name of its own and renamed at the end, by one process at a time.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { hostEnv, StageError } from "./command.mjs";

function cacheFolder() {
  const { IOCP_CACHE, XDG_CACHE_HOME } = process.env;
  return resolve(IOCP_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "iocp"));
}

/**
 * Holds a lock while `action` runs. Node has no file locks, so a child holds it, and lets go of it
 * when its standard input closes: also when this process is killed, so a lock is never stale.
 */
async function whileLocked(file, action) {
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo locked; exec cat"], {
    env: hostEnv,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const patience = setTimeout(
    () => console.log(`Waiting for another run to let go of ${file}`),
    2000,
  );
  try {
    await new Promise((locked, reject) => {
      holder.stdout.once("data", locked);
      holder.once("error", reject);
      holder.once("exit", () => reject(new StageError(`Can't lock ${file}`)));
    });
  } finally {
    clearTimeout(patience);
  }
  try {
    return await action();
  } finally {
    holder.stdin.end();
  }
}

/** Of runs that were killed; what they had started may still be writing, for some seconds more. */
async function removeLeftovers(folder, prefix) {
  const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 };
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    // Names are not used again, so what can't be removed now is in nobody's way.
    await rm(join(folder, name), options).catch(() => {});
  }
}

/** Gives the folder `name` of the cache; `build` fills it if it isn't there. */
export async function cached(name, build) {
  const folder = cacheFolder();
  const entry = join(folder, name);
  if (existsSync(entry)) return entry;
  await mkdir(folder, { recursive: true });
  await whileLocked(join(folder, `${name}.lock`), async () => {
    if (existsSync(entry)) return; // Another run built it while this one waited.
    const prefix = `${name}.partial-`;
    await removeLeftovers(folder, prefix);
    const partial = await mkdtemp(join(folder, prefix));
    try {
      await build(partial);
      await rename(partial, entry);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  });
  return entry;
}
