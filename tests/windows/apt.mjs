// Fetches Debian packages with the host's apt-get, but with lists, cache, status and configuration
// in a folder of their own: nothing of the host is changed, and no right is needed for it.

import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianSources } from "./apt-sources.mjs";
import { run, StageError } from "./command.mjs";
import { SUITE } from "./versions.mjs";

const HOST_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** How the host reaches its mirror (proxies, certificates, time-outs): taken over as it is. */
async function hostSettings() {
  const dump = await run(["apt-config", "dump"]);
  return dump.split("\n").filter((line) => /^Acquire::(?!IndexTargets)/.test(line));
}

/** Makes a private apt in `folder`. The host's hooks act on the host, so none of them is read. */
async function openApt(folder, { uris, signedBy }, suite) {
  await mkdir(join(folder, "lists/partial"), { recursive: true });
  await mkdir(join(folder, "archives/partial"), { recursive: true });
  await mkdir(join(folder, "none"));
  await writeFile(join(folder, "status"), ""); // No package counts as installed.
  const key = signedBy ?? (existsSync(HOST_KEYRING) ? HOST_KEYRING : undefined);
  const source = ["Types: deb", `URIs: ${uris}`, `Suites: ${suite}`, "Components: main"];
  if (key) source.push(`Signed-By: ${key}`);
  await writeFile(join(folder, "apt.sources"), `${source.join("\n")}\n`);
  const settings = {
    "Dir::Etc::main": join(folder, "none/apt.conf"),
    "Dir::Etc::parts": join(folder, "none"),
    "Dir::Etc::preferences": join(folder, "none/preferences"),
    "Dir::Etc::preferencesparts": join(folder, "none"),
    "Dir::Etc::sourcelist": join(folder, "apt.sources"),
    "Dir::Etc::sourceparts": join(folder, "none"),
    "Dir::State": folder,
    "Dir::State::status": join(folder, "status"),
    "Dir::Cache": folder,
    "Dir::Log": folder,
    "Acquire::Languages": "none",
    "APT::Architecture": "amd64",
    "APT::Architectures": "amd64",
    "APT::Install-Recommends": "false",
    "APT::Sandbox::User": "", // The usual one can't read a folder in someone's home.
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  const config = join(folder, "apt.conf");
  await writeFile(config, `${[...await hostSettings(), ...lines].join("\n")}\n`);
  const apt = (...args) =>
    run(["apt-get", "-qq", ...args], { env: { APT_CONFIG: config }, cwd: folder });
  await apt("update", "-o", "APT::Update::Error-Mode=any");
  return apt;
}

/** A host of long ago doesn't know the newer release's key: its own release has it, signed. */
async function fetchKeyring(folder, source) {
  const apt = await openApt(folder, source, source.suite);
  await apt("download", "debian-archive-keyring");
  const deb = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  await run(["dpkg-deb", "--extract", join(folder, deb), join(folder, "keyring")]);
  return join(folder, "keyring", HOST_KEYRING);
}

async function openVerified(folder, source) {
  try {
    return await openApt(join(folder, "apt"), source, SUITE);
  } catch (error) {
    if (!/NO_PUBKEY|not signed|couldn't be verified/i.test(error.message)) throw error;
  }
  const signedBy = await fetchKeyring(join(folder, "apt-keyring"), source);
  return openApt(join(folder, "apt-again"), { ...source, signedBy }, SUITE);
}

/** Fetches the packages and all they depend on; gives the paths of the files. */
export async function fetchPackages(folder, packages) {
  const sources = await debianSources();
  if (sources.length === 0) {
    throw new StageError(
      "The Windows tests need a Debian mirror: apt's sources on this machine name none.",
    );
  }
  const problems = [];
  for (const [index, source] of sources.entries()) {
    const place = join(folder, `source-${index}`);
    try {
      const apt = await openVerified(place, source);
      await apt("install", "--yes", "--download-only", ...packages);
      return await downloaded(place);
    } catch (error) {
      problems.push(error.message);
    }
  }
  throw new StageError(
    `Wine can't be fetched from the mirror in apt's sources.\n${problems.join("\n")}`,
  );
}

async function downloaded(place) {
  for (const name of ["apt-again", "apt"]) {
    const archives = join(place, name, "archives");
    if (!existsSync(archives)) continue;
    const files = (await readdir(archives)).filter((file) => file.endsWith(".deb"));
    if (files.length > 0) return files.map((file) => join(archives, file));
  }
  throw new StageError("apt-get fetched no package.");
}
