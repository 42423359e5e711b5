/**
 * Prints or checks the SHA-256 digests of all files below a folder, as `sha256sum` does:
 *
 *     deno task hash FOLDER > SUMS
 *     bun run examples/hash-tree.ts --check SUMS
 *     npm run hash -- FOLDER
 *
 * `--help` says the rest. The files are hashed in the threads of a pool, each of which
 * has reads of many files in flight: `hash-tree/reader.ts`. While these start, or where it
 * is not worth their while, the main thread does the same.
 *
 * @module
 */

import process from "node:process";
import { type HashOptions, HELP, readArguments } from "./hash-tree/arguments.ts";
import { checkList } from "./hash-tree/check.ts";
import { hashAll, ThreadFailure } from "./hash-tree/hasher.ts";
import { formatLine, quoted } from "./hash-tree/lines.ts";
import { filesAt, isFolder } from "./hash-tree/tree.ts";
import { type Screen, screenOf } from "./program/screen.ts";

/** Runs the tool with the arguments after its name. Returns the exit status. */
export async function main(
  args: readonly string[],
  screen: Screen = screenOf("hash-tree"),
): Promise<number> {
  const command = readArguments(args);
  if (command.kind === "help") {
    screen.write(HELP);
    return 0;
  }
  if (command.kind === "mistake") {
    screen.complain(`${command.message}\nTry --help.`);
    return 1;
  }
  try {
    if (command.kind === "hash") return await hash(command.paths, command.options, screen);
    let status = 0;
    for (const list of command.lists) {
      if (!await checkList(list, command.options, screen)) status = 1;
    }
    return status;
  } catch (error) {
    if (!(error instanceof ThreadFailure)) throw error;
    screen.complain(error.message);
    return 1;
  }
}

async function hash(
  paths: readonly string[],
  options: HashOptions,
  screen: Screen,
): Promise<number> {
  let status = 0;
  const threads = paths.some(isFolder) ? options.threads : Math.min(options.threads, paths.length);
  await hashAll(paths.map(filesAt), { ...options, threads }, (results) => {
    let text = "";
    for (const { path, digest, reason } of results) {
      if (reason === null) {
        text += formatLine(path, digest, options);
        continue;
      }
      status = 1;
      screen.complain(`${quoted(path)}: ${reason}`);
    }
    if (text !== "") screen.write(text);
  });
  return status;
}

if (import.meta.main) {
  // Whoever reads the lines wants no more of them.
  process.stdout.on("error", () => process.exit(1));
  process.exitCode = await main(process.argv.slice(2));
}
