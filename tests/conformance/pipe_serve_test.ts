import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { PipeHandle, type PipeServeOptions, Win32Error } from "../../mod.ts";
import {
  BAD_NUMBERS,
  Folder,
  isLinux,
  isWindows,
  isWine,
  itUnless,
  unlessLinux,
} from "./fixture.ts";
import { openHandles } from "./handles.ts";
import { codeOf, freshName, Pipes } from "./pipes.ts";

const unlessFirst = isWine && "Wine ignores FILE_FLAG_FIRST_PIPE_INSTANCE";

/** Where this user's pipes are on Linux. */
function privateFolder(): string {
  const base = process.env.XDG_RUNTIME_DIR;
  return base ? `${base}/iocp-pipes` : `/tmp/iocp-pipes-${process.geteuid!()}`;
}

/** The folder of a pipe on Linux. */
function folderOf(name: string): string {
  return `${privateFolder()}/${name.split("\\").at(-1)}`;
}

describe("serving a pipe", () => {
  it("nobody serves it: 2", () => {
    const error = assertThrows(() => PipeHandle.open(freshName()), Win32Error);
    assertEquals([error.code, error.call], [2, "CreateFile"]);
  });

  it("a client can come as soon as there is an instance, before it is waited for", () => {
    using pipes = new Pipes();
    pipes.serve();
    assert(!pipes.open().isClosed);
  });

  it("letters of a name do not differ by case", () => {
    using pipes = new Pipes();
    pipes.serve();
    using client = PipeHandle.open(pipes.name.toUpperCase().replace("PIPE", "pipe"));
    assert(!client.isClosed);
  });

  it("every instance takes one client: then 231", () => {
    using pipes = new Pipes();
    pipes.serve();
    pipes.serve({ first: false });
    pipes.open();
    pipes.open();
    assertEquals(codeOf(() => pipes.open()), 231);
    pipes.serve({ first: false });
    pipes.open();
  });

  it("a closed instance takes none; the pipe ends with its last one", () => {
    using pipes = new Pipes();
    const [first, second] = [pipes.serve(), pipes.serve({ first: false })];
    first.close();
    pipes.open();
    assertEquals(codeOf(() => pipes.open()), 231);
    second.close();
    assertEquals(codeOf(() => pipes.open()), 2);
    pipes.serve();
  });

  itUnless(unlessFirst, "the first instance must be the first: 5", () => {
    using pipes = new Pipes();
    pipes.serve();
    const error = assertThrows(() => pipes.serve(), Win32Error);
    assertEquals([error.code, error.call, error.subject], [5, "CreateNamedPipe", pipes.name]);
  });

  itUnless(unlessFirst, "also while its instances have clients: 5", () => {
    using pipes = new Pipes();
    pipes.pair();
    assertEquals(codeOf(() => pipes.serve()), 5);
  });

  it("a limit of instances holds: 231", () => {
    using pipes = new Pipes();
    const options = { instances: 2, first: false };
    pipes.serve({ ...options, first: true });
    const second = pipes.serve(options);
    assertEquals(codeOf(() => pipes.serve(options)), 231);
    second.close();
    pipes.serve(options);
  });

  it("an instance that goes another way than the first: 5", () => {
    using pipes = new Pipes();
    pipes.serve();
    assertEquals(codeOf(() => pipes.serve({ first: false, write: false })), 5);
  });

  it("a client that wants to go another way than the pipe: 5", () => {
    using inbound = new Pipes();
    inbound.serve({ write: false });
    assertEquals(codeOf(() => inbound.open()), 5);
    inbound.open({ read: false });
    using outbound = new Pipes();
    outbound.serve({ read: false });
    assertEquals(codeOf(() => outbound.open({ read: false })), 5);
    outbound.open({ write: false });
  });

  it("a client that wants messages of a pipe of bytes: 87, and nothing stays open", () => {
    using pipes = new Pipes();
    pipes.serve();
    assertEquals(codeOf(() => pipes.open({ type: "message" })), 87);
  });

  it("the processes of both ends", () => {
    using pipes = new Pipes();
    const [server, client] = pipes.pair();
    for (const end of [server, client]) {
      assertEquals([end.clientProcessId(), end.serverProcessId()], [process.pid, process.pid]);
    }
  });

  it("the client's user, once something was read", () => {
    using pipes = new Pipes();
    const [server, client] = pipes.pair();
    pipes.write(client, "me");
    pipes.read(server, 2);
    assert(server.clientUser().length > 0);
  });

  it("without a client nobody can be asked for: 536", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    if (isLinux) {
      assertEquals(codeOf(() => server.clientProcessId()), 536);
      assertEquals(codeOf(() => server.clientUser()), 536);
    }
    assertEquals(codeOf(() => server.disconnect()) > 0, true);
  });

  it("promise 9: bad names are refused before anything is started", () => {
    for (
      const name of [
        "",
        "pipe",
        "C:\\pipe",
        "\\\\.\\pipe\\",
        "\\\\.\\mailslot\\x",
        "a/b",
        "\\\\.\\pipe\\a\0b",
      ]
    ) {
      assertThrows(() => PipeHandle.serve(name), TypeError, "as the name of a pipe");
      assertThrows(() => PipeHandle.open(name), TypeError, "as the name of a pipe");
      assertThrows(() => PipeHandle.wait(name), TypeError, "as the name of a pipe");
    }
    assertEquals(codeOf(() => PipeHandle.serve(freshName() + "x".repeat(300))) > 0, true);
  });

  it("promise 9: bad options are refused, and nothing stays open", () => {
    const name = freshName();
    PipeHandle.serve(name).close();
    const before = openHandles();
    for (const bad of BAD_NUMBERS) {
      for (const option of ["instances", "timeoutMs", "inBufferBytes", "outBufferBytes", "mode"]) {
        const options = { [option]: bad } as PipeServeOptions;
        assertThrows(() => PipeHandle.serve(name, options), RangeError, "Cannot use");
      }
    }
    assertThrows(() => PipeHandle.serve(name, { instances: 0 }), RangeError);
    assertThrows(() => PipeHandle.serve(name, { read: false, write: false }), TypeError);
    assertThrows(() => PipeHandle.open(name, { read: false, write: false }), TypeError);
    assertThrows(() => PipeHandle.serve(name, { securityDescriptor: "D:\0" }), TypeError);
    const type = "text" as "byte";
    assertThrows(() => PipeHandle.serve(name, { type }), TypeError, "text");
    assertThrows(() => PipeHandle.open(name, { timeoutMs: -1 }), RangeError);
    assertThrows(() => PipeHandle.wait(name, NaN), RangeError);
    assertEquals(openHandles(), before);
    assertEquals(codeOf(() => PipeHandle.open(name)), 2);
  });

  it("a token of another kind is none of a pipe", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    const { token } = server;
    assertEquals(token.kind, "iocp.pipe");
    assertEquals(PipeHandle.attach(token).name, pipes.name);
    assertThrows(() => PipeHandle.attach({ ...token, kind: "iocp.file" }), TypeError);
    server.close();
    assertThrows(() => PipeHandle.attach(token), TypeError, "closed");
  });
});

describe("waiting for a pipe", () => {
  it("nobody serves it: 2, at once", () => {
    assertEquals(codeOf(() => PipeHandle.wait(freshName(), Infinity)), 2);
  });

  it("an instance is free: at once", () => {
    using pipes = new Pipes();
    pipes.serve();
    PipeHandle.wait(pipes.name);
    PipeHandle.wait(pipes.name, 0);
  });

  it("none becomes free: 121 after the time given, after the server's if none is", () => {
    using pipes = new Pipes();
    pipes.serve({ timeoutMs: 1 });
    pipes.open();
    for (const timeoutMs of [0, 1, 30, undefined]) {
      assertEquals(codeOf(() => PipeHandle.wait(pipes.name, timeoutMs)), 121);
    }
    assertEquals(codeOf(() => pipes.open({ timeoutMs: 20 })), 121);
    assertEquals(codeOf(() => pipes.open({ timeoutMs: 0 })), 231);
  });
});

describe("who gets at a pipe", () => {
  itUnless(unlessLinux, "its folder is the user's alone, and goes with the pipe", () => {
    using pipes = new Pipes();
    const server = pipes.serve();
    for (const path of [privateFolder(), folderOf(pipes.name)]) {
      const { mode, uid } = statSync(path);
      assertEquals([mode & 0o777, uid], [0o700, process.geteuid!()]);
    }
    for (const entry of readdirSync(folderOf(pipes.name))) {
      assertEquals(statSync(`${folderOf(pipes.name)}/${entry}`).mode & 0o077, 0);
    }
    server.close();
    assert(!existsSync(folderOf(pipes.name)));
  });

  itUnless(unlessLinux, "a name cannot lead out of that folder", () => {
    for (const name of ["../up", "..", ".", "a/../../b", "%2e%2e"]) {
      using pipes = new Pipes(`\\\\.\\pipe\\${name}`);
      pipes.serve();
      pipes.open();
      const entries = readdirSync(privateFolder());
      assert(entries.some((entry) => entry.includes("%")), entries.join());
    }
  });

  itUnless(unlessLinux, "a link in the place of its folder is not followed", () => {
    using folder = new Folder();
    mkdirSync(folder.path("elsewhere"));
    symlinkSync(folder.path("elsewhere"), folder.path("link"));
    assertEquals(codeOf(() => PipeHandle.serve(folder.path("link"))), 5);
    assertEquals(codeOf(() => PipeHandle.open(folder.path("link"))), 2);
    assertEquals(readdirSync(folder.path("elsewhere")), []);
  });

  itUnless(unlessLinux, "a file in the place of its folder: 5, and it stays", () => {
    using folder = new Folder();
    const path = folder.file("file", "content");
    assertEquals(codeOf(() => PipeHandle.serve(path)), 5);
    assert(existsSync(path));
  });

  it("a path of its own", () => {
    using folder = new Folder();
    const path = isWindows ? `/iocp-${process.pid}-path` : folder.path("pipe");
    using pipes = new Pipes(path);
    const [server, client] = pipes.pair();
    pipes.write(client, "by path");
    assertEquals(pipes.read(server, 64), "by path");
    server.close();
    if (isLinux) assertEquals(existsSync(path), false);
  });

  itUnless(unlessLinux, "a path of its own has the rights that are asked for", () => {
    using folder = new Folder();
    const umask = process.umask(0);
    try {
      using pipes = new Pipes(folder.path("pipe"));
      pipes.serve({ mode: 0o660 });
      assertEquals(statSync(folder.path("pipe")).mode & 0o777, 0o750);
      const [socket] = readdirSync(folder.path("pipe")).filter((name) => name.startsWith("L."));
      assertEquals(statSync(`${folder.path("pipe")}/${socket}`).mode & 0o777, 0o660);
    } finally {
      process.umask(umask);
    }
  });

  itUnless(unlessLinux, "no folder to make it in: 2 or 3", () => {
    assertEquals([2, 3].includes(codeOf(() => PipeHandle.serve(`${tmpdir()}/no/such/pipe`))), true);
  });

  itUnless(unlessLinux, "its descriptors are closed when another program is run", () => {
    const before = new Set(readdirSync("/proc/self/fd"));
    using pipes = new Pipes();
    pipes.pair();
    const added = readdirSync("/proc/self/fd").filter((fd) => !before.has(fd) && isSocket(fd));
    assertEquals(added.length, 2);
    for (const fd of added) {
      const flags = /flags:\s*0?(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1];
      assert((parseInt(flags, 8) & 0o2000000) !== 0, `descriptor ${fd}`);
    }
  });
});

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  } catch {
    return false; // The one that lists the folder.
  }
}
