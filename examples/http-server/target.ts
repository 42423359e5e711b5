/**
 * Which file a request asks for: the way from its target to a path below the folder
 * that is served, and never out of it.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";

/** What no name has on Windows: separators and wildcards, and ends that it drops. */
const NO_NAME = /[/\\:*?"<>|]|[. ]$/;
/** Names that Windows takes for devices, whatever stands behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|$)/i;

/**
 * The names on the way to what `target` asks for, below the served folder; the last is empty
 * where it ends with a slash. Each is the name of one entry of a folder: no separator, no `..`. None
 * begins with a dot: hidden files are not served.
 *
 * @throws {Refusal} 400 for what is no path, 404 for one that cannot be there.
 */
export function readTarget(target: string, isWindows: boolean): string[] {
  const [path] = originForm(target).split("?", 1);
  const names = path.slice(1).split("/").map(decode);
  names.forEach((name, index) => {
    if (name === "" && index === names.length - 1) return;
    if (!isName(name, isWindows)) throw new Refusal(404, "there is no such file");
  });
  return names;
}

/** A request may name the server too (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith("/")) return target;
  const parts = /^https?:\/\/[^/?#]+([/?][^#]*)?$/i.exec(target);
  if (parts === null) throw new Refusal(400, "its target is no path");
  const [, path = "/"] = parts;
  return path.startsWith("/") ? path : `/${path}`;
}

function decode(name: string): string {
  if (!name.includes("%")) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    throw new Refusal(400, "its target is no text in UTF-8");
  }
}

function isName(name: string, isWindows: boolean): boolean {
  if (name === "" || name.startsWith(".") || /[/\p{Cc}]/u.test(name)) return false;
  return !isWindows || !NO_NAME.test(name) && !DEVICE.test(name);
}
