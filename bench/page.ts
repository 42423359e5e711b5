/**
 * A report as one page that needs nothing but itself: the figures, and a script that draws
 * them with Observable Plot.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { output, ROOT } from "./programs.ts";
import type { Report } from "./report.ts";

const PAGE = join(ROOT, "bench", "page");

/** Writes the page. Throws if esbuild, which puts the script together, is not installed. */
export async function writePage(file: string, report: Report): Promise<void> {
  const script = await bundled(join(PAGE, "draw.ts"));
  // In a script element nothing but its end has a meaning.
  const data = JSON.stringify(report).replaceAll("<", "\\u003c");
  const text = readFileSync(join(PAGE, "page.html"), "utf8")
    .replace("/* style */", () => readFileSync(join(PAGE, "page.css"), "utf8"))
    .replace("/* report */", () => data)
    .replace("/* draw */", () => script.replaceAll("</script", "<\\/script"));
  writeFileSync(file, text);
}

/** A module and all it imports as one script. */
async function bundled(path: string): Promise<string> {
  const command = [esbuildPath(), path, "--bundle", "--minify", "--format=iife", "--target=es2022"];
  return await output([...command, "--log-level=error", "--charset=utf8"]);
}

function esbuildPath(): string {
  const builds = join(ROOT, "node_modules", "@esbuild");
  const found = (existsSync(builds) ? readdirSync(builds) : [])
    .flatMap((build) => [join(builds, build, "bin", "esbuild"), join(builds, build, "esbuild.exe")])
    .find(existsSync);
  if (found !== undefined) return found;
  throw new Error("Cannot write the page: esbuild is not in node_modules; npm ci installs it");
}
