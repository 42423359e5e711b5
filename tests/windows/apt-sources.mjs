// Reads where this machine's apt fetches Debian from, so that no mirror is named in this project.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { SUITE } from "./versions.mjs";

const WELL_KNOWN = [SUITE, "stable", "oldstable", "testing", "unstable", "sid"];

/** Entries of the older format: `deb [options] URI suite component...`. */
function parseLines(text) {
  const entries = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+([^#]+)/.exec(line);
    if (!match) continue;
    const [, options = "", uri, rest] = match;
    const [suite, ...components] = rest.trim().split(/\s+/);
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1].replaceAll(",", " ");
    entries.push({ uris: uri, suites: [suite], components, signedBy });
  }
  return entries;
}

/** Entries of the newer format: paragraphs of fields, which may go on in indented lines. */
function parseParagraphs(text) {
  const entries = [];
  const paragraphs = text.replaceAll(/^#.*\n?/gm, "").split(/\n[ \t]*\n/);
  for (const paragraph of paragraphs) {
    const fields = new Map();
    for (const [, name, value] of paragraph.matchAll(/^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.trimEnd());
    }
    const words = (name) => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb") || /^(no|false)$/i.test(fields.get("enabled"))) continue;
    entries.push({
      uris: words("uris").join(" "),
      suites: words("suites"),
      components: words("components"),
      signedBy: fields.get("signed-by"), // As it stands: it may be a key of many lines.
    });
  }
  return entries;
}

function parseFile(file) {
  const text = readFileSync(file, "utf8");
  return file.endsWith(".sources") ? parseParagraphs(text) : parseLines(text);
}

async function sourceFiles() {
  const query = ["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f"];
  const answer = await run([...query, "PARTS", "Dir::Etc::sourceparts/d"]);
  const list = /^LIST='(.*)'$/m.exec(answer)?.[1] ?? "/etc/apt/sources.list";
  const parts = /^PARTS='(.*)'$/m.exec(answer)?.[1] ?? "/etc/apt/sources.list.d";
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const files = names.filter((name) => /\.(list|sources)$/.test(name));
  return [list, ...files.map((name) => join(parts, name))].filter((file) => existsSync(file));
}

/**
 * The entries by which this machine gets its own Debian release: the mirrors that have the others
 * too. Entries of other projects have suites of other names, and are left alone.
 */
export async function debianSources() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const own = /^VERSION_CODENAME="?([\w-]+)/m.exec(release)?.[1];
  const wanted = own ? [own, ...WELL_KNOWN] : WELL_KNOWN;
  const entries = (await sourceFiles()).flatMap(parseFile);
  return entries
    .filter(({ uris, components }) => components.includes("main") && !uris.startsWith("cdrom:"))
    .map((entry) => ({ ...entry, suite: wanted.find((name) => entry.suites.includes(name)) }))
    .filter(({ suite }) => suite !== undefined);
}
