/**
 * Lines of digests, as `sha256sum` writes and reads them; and names in its messages.
 *
 * @module
 */

/** How lines of digests look. */
export interface LineOptions {
  /** `SHA256 (name) = digest`. */
  readonly tag: boolean;
  /** A `*` in front of the name. */
  readonly binary: boolean;
  /** Lines end with NUL, and names are as they are. */
  readonly zero: boolean;
}

/** The line of a file, with its end. */
export function formatLine(path: string, digest: string, options: LineOptions): string {
  const { tag, binary, zero } = options;
  const name = zero ? path : escaped(path);
  const body = tag ? `SHA256 (${name}) = ${digest}` : `${digest} ${binary ? "*" : " "}${name}`;
  return `${name === path ? "" : "\\"}${body}${zero ? "\0" : "\n"}`;
}

/** What a line to check says. */
export interface Expected {
  readonly path: string;
  readonly digest: string;
}

/** Reads a line without its end; `null` if it is none of these. */
export function parseLine(line: string): Expected | null {
  const match = /^[ \t]*(\\?)SHA256 \((.*)\)[ \t]*=[ \t]*([0-9a-fA-F]{64})$/s.exec(line);
  const [isEscaped, name, digest] = match === null
    ? partsOfPlain(line)
    : [match[1], match[2], match[3]];
  if (name === "") return null;
  const path = isEscaped === "" ? name : unescaped(name);
  return path === null ? null : { path, digest: digest.toLowerCase() };
}

function partsOfPlain(line: string): readonly [isEscaped: string, name: string, digest: string] {
  const [, isEscaped = "", digest = "", name = ""] =
    /^[ \t]*(\\?)([0-9a-fA-F]{64})[ \t][ *](.+)$/s.exec(line) ?? [];
  return [isEscaped, name, digest];
}

/** A name in a line of digests, where `\`, line feed and carriage return would mislead. */
export function escaped(name: string): string {
  return name.replace(
    /[\\\n\r]/g,
    (char) => char === "\n" ? "\\n" : char === "\r" ? "\\r" : "\\\\",
  );
}

/** The name that was escaped like this; `null` if none was. */
function unescaped(name: string): string | null {
  if (/\\(?![\\nr])/.test(name.replaceAll("\\\\", ""))) return null;
  return name.replace(/\\(.)/g, (_, char) => char === "n" ? "\n" : char === "r" ? "\r" : "\\");
}

/** A name in front of `: OK`: only a line break makes that two lines. */
export function checkedName(path: string): string {
  return path.includes("\n") ? `\\${escaped(path)}` : path;
}

/** A name in a message, quoted as for a shell where it needs to be. */
export function quoted(name: string): string {
  if (/^[^\s\p{Cc}"'`\\$&;<>|()[\]{}*?!~#^=]+$/u.test(name)) return name;
  if (name.includes("'") && !/["`\\$\p{Cc}!]/u.test(name)) return `"${name}"`;
  const pieces = name.split(/([\p{Cc}]+|'+)/u).map((piece, index) => {
    if (index % 2 === 0) return piece === "" ? "" : `'${piece}'`;
    return piece.startsWith("'") ? piece.replaceAll("'", "\\'") : `$'${controls(piece)}'`;
  });
  return pieces.join("") || "''";
}

function controls(text: string): string {
  const names: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return [...text].map((char) =>
    names[char] ?? `\\${char.codePointAt(0)!.toString(8).padStart(3, "0")}`
  ).join("");
}
