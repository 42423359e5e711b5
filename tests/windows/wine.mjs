// Sets up Wine: a small Debian tree in the cache, with a Wine prefix in it. The packages are only
// unpacked, not installed, which takes seconds, needs no root and leaves the host as it is.

import { appendFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { fetchPackages } from "./apt.mjs";
import { cached } from "./cache.mjs";
import { run, StageError } from "./command.mjs";
import { runSession, WINE, WINESERVER } from "./session.mjs";
import { PACKAGES, RECIPE, SUITE } from "./versions.mjs";

const MINUTE = 60_000;

/** Runs a program in the tree that is being built. */
async function runInside(wine, command) {
  const result = await runSession({ mode: "build", wine, command, limitMs: 5 * MINUTE });
  if (result.code === 0) return;
  const why = result.timedOut ? "took too long" : `failed (${result.code})`;
  throw new StageError(`${command.join(" ")}, setting up Wine, ${why}:\n${result.output.trim()}`);
}

/** Says in one line that this machine doesn't allow what a session is made of. */
async function requireSessions(folder) {
  const probe = join(folder, "probe");
  for (const name of ["root/proc", "root/sys", "root/dev", "root/tmp", "root/run", "stage"]) {
    await mkdir(join(probe, name), { recursive: true });
  }
  const result = await runSession({
    mode: "build",
    wine: probe,
    // There is nothing in the tree to run: the attempt alone shows that all before it worked.
    command: ["/nothing"],
    limitMs: MINUTE,
  });
  if (/\/nothing/.test(result.output)) return;
  throw new StageError(
    "The Windows tests need mount and process namespaces: be root (in a container: with the " +
      "SYS_ADMIN capability), or have user namespaces allowed for ordinary users. " +
      `The attempt said: ${result.output.trim()}`,
  );
}

async function unpack(packages, root) {
  // The first one brings the links /bin, /lib ... into which others are unpacked.
  const isBase = (file) => basename(file).startsWith("base-files_");
  for (const file of packages.filter(isBase)) await run(["dpkg-deb", "--extract", file, root]);
  const rest = packages.filter((file) => !isBase(file));
  const worker = async () => {
    for (let file = rest.pop(); file; file = rest.pop()) {
      await run(["dpkg-deb", "--extract", file, root]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** What packages would have set up while being installed, as far as Wine needs it. */
async function configure(wine, libwine) {
  const root = join(wine, "root");
  await appendFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await appendFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n");
  // Without this script zlib1.dll is missing, and with it half of Wine.
  await run(["dpkg-deb", "--control", libwine, join(root, "setup")]);
  await runInside(wine, ["/bin/sh", "/setup/postinst", "configure"]);
  await rm(join(root, "setup"), { recursive: true });
}

/**
 * Makes the prefix, and drives for the folders that sessions mount. Wine finds no true name for a
 * file that isn't on the file system of its drive's root: then Bun reads no file at all.
 */
async function makePrefix(wine) {
  // The server writes the registry when it ends: the session may not end before.
  const script =
    `${WINE} wineboot --init && ${WINESERVER} --wait && test -s /root/.wine/system.reg`;
  await runInside(wine, ["/bin/sh", "-c", script]);
  for (const [drive, folder] of [["d:", "checkout"], ["r:", "runtime"]]) {
    await mkdir(join(wine, "root", folder));
    await symlink(`/${folder}`, join(wine, "root/root/.wine/dosdevices", drive));
  }
}

async function build(wine) {
  await requireSessions(wine);
  console.log("Setting up Wine, once for all runs: some 200 MB to fetch, 1.8 GB on disk");
  const apt = join(wine, "apt");
  const packages = await fetchPackages(apt, PACKAGES);
  const libwine = packages.find((file) => basename(file).startsWith("libwine_"));
  if (!libwine) throw new StageError("The packages fetched have no libwine among them.");
  await mkdir(join(wine, "root"));
  await mkdir(join(wine, "stage"));
  await unpack(packages, join(wine, "root"));
  await configure(wine, libwine);
  await makePrefix(wine);
  await writeFile(join(wine, "version"), basename(libwine).split("_")[1]);
  await rm(apt, { recursive: true });
  await rm(join(wine, "probe"), { recursive: true });
}

/** Gives the folder that holds Wine, after setting it up if need be. */
export function prepareWine() {
  return cached(`wine-${SUITE}-${RECIPE}`, build);
}
