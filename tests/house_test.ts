/**
 * The rules of the house, checked: where imports may go, how long files and
 * functions are, what must not be written.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CODE = ["mod.ts", "src", "tests", "examples", "bench"];

/** Tables: rows of data, for which a length means nothing. */
const TABLES: string[] = ["src/system/status.ts", "src/system/linux/layout.ts"];

const LONGEST_FILE = 400;
const LONGEST_FUNCTION = 70;

interface Source {
  readonly path: string;
  readonly text: string;
}

function read(folder: string): Source[] {
  if (folder.endsWith(".ts")) {
    return [{ path: folder, text: readFileSync(join(ROOT, folder), "utf8") }];
  }
  let entries;
  try {
    entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  } catch {
    return []; // A folder that a later part of the house brings.
  }
  return entries
    .filter((entry) => entry.isDirectory() || entry.name.endsWith(".ts"))
    .flatMap((entry) => read(`${folder}/${entry.name}`));
}

const sources = CODE.flatMap(read);
const library = sources.filter(({ path }) => path === "mod.ts" || path.startsWith("src/"));

/** The text without comments, lines kept, so that words in prose are not taken for code. */
function code(text: string): string {
  return text
    .replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[^:"'`\\])\/\/[^\n]*/g, "$1");
}

/** The rooms, lowest first: a file imports from its own room and from those before it. */
const ROOMS = ["ffi", "system", "core", "handles", "pool", "mod"];

/** Which rooms each room may enter: `ffi` only from `system` and, for views, from `core`. */
const ENTRANCES: Readonly<Record<string, readonly string[]>> = {
  ffi: ["ffi"],
  system: ["ffi", "system"],
  core: ["ffi", "system", "core"],
  handles: ["system", "core", "handles"],
  pool: ["core", "handles", "pool"],
  mod: ["ffi", "core", "handles", "pool", "mod"],
};

function roomOf(path: string): string {
  return path.startsWith("src/") ? path.split("/")[1] : "mod";
}

function importsOf({ path, text }: Source): string[] {
  return [...code(text).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)]
    .map((match) => match[1])
    .map((name) => name.startsWith(".") ? posix.join(posix.dirname(path), name) : name);
}

function lines(check: (source: Source) => string[], files: Source[] = library): string[] {
  return files.flatMap((source) => check(source).map((text) => `${source.path}: ${text}`));
}

/** Functions and methods by their indentation: `deno fmt` closes each where it began. */
function longFunctions({ text }: Source): string[] {
  const found: string[] = [];
  const rows = text.split("\n");
  rows.forEach((row, start) => {
    const head = /^(\s*)(?:export )?(?:async )?(?:static )?(?:function\*? )?[\w#*]+.*\(.*\{$/.exec(
      row,
    );
    if (head === null || /^\s*(?:if|for|while|switch|return|describe|it)\b/.test(row)) return;
    const length = rows.slice(start).findIndex((row) => row === `${head[1]}}`);
    if (length > LONGEST_FUNCTION) found.push(`line ${start + 1} begins ${length} lines`);
  });
  return found;
}

describe("house", () => {
  it("rooms import downwards only", () => {
    const wrong = lines((source) =>
      importsOf(source)
        .filter((name) => name.startsWith("src/") || name === "mod.ts")
        .filter((name) => !ENTRANCES[roomOf(source.path)].includes(roomOf(name)))
    );
    assertEquals(wrong, []);
    assertEquals(Object.keys(ENTRANCES), ROOMS);
  });

  it("the library imports nothing but itself and bun:ffi", () => {
    const allowed = /^(?:src\/|mod\.ts$|bun:ffi$)/;
    assertEquals(lines((source) => importsOf(source).filter((name) => !allowed.test(name))), []);
  });

  it("the two systems do not know each other", () => {
    const wrong = lines((source) =>
      importsOf(source).filter((name) =>
        source.path.startsWith("src/system/linux/") && name.includes("/windows/") ||
        source.path.startsWith("src/system/windows/") && name.includes("/linux/")
      )
    );
    assertEquals(wrong, []);
  });

  it("only src/ffi knows the runtimes and holds pointers", () => {
    const runtime = /\bDeno\b|\bBun\b|bun:ffi|UnsafePointer|\bdlopen\b/g;
    const wrong = lines((source) =>
      source.path.startsWith("src/ffi/") ? [] : code(source.text).match(runtime) ?? []
    );
    assertEquals(wrong, []);
  });

  it("only src/system knows which system it is", () => {
    const wrong = lines((source) =>
      source.path.startsWith("src/system/") || source.path.startsWith("src/ffi/")
        ? []
        : code(source.text).match(/\bsystem\.name\b|\bplatform\b/g) ?? []
    );
    assertEquals(wrong, []);
  });

  it(`files have at most ${LONGEST_FILE} lines`, () => {
    const wrong = lines((source) => {
      const length = source.text.split("\n").length - 1;
      return length > LONGEST_FILE && !TABLES.includes(source.path) ? [`${length} lines`] : [];
    }, sources);
    assertEquals(wrong, []);
  });

  it(`functions have at most ${LONGEST_FUNCTION} lines`, () => {
    assertEquals(lines(longFunctions), []);
  });

  it("nothing comes between a call and the question for its last error", () => {
    // As the next argument or statement; other functions could begin or return before it is asked.
    const next =
      /\)(?:,|;\s*const \w+ =|;\s*(?:return|const \w+ =) \w+\(\w+,)\s*k\.GetLastError\(\)/g;
    const wrong = lines((source) => {
      if (!source.path.startsWith("src/system/windows/")) return [];
      const text = code(source.text);
      const [asked, well] = [text.match(/GetLastError/g) ?? [], text.match(next) ?? []];
      return asked.slice(well.length);
    });
    assertEquals(wrong, []);
  });

  it("nothing is of type any, and no check is switched off", () => {
    const forbidden = /(?:\bas|[:<|]) *any\b|@ts-ignore|@ts-nocheck|deno-lint-ignore/g;
    const wrong = lines((source) => {
      if (source.path === "tests/house_test.ts") return [];
      const typed = code(source.text).replace(/"[^"\n]*"|`[^`]*`/g, '""');
      return [
        ...typed.match(forbidden) ?? [],
        ...source.text.match(/@ts-\w+|deno-lint-\w+/g) ?? [],
      ];
    }, sources);
    assertEquals(wrong, []);
  });

  it("the library writes nothing to the console and leaves no note for later", () => {
    const wrong = lines((source) => [
      ...code(source.text).match(/\bconsole\.\w+/g) ?? [],
      ...source.text.match(/\b(?:TODO|FIXME|XXX|HACK)\b/g) ?? [],
    ]);
    assertEquals(wrong, []);
  });

  it("no file is named for what it is not about", () => {
    const vague = /(?:util|helper|manager|misc|common)/i;
    assertEquals(sources.map(({ path }) => path).filter((path) => vague.test(path)), []);
  });

  it("every module says what it is for", () => {
    const wrong = lines(({ text }) => /^\/\*\*[^]*?@module/.test(text) ? [] : ["no @module"]);
    assertEquals(wrong, []);
  });
});
