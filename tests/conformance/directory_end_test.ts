import { assert, assertEquals, assertLess } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompletionPort, DirectoryHandle, NativeBuffer } from "../../mod.ts";
import { system } from "../../src/system/system.ts";
import { Folder, isWine, itUnless, startWorker, unlessLinux } from "./fixture.ts";
import { mappings, openHandles } from "./handles.ts";
import { isPending, Raw, statusOf } from "./raw.ts";
import { short, Watching } from "./watching.ts";

const unlessDeletion = isWine && "Wine does not tell that the directory itself was deleted";
const unlessClosing = isWine && "Wine completes it with 676";
const NAMES = ["fileName", "directoryName"] as const;

describe("the end of watching", () => {
  it("case 60: a read that is cancelled: a packet with 995; the next one tells of what came since", () => {
    using watching = new Watching({ filter: NAMES });
    watching.read();
    assertEquals(watching.handle.cancel(), true);
    const packet = watching.take();
    assertEquals([packet.error?.code, packet.error?.call], [995, "ReadDirectoryChangesW"]);
    watching.file("a");
    watching.read();
    assertEquals(watching.settled(), ["+a"]);
  });

  it("case 62: all of several reads are cancelled", () => {
    using watching = new Watching({ filter: NAMES });
    for (let tag = 0; tag < 5; tag++) {
      watching.handle.readChanges(watching.buffer.subarray(tag * 64, tag * 64 + 64), {}, tag);
    }
    assertEquals(watching.handle.cancel(), true);
    const tags = Array.from({ length: 5 }, () => watching.take())
      .map(({ error, operation }) => [error?.code, operation?.tag]);
    assertEquals(tags.sort(), [0, 1, 2, 3, 4].map((tag) => [995, tag]));
  });

  itUnless(
    unlessClosing,
    "case 59: closing returns, and completes what is pending with 995",
    () => {
      using watching = new Watching({ filter: NAMES });
      watching.read(1);
      watching.handle.readChanges(watching.buffer.subarray(0, 64), {}, 2);
      watching.handle.close();
      assertEquals([watching.take(), watching.take()].map(({ error }) => error?.code), [995, 995]);
      assertEquals(watching.port.counters.inFlight, 0);
    },
  );

  itUnless(unlessLinux, "case 60: contract: the statuses are those of Windows", () => {
    using folder = new Folder();
    using raw = new Raw();
    const [port, entries] = [raw.port(), raw.entries(1)];
    const directory = raw.own(system.openDirectory(folder.path("")).value);
    assertEquals(system.createIoCompletionPort(directory, port, 1, 0).code, 0);
    const [into, first, second] = [raw.memory(4096), raw.overlapped(), raw.overlapped()];
    const read = (length: number, { address }: { address: number }) =>
      system.readDirectoryChanges(directory, into.address, length, true, 1, address);
    assertEquals([read(4096, first), isPending(first)], [997, true]);
    assertEquals(system.cancelIoEx(directory, first.address), 0);
    assertEquals(system.getQueuedCompletionStatus(port, entries, Infinity), 0);
    assertEquals([statusOf(first), entries.bytes(0)], [0xC0000120, 0]);
    // A buffer of nothing: STATUS_NOTIFY_ENUM_DIR.
    assertEquals(read(0, second), 997);
    folder.file("a");
    assertEquals(system.getQueuedCompletionStatus(port, entries, Infinity), 0);
    assertEquals([statusOf(second), entries.bytes(0)], [0x10C, 0]);
  });

  itUnless(
    unlessDeletion,
    "the directory is deleted while it is watched: all is told, then 5, also later",
    () => {
      const make = (root: string) => {
        mkdirSync(join(root, "x"));
        writeFileSync(join(root, "x", "a"), "");
      };
      using watching = new Watching({ filter: NAMES }, make);
      watching.read();
      rmSync(watching.root, { recursive: true });
      const seen: string[] = [];
      let packet = watching.take();
      while (packet.error === null) {
        seen.push(...DirectoryHandle.changes(packet).map(short));
        watching.read();
        packet = watching.take();
      }
      assertEquals([seen, packet.error.code], [["-x/a", "-x"], 5]);
      watching.read();
      assertEquals(watching.take().error?.code, 5);
      watching.handle.close();
    },
  );

  it("the directory is renamed and moved while it is watched: all goes on", () => {
    using watching = new Watching({ filter: NAMES });
    watching.read();
    const [second, third] = ["second", "other/third"].map((name) => watching.folder.path(name));
    mkdirSync(watching.folder.path("other"));
    renameSync(watching.root, second);
    mkdirSync(join(second, "x"));
    const first = watching.next().map(short);
    renameSync(second, third);
    writeFileSync(join(third, "x", "a"), "");
    rmSync(join(third, "x"), { recursive: true });
    assertEquals(first, ["+x"]);
    const rest = watching.until(({ action, path }) => action === "removed" && path === "x");
    assertEquals(rest.map(short).filter((text) => text !== "~x"), ["+x/a", "-x/a", "-x"]);
  });

  itUnless(unlessDeletion, "the directory is deleted after it was moved: 5", () => {
    using watching = new Watching({ filter: NAMES });
    watching.read();
    mkdirSync(watching.folder.path("other"));
    renameSync(watching.root, watching.folder.path("other/moved"));
    rmSync(watching.folder.path("other"), { recursive: true });
    assertEquals(watching.take().error?.code, 5);
  });

  it("closing the port first: the handle closes too, and nothing stays", () => {
    const watching = new Watching({ filter: NAMES });
    watching.read();
    watching.port.close();
    watching.file("a");
    watching[Symbol.dispose]();
    assert(watching.handle.isClosed);
  });

  it("promise 8: a thread starts the first read and ends; others go on with it", async () => {
    using watching = new Watching({ filter: NAMES });
    const data = { directory: watching.handle.token, buffer: watching.buffer.token, tag: 7 };
    await startWorker("watch", data);
    watching.file("a");
    const packet = watching.take();
    assertEquals([packet.operation?.tag, packet.error], [7, null]);
    assertEquals(DirectoryHandle.changes(packet).map(short)[0], "+a");
    watching.read();
    mkdirSync(watching.path("x"));
    const changes = watching.next().map(short);
    // The thread that sees a folder made is another than the one that sees what is in it.
    assertEquals(changes.at(-1), "+x");
    const file = watching.path("x", "b");
    const paths = await startWorker<string[]>("watch", {
      ...data,
      port: watching.port.token,
      file,
    });
    assertEquals(paths[0].replaceAll("\\", "/"), "x/b");
  });

  it("promise 5: handles opened, read and closed leave nothing open or mapped", () => {
    using folder = new Folder();
    for (const name of ["a", "b", "c"]) mkdirSync(folder.path(`${name}/deep`), { recursive: true });
    using port = new CompletionPort();
    using buffer = NativeBuffer.allocate(4096);
    const round = () => {
      const handle = DirectoryHandle.open(folder.path(""));
      port.associate(handle, 1);
      handle.readChanges(buffer, { filter: NAMES });
      handle.readChanges(buffer);
      handle.close();
      for (let taken = 0; taken < 2; taken++) assert(port.get()!.error !== null);
    };
    for (let warm = 0; warm < 20; warm++) round();
    const before = [openHandles(), unlessLinux ? 0 : mappings().length];
    for (let rounds = 0; rounds < 200; rounds++) round();
    assertLess(openHandles(), before[0] + 50);
    if (!unlessLinux) assertLess(mappings().length, before[1] + 100);
    assertEquals([port.counters.inFlight, port.get(0)], [0, null]);
  });

  itUnless(
    unlessLinux,
    "promise 10: more handles than the user may have: 1816, and none is left open",
    () => {
      using folder = new Folder();
      const handles: DirectoryHandle[] = [];
      const before = readdirSync("/proc/self/fd").length;
      try {
        let code: number | undefined;
        // fs.inotify.max_user_instances is 128 by default.
        for (let i = 0; i < 5000 && code === undefined; i++) {
          try {
            handles.push(DirectoryHandle.open(folder.path("")));
          } catch (error) {
            code = (error as { code: number }).code;
          }
        }
        assert(code === 1816 || code === 4 || code === undefined, String(code));
      } finally {
        for (const handle of handles) handle.close();
      }
      assertEquals(readdirSync("/proc/self/fd").length, before);
    },
  );
});
