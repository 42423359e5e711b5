import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DirectoryHandle } from "../../mod.ts";
import { isWindows, isWine, itUnless } from "./fixture.ts";
import { short, Watching } from "./watching.ts";

const unlessWindowsMoves = isWine && "Wine tells a move between folders as a rename";
const unlessTree = isWine && "Wine watches no folder that was there before";
const unlessContents = isWindows && "Windows tells of a folder that has come, not of what is in it";
const unlessNames = isWine && "Wine goes on with the old name of a renamed folder";

describe("directory changes", () => {
  it("a file made, written, renamed and removed", () => {
    using watching = new Watching({ filter: ["fileName", "directoryName"] });
    watching.read();
    watching.file("a");
    renameSync(watching.path("a"), watching.path("b"));
    rmSync(watching.path("b"));
    assertEquals(watching.settled(), ["+a", "a>b", "-b"]);
  });

  it("a packet has the operation, its tag and buffer; records stand in that", () => {
    using watching = new Watching();
    watching.read(77);
    watching.file("a");
    const packet = watching.take();
    const { kind, tag, buffer, offset } = packet.operation!;
    assertEquals([kind, tag, offset, packet.key, packet.error], ["readChanges", 77, 0, 1, null]);
    assert(buffer === watching.buffer);
    assertEquals(DirectoryHandle.changes(packet)[0], { action: "added", path: "a" });
    const fields = new DataView(buffer.bytes.buffer, buffer.bytes.byteOffset, 16);
    assertEquals([fields.getUint32(4, true), fields.getUint32(8, true)], [1, 2]);
    assertEquals(fields.getUint16(12, true), 0x61);
  });

  it("a write is a modification", () => {
    using watching = new Watching({}, (root) => writeFileSync(join(root, "a"), "1"));
    watching.read();
    appendFileSync(watching.path("a"), "2");
    const changes = watching.settled();
    assert(changes.length > 0);
    assertEquals(new Set(changes), new Set(["~a"]));
  });

  itUnless(unlessTree, "recursive: folders that were there, at any depth, and their names", () => {
    const make = (root: string) => mkdirSync(join(root, "x", "y"), { recursive: true });
    using watching = new Watching({ filter: ["fileName", "directoryName"] }, make);
    watching.read();
    watching.file("x", "1");
    watching.file("x", "y", "2");
    renameSync(watching.path("x", "y", "2"), watching.path("x", "y", "3"));
    mkdirSync(watching.path("x", "y", "z"));
    rmSync(watching.path("x", "y"), { recursive: true });
    const changes = watching.settled();
    assertEquals(changes.slice(0, 4), ["+x/1", "+x/y/2", "x/y/2>x/y/3", "+x/y/z"]);
    assertEquals(changes.slice(4).sort(), ["-x/y", "-x/y/3", "-x/y/z"]);
  });

  it("not recursive: what happens in folders is not told", () => {
    const filter = ["fileName", "directoryName"] as const;
    const make = (root: string) => mkdirSync(join(root, "x"));
    using watching = new Watching({ recursive: false, filter }, make);
    watching.read();
    watching.file("x", "1");
    mkdirSync(watching.path("y"));
    watching.file("y", "1");
    assertEquals(watching.settled(), ["+y"]);
  });

  it("filters: names of files, names of folders, writes", () => {
    const run = (filter: ("fileName" | "directoryName" | "lastWrite")[]) => {
      using watching = new Watching({ filter }, (root) => writeFileSync(join(root, "w"), ""));
      watching.read();
      mkdirSync(watching.path("folder"));
      watching.file("file");
      // A last change that is told whatever is asked for.
      writeFileSync(watching.path("w"), "1");
      mkdirSync(watching.path("last"));
      watching.file("last-file");
      const isLast = filter[0] === "directoryName"
        ? "last"
        : filter[0] === "fileName"
        ? "last-file"
        : "w";
      return watching.until(({ path }) => path === isLast).map(short)
        .filter((text) => !/last|^~f/.test(text));
    };
    assertEquals(run(["fileName"]), ["+file"]);
    assertEquals(run(["directoryName"]), ["+folder"]);
    assertEquals(new Set(run(["lastWrite"])), new Set(["~w"]));
  });

  itUnless(
    isWindows && "Windows has no modes",
    "filter: attributes tell of a mode, of files and folders",
    () => {
      const make = (root: string) => {
        writeFileSync(join(root, "file"), "");
        mkdirSync(join(root, "folder"));
      };
      using watching = new Watching({ filter: ["attributes", "fileName"] }, make);
      watching.read();
      chmodSync(watching.path("file"), 0o600);
      chmodSync(watching.path("folder"), 0o700);
      assertEquals(watching.settled(), ["~file", "~folder"]);
    },
  );

  it("changes between two reads are kept", () => {
    using watching = new Watching({ filter: ["fileName"] });
    watching.read();
    watching.file("a");
    assertEquals(DirectoryHandle.changes(watching.take()).map(short), ["+a"]);
    watching.file("b");
    rmSync(watching.path("a"));
    watching.read();
    assertEquals(watching.settled(), ["+b", "-a"]);
  });

  it("changes before the first read are not told, and those of another handle are its own", () => {
    using watching = new Watching({ filter: ["fileName"] });
    watching.file("before");
    using other = DirectoryHandle.open(watching.root);
    watching.port.associate(other, 2);
    watching.read();
    watching.file("a");
    assertEquals(watching.settled(), ["+a"]);
  });

  it("what has no room in the buffer stays for the next read", () => {
    // 36 bytes a record: two have room.
    using watching = new Watching({ filter: ["fileName"] }, undefined, 80);
    watching.read();
    watching.file("a");
    const first = DirectoryHandle.changes(watching.take()).map(short);
    assertEquals(first, ["+a"]);
    if (isWindows) return; // There the kernel keeps no more than the buffer holds.
    for (let i = 0; i < 9; i++) watching.file(`file-${i}.txt`);
    watching.read();
    const changes = watching.settled();
    assertEquals(changes, Array.from({ length: 9 }, (_, i) => `+file-${i}.txt`));
  });

  it("several reads in flight: each change is in one of them, in their order", () => {
    using watching = new Watching({ filter: ["fileName"] });
    const buffers = [0, 1, 2, 3].map((i) => watching.buffer.subarray(i * 4096, (i + 1) * 4096));
    for (const [tag, buffer] of buffers.entries()) {
      watching.handle.readChanges(buffer, { filter: ["fileName"] }, tag);
    }
    const seen: string[] = [];
    for (let tag = 0; tag < 4; tag++) {
      watching.file(`${tag}`);
      const packet = watching.take();
      assertEquals(packet.operation?.tag, tag);
      seen.push(...DirectoryHandle.changes(packet).map(short));
    }
    assertEquals(seen, ["+0", "+1", "+2", "+3"]);
  });

  it("names are UTF-16: letters of every plane", () => {
    using watching = new Watching({ filter: ["fileName", "directoryName"] });
    watching.read();
    mkdirSync(watching.path("Ünï"));
    // The folder is watched once its record is here.
    const changes = watching.next().map(short);
    watching.file("Ünï", "日本-𝒳");
    assertEquals([...changes, ...watching.settled()], ["+Ünï", "+Ünï/日本-𝒳"]);
  });

  itUnless(unlessWindowsMoves, "a move from folder to folder: removed there, added here", () => {
    const make = (root: string) => {
      for (const name of ["x", "y"]) mkdirSync(join(root, name));
      writeFileSync(join(root, "x", "a"), "");
    };
    using watching = new Watching({ filter: ["fileName", "directoryName"] }, make);
    watching.read();
    renameSync(watching.path("x", "a"), watching.path("y", "b"));
    assertEquals(watching.settled(), ["-x/a", "+y/b"]);
  });

  itUnless(
    unlessNames,
    "a folder renamed: what happens in it has its new name, at any depth",
    () => {
      const make = (root: string) => mkdirSync(join(root, "x", "deep"), { recursive: true });
      using watching = new Watching({ filter: ["fileName", "directoryName"] }, make);
      watching.read();
      renameSync(watching.path("x"), watching.path("a-longer-name-than-before"));
      const first = watching.next().map(short);
      watching.file("a-longer-name-than-before", "deep", "file");
      const changes = [...first, ...watching.settled()];
      assertEquals(changes, [
        "x>a-longer-name-than-before",
        "+a-longer-name-than-before/deep/file",
      ]);
    },
  );

  it("a folder moved out: removed, and what happens in it is told no more", () => {
    const make = (root: string) => mkdirSync(join(root, "x", "deep"), { recursive: true });
    using watching = new Watching({ filter: ["fileName", "directoryName"] }, make);
    watching.read();
    renameSync(watching.path("x"), watching.folder.path("elsewhere"));
    const first = watching.next().map(short);
    writeFileSync(watching.folder.path("elsewhere/deep/file"), "");
    assertEquals([...first, ...watching.settled()], ["-x"]);
  });

  itUnless(unlessContents, "a folder moved in, or within: told with all that is in it", () => {
    const make = (root: string) => {
      mkdirSync(join(root, "x", "a", "deep"), { recursive: true });
      mkdirSync(join(root, "y"));
      writeFileSync(join(root, "x", "a", "deep", "file"), "");
    };
    using watching = new Watching({ filter: ["fileName", "directoryName"] }, make);
    watching.read();
    renameSync(watching.path("x", "a"), watching.path("y", "b"));
    assertEquals(watching.settled(), ["-x/a", "+y/b", "+y/b/deep", "+y/b/deep/file"]);
    const elsewhere = watching.folder.path("elsewhere");
    renameSync(watching.path("y", "b"), elsewhere);
    assertEquals(watching.settled(), ["-y/b"]);
    renameSync(elsewhere, watching.path("c"));
    assertEquals(watching.settled(), ["+c", "+c/deep", "+c/deep/file"]);
  });

  itUnless(
    unlessContents,
    "a folder renamed and gone, another by its new name: the first is not told of any more",
    () => {
      const make = (root: string) => mkdirSync(join(root, "x"));
      using watching = new Watching({ filter: ["fileName", "directoryName"] }, make);
      watching.read();
      // All of it has happened before the first change is looked at.
      renameSync(watching.path("x"), watching.path("y"));
      renameSync(watching.path("y"), watching.folder.path("elsewhere"));
      mkdirSync(watching.path("y"));
      watching.file("y", "of-the-second");
      const known = new Set(["x"]);
      for (const change of watching.settled()) {
        const [action, path] = [change[0], change.slice(1)];
        if (action === "+") known.add(path);
        else for (const one of known) if (`${one}/`.startsWith(`${path}/`)) known.delete(one);
      }
      assertEquals([...known].sort(), ["y", "y/of-the-second"]);
      writeFileSync(watching.folder.path("elsewhere/of-the-first"), "");
      assertEquals(watching.settled(), []);
    },
  );
});
