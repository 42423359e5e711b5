// Fetches the Windows builds of Deno and Bun: the packages that npm would install on Windows. The
// registry is the one that npm is set up for; npm checks what it gets.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "./cache.mjs";
import { run } from "./command.mjs";
import { CHECKOUT } from "./session.mjs";
import { RUNTIMES } from "./versions.mjs";

async function fetchPackage(folder, specifier) {
  console.log(`Fetching ${specifier}`);
  // `install` refuses a package for another system; `pack` doesn't, and changes no package.json.
  await run(["npm", "pack", "--ignore-scripts", "--pack-destination", folder, specifier], {
    cwd: CHECKOUT, // For its .npmrc.
  });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  await run(["tar", "-xzf", join(folder, tarball), "--strip-components=1", "-C", folder]);
  await rm(join(folder, tarball));
}

/** Gives the runtime's folder, after fetching it if need be, and its program as Windows sees it. */
export async function prepareRuntime(runtime) {
  const { name, version, program } = RUNTIMES[runtime];
  const specifier = `${name}@${version}`;
  const entry = `${name.slice(1).replace("/", "-")}-${version}`;
  const folder = await cached(entry, (partial) => fetchPackage(partial, specifier));
  return { folder, program: `R:\\${program}` };
}
