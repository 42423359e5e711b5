import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { spawnSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Folder, isLinux, isWindows, itUnless } from "../conformance/fixture.ts";
import { contentOf, copyTool, type Ended, run, toolCommand } from "./tool.ts";

const unlessLinks = isWindows && "links need a privilege on Windows";
const unlessSpecial = isWindows && "Windows keeps no pipes or sockets in folders";

/** One line that has `words` in it, status 1, and `folder` as it was before. */
async function assertRefused(folder: Folder, args: string[], words: RegExp): Promise<void> {
  const before = contentOf(folder.path(""));
  const { status, printed, complained } = await copyTool(...args);
  assertEquals([status, printed, complained.length], [1, [], 1], complained.join("\n"));
  assertMatch(complained[0], words);
  assertEquals(complained[0].includes("\n"), false);
  assertEquals(contentOf(folder.path("")), before);
}

describe("file-copy refuses", () => {
  it("a source that is not there", async () => {
    using folder = new Folder();
    const [none, target] = [folder.path("none"), folder.path("target")];
    await assertRefused(folder, [none, target], /^cannot read .*none: No such file or folder$/);
    folder.file("file");
    const within = join(folder.path("file"), "none");
    await assertRefused(folder, [within, target], /^cannot read .*none: No such file or folder$/);
    if (isWindows) return; // Its paths have no such characters.
    const odd = folder.path("line\nbreak");
    await assertRefused(folder, [odd, target], /^cannot read ".*line\\nbreak": No such/);
  });

  it("a target that is the source, by whichever path", async () => {
    using folder = new Folder();
    const file = folder.file("file", "content");
    mkdirSync(folder.path("in"));
    const same = /^cannot copy .*file to .*: They are the same file$/;
    await assertRefused(folder, [file, file], same);
    await assertRefused(folder, [file, folder.path("")], same);
    await assertRefused(folder, [file, join(folder.path("in"), "..", ".", "file")], same);
    await assertRefused(
      folder,
      [folder.path("in"), join(folder.path("in"), "..", "in")],
      /^cannot copy .*in to .*in: They are the same folder$/,
    );
  });

  it("a target that is the source by a hard link", async () => {
    using folder = new Folder();
    const paths = [folder.file("file", "content"), folder.path("twin")];
    linkSync(paths[0], paths[1]);
    await assertRefused(folder, paths, /They are the same file$/);
    await assertRefused(folder, paths.reverse(), /They are the same file$/);
  });

  itUnless(unlessLinks, "a target that is the source by a link", async () => {
    using folder = new Folder();
    const files = [folder.file("file", "content"), folder.path("link")];
    symlinkSync("file", files[1]);
    await assertRefused(folder, files, /They are the same file$/);
    await assertRefused(folder, files.reverse(), /They are the same file$/);
    mkdirSync(folder.path("in"));
    symlinkSync("in", folder.path("in-link"));
    const folders = [folder.path("in"), folder.path("in-link")];
    await assertRefused(folder, folders, /They are the same folder$/);
    await assertRefused(folder, folders.reverse(), /They are the same folder$/);
  });

  it("a target in a folder that is not there, or in a file", async () => {
    using folder = new Folder();
    const file = folder.file("file", "content");
    mkdirSync(folder.path("tree"));
    for (const source of [file, folder.path("tree")]) {
      const missing = join(folder.path("none"), "target");
      await assertRefused(
        folder,
        [source, missing],
        /^cannot write .*target: There is no folder to put it in$/,
      );
      await assertRefused(folder, [source, join(file, "target")], /^cannot write .*: .* no folder/);
    }
    await assertRefused(folder, [file, folder.path("new") + "/"], /: There is no such folder$/);
  });

  it("a target inside the source", async () => {
    using folder = new Folder();
    mkdirSync(join(folder.path("tree"), "deep"), { recursive: true });
    writeFileSync(join(folder.path("tree"), "file"), "content");
    for (const way of [["new"], ["deep"], ["deep", "new"], ["deep", "..", "new"], ["..x"]]) {
      await assertRefused(
        folder,
        [folder.path("tree"), join(folder.path("tree"), ...way)],
        /^cannot copy .*tree to .*: The target is inside the source$/,
      );
    }
    const beside = await copyTool(folder.path("tree"), folder.path("tree-2"));
    assertEquals(beside.status, 0, "a longer name is not inside");
  });

  itUnless(unlessLinks, "a target inside the source by a link", async () => {
    using folder = new Folder();
    mkdirSync(join(folder.path("tree"), "deep"), { recursive: true });
    symlinkSync(join("tree", "deep"), folder.path("link"));
    for (const target of [folder.path("link"), join(folder.path("link"), "new")]) {
      await assertRefused(folder, [folder.path("tree"), target], /The target is inside the source/);
    }
  });

  it("a folder where a file is needed, and the other way round", async () => {
    using folder = new Folder();
    const file = folder.file("file", "content");
    mkdirSync(join(folder.path("in"), "file"), { recursive: true });
    mkdirSync(join(folder.path("tree"), "deep"), { recursive: true });
    await assertRefused(folder, [file, folder.path("in")], /file: It is a folder, and a file/);
    await assertRefused(folder, [folder.path("in"), file], /file: It is a file, and a folder/);
    const tree = folder.path("tree");
    writeFileSync(join(tree, "file"), "content");
    await assertRefused(folder, [tree, folder.path("in")], /file: It is a folder, and a file/);
    mkdirSync(folder.path("there"));
    folder.file(join("there", "deep"), "a file");
    await assertRefused(folder, [tree, folder.path("there")], /deep: It is no folder, and a/);
  });

  itUnless(unlessLinks, "links that lead nowhere, or a link where a folder is needed", async () => {
    using folder = new Folder();
    const file = folder.file("file", "content");
    symlinkSync("none", folder.path("nowhere"));
    await assertRefused(folder, [folder.path("nowhere"), folder.path("x")], /No such file/);
    await assertRefused(folder, [file, folder.path("nowhere")], /: It is a link that leads/);
    mkdirSync(join(folder.path("tree"), "deep"), { recursive: true });
    mkdirSync(folder.path("there"));
    symlinkSync("..", join(folder.path("there"), "deep"));
    await assertRefused(folder, [folder.path("tree"), folder.path("there")], /deep: It is no fold/);
  });

  itUnless(unlessSpecial, "pipes, devices and sockets as SRC or DST", async () => {
    using folder = new Folder();
    const file = folder.file("file", "content");
    const neither = /: It is neither a file nor a folder$/;
    const target = folder.path("target");
    for (const special of ["/dev/null", folder.path("pipe")]) {
      if (special !== "/dev/null") spawnSync("mkfifo", [special]);
      const before = readdirSync(folder.path(""));
      const [from, to] = [await copyTool(special, target), await copyTool(file, special)];
      assertEquals([from.status, to.status], [1, 1]);
      for (const { complained } of [from, to]) assertMatch(complained.join("\n"), neither);
      assertEquals(readdirSync(folder.path("")), before);
    }
  });

  itUnless(unlessSpecial, "those in a folder, one line each, and copies the rest", async () => {
    using folder = new Folder();
    mkdirSync(folder.path("tree"));
    folder.file("tree/file", "content");
    spawnSync("mkfifo", [folder.path("tree/pipe")]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(folder.path("tree/socket"), resolve));
    const { status, complained } = await copyTool(folder.path("tree"), folder.path("copy"));
    await new Promise((resolve) => server.close(resolve));
    assertEquals(status, 1);
    assertEquals(complained.map((line) => /(\w+) is not copied: /.exec(line)?.[1]).sort(), [
      "pipe",
      "socket",
    ]);
    assertEquals(contentOf(folder.path("copy")), { file: `file ${btoa("content")}` });
  });

  itUnless(!isLinux && "elsewhere names are Unicode", "a name that is no Unicode", async () => {
    using folder = new Folder();
    mkdirSync(folder.path("tree"));
    // Deno writes no such name itself.
    spawnSync("sh", ["-c", `: >"$1/$(printf 'x\\377')"`, "sh", folder.path("tree")]);
    const { status, complained } = await copyTool(folder.path("tree"), folder.path("copy"));
    assertEquals([status, complained.length], [1, 1]);
    assertMatch(complained[0], /^cannot read .*tree\/x\uFFFD: Its name is not valid Unicode$/);
    assertEquals(readdirSync(folder.path("")), ["tree"]);
  });
});

/** A command before another that takes root's right to ignore modes. */
const WITHOUT_RIGHTS = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"];
const isRoot = process.getuid?.() === 0;
const canDropRights = () => spawnSync(WITHOUT_RIGHTS[0], ["--version"]).status === 0;
const unlessDenied = isWindows
  ? "Windows has no modes"
  : isRoot && !canDropRights() && "root may do everything, and there is no setpriv";

function runWithoutRights(...args: string[]): Ended {
  return run([...(isRoot ? WITHOUT_RIGHTS : []), ...toolCommand(...args)]);
}

describe("file-copy without permission", () => {
  itUnless(unlessDenied, "to read a file: names it", () => {
    using folder = new Folder();
    mkdirSync(folder.path("tree"));
    const source = folder.file("tree/secret", "content");
    chmodSync(source, 0);
    const one = runWithoutRights(source, folder.path("target"));
    assertEquals(one.status, 1);
    const line = /^file-copy: cannot read .*secret: Permission denied \(ERROR_ACCESS_DENIED\)\n$/;
    assertMatch(one.error, line);
    const all = runWithoutRights(folder.path("tree"), folder.path("copy"));
    assertEquals(all.status, 1);
    assertMatch(all.error, line);
    assertEquals(readdirSync(folder.path("")), ["tree"]);
  });

  itUnless(unlessDenied, "to list a folder: names it", () => {
    using folder = new Folder();
    mkdirSync(join(folder.path("tree"), "secret"), { recursive: true });
    chmodSync(join(folder.path("tree"), "secret"), 0);
    const { status, error } = runWithoutRights(folder.path("tree"), folder.path("copy"));
    chmodSync(join(folder.path("tree"), "secret"), 0o755);
    assertEquals(status, 1);
    assertMatch(error, /^file-copy: cannot read .*secret: Permission denied \(EACCES\)\n$/);
    assertEquals(readdirSync(folder.path("")), ["tree"]);
  });

  itUnless(unlessDenied, "to write into a folder: names the target, which stays", () => {
    using folder = new Folder();
    const source = folder.file("source", "new");
    mkdirSync(folder.path("in"));
    const target = folder.file("in/target", "old");
    chmodSync(folder.path("in"), 0o555);
    const { status, error } = runWithoutRights(source, target);
    chmodSync(folder.path("in"), 0o755);
    assertEquals(status, 1);
    assertMatch(error, /^file-copy: cannot write .*target: Permission denied \(ERROR_ACCESS/);
    assertEquals(contentOf(folder.path("in")), { target: `file ${btoa("old")}` });
  });
});

/** Runs a shell script where it may mount things that are gone with it. */
function inNamespace(script: string, ...args: string[]): Ended {
  return run(["unshare", "-rm", "sh", "-c", script, "sh", ...args]);
}

/** Whether there can be a small disk of one's own. */
function canMount(): boolean {
  using folder = new Folder();
  if (spawnSync("unshare", ["--version"]).status !== 0) return false;
  return inNamespace('mount -t tmpfs -o size=1m none "$1"', folder.path("")).status === 0;
}

const unlessSmallDisk = !isLinux
  ? "a disk of one's own takes Linux"
  : !canMount() && "no disk can be mounted: there is no unshare, or it is not allowed";

describe("file-copy to a full disk", () => {
  const SCRIPT = `
    mount -t tmpfs -o size=1m none "$1" && printf old >"$1/target" || exit 99
    shift; "$@"; status=$?
    ls -A "$0" 2>/dev/null; exit $status`;

  for (const options of [[], ["--block", "4096", "--depth", "16"]]) {
    const how = options.join(" ") || "with the defaults";
    itUnless(unlessSmallDisk, `says so and leaves the old target alone: ${how}`, () => {
      using folder = new Folder();
      const source = folder.file("source", new Uint8Array(3_000_000).fill(1));
      mkdirSync(folder.path("disk"));
      const target = join(folder.path("disk"), "target");
      const script = SCRIPT.replace(
        'ls -A "$0"',
        `cat '${target}'; ls -A '${folder.path("disk")}'`,
      );
      const tool = toolCommand("--quiet", ...options, source, target);
      const { status, out, error } = inNamespace(script, folder.path("disk"), ...tool);
      assertMatch(
        error,
        /^file-copy: cannot write .*target: There is no space left .* \(ERROR_DISK_FULL\)\n$/,
      );
      assertEquals([status, out], [1, "oldtarget\n"]);
    });
  }

  itUnless(unlessSmallDisk, "leaves of a folder what was whole, and no empty folders", () => {
    using folder = new Folder();
    mkdirSync(join(folder.path("tree"), "deep"), { recursive: true });
    folder.file("tree/small", "content");
    folder.file("tree/deep/large", new Uint8Array(3_000_000).fill(1));
    mkdirSync(folder.path("disk"));
    const copy = join(folder.path("disk"), "copy");
    const script = SCRIPT.replace('ls -A "$0"', `ls -A '${copy}'`);
    const tool = toolCommand("--depth", "1", folder.path("tree"), copy);
    const { status, out, error } = inNamespace(script, folder.path("disk"), ...tool);
    assertMatch(error, /^file-copy: cannot write .*large: .* \(ERROR_DISK_FULL\)\n$/);
    assertEquals([status, out], [1, "small\n"]);
  });
});
