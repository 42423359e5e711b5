/**
 * The examples of the README and of the docs beside the code run as they stand.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Folder, isBun } from "./conformance/fixture.ts";
import { withoutNoise } from "./examples/tool.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the examples import, by the name they use for it. */
const ENTRANCES: Readonly<Record<string, string>> = {
  "@iocp/iocp": "mod.ts",
  "@iocp/iocp/thread": "src/pool/thread.ts",
  "@iocp/iocp/system": "src/system/system.ts",
};

interface Example {
  readonly name: string;
  readonly code: string;
}

/** The example's code is all text between its fences, without the stars of a comment. */
function examplesOf(path: string): Example[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(/^( *\* )?```ts\n([^]*?)^ *(?:\* )?```$/gm)].map((found, index) => ({
    name: `${path}, example ${index + 1}`,
    code: found[1] === undefined ? found[2] : found[2].replace(/^ *\* ?/gm, ""),
  }));
}

function sources(): string[] {
  const inside = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${path.replaceAll(sep, "/")}`);
  return ["README.md", "mod.ts", ...inside.sort()];
}

/** The code with this repository in the place of the package. */
function local(code: string): string {
  return code.replace(/"(?:jsr:)?(@iocp\/iocp(?:\/\w+)?)"/g, (whole, name: string) => {
    const path = ENTRANCES[name];
    return path === undefined ? whole : JSON.stringify(pathToFileURL(join(ROOT, path)).href);
  });
}

/** Writes the files of the example, each behind a comment with its name, and returns the first. */
function write(folder: Folder, code: string): string {
  const parts = code.split(/^\/\/ (\w+\.ts)$/m);
  if (parts.length === 1) parts.unshift("", "main.ts");
  for (let i = 1; i < parts.length; i += 2) {
    writeFileSync(folder.path(parts[i]), `${local(parts[i + 1])}\nexport {};\n`);
  }
  return folder.path(parts[1]);
}

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

function run(path: string): Promise<Run> {
  const command = isBun ? ["run", path] : ["run", "--allow-all", "--no-check", path];
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  return new Promise((resolve) => {
    child.on("close", (status) => resolve({ status, output, errors: withoutNoise(errors) }));
  });
}

describe("examples of the docs", () => {
  const examples = sources().flatMap(examplesOf);

  it("are found", () => {
    assertEquals(examples.length >= 17, true);
  });

  for (const { name, code } of examples) {
    it(`${name} runs, and says what it is said to say`, async () => {
      using folder = new Folder();
      const { status, output, errors } = await run(write(folder, code));
      assertEquals([status, errors], [0, ""]);
      // What stands in a comment behind a console.log.
      for (const [, said] of code.matchAll(/console\.log\(.*\); \/\/ ([\w ]+)$/gm)) {
        assertStringIncludes(output, said);
      }
    });
  }
});
