import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { type ReceivedMessage, SocketHandle, type UnixAddress } from "../../mod.ts";
import { libc } from "../../src/ffi/libc.ts";
import { Datagrams, textOf } from "./datagrams.ts";
import { Folder, isWindows, itUnless, unlessLinux } from "./fixture.ts";

/** Why a test of datagrams with paths is skipped. */
const unlessDatagrams: string | false = isWindows &&
  "Windows has Unix-domain sockets for streams only";

const DATAGRAM = { type: "datagram" } as const;

/** Opens a file for reading, as a descriptor. */
function open(path: string): number {
  return libc().open(new TextEncoder().encode(path + "\0"), 0, 0);
}

/** What a descriptor of this process is. */
function target(fd: number): string {
  return readlinkSync(`/proc/self/fd/${fd}`);
}

function closesOnExec(fd: number): boolean {
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1];
  return (parseInt(flags, 8) & 0o2000000) !== 0;
}

function openCount(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Receives a message: its text and what came beside it. */
function received(
  port: Datagrams,
  socket: SocketHandle,
  controlBytes = 256,
): [string, ReceivedMessage] {
  socket.receiveMessage({ data: port.buffer(64), controlBytes });
  const packet = port.takeDone();
  return [textOf(packet), SocketHandle.message(packet)];
}

describe("Unix-domain sockets: datagrams", () => {
  itUnless(unlessDatagrams, "one comes whole, with its sender's path, who can be answered", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const [a, b] = ["a", "b"].map((name) => port.unix(DATAGRAM, folder.path(name)));
    assertEquals([a.family, a.type], ["unix", "datagram"]);
    assertEquals(a.localAddress, { path: folder.path("a") });
    port.send(a, "question", b.localAddress!);
    const [text, sender] = port.receive(b, 64);
    assertEquals([text, sender], ["question", { path: folder.path("a") }]);
    port.send(b, "", sender!);
    assertEquals(port.receive(a, 64), ["", { path: folder.path("b") }]);
  });

  itUnless(unlessDatagrams, "a sender without a path has none, and is not an error", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
    assertEquals(a.localAddress, null);
    port.send(a, "x", b.localAddress!);
    assertEquals(port.receive(b, 8), ["x", { path: "" }]);
    port.send(a, "y", b.localAddress!);
    assertEquals(received(port, b)[1].address, { path: "" });
  });

  itUnless(unlessDatagrams, "a name that is in no file system", () => {
    using port = new Datagrams();
    const path = `\0iocp-test-${process.pid}-${Date.now()}`;
    const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, path)];
    assertEquals(b.localAddress, { path });
    port.send(a, "x", { path });
    assertEquals(port.receive(b, 8)[0], "x");
    const error = assertThrows(() => port.unix(DATAGRAM, path)) as Error;
    assert(error.message.includes("@iocp-test") && error.message.includes("10048"), error.message);
  });

  itUnless(
    unlessDatagrams,
    "nobody there: the path is no file (2), or its socket is closed (1225)",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
      a.sendTo(port.buffer("x"), { path: folder.path("none") });
      assertEquals(port.outcome(), [2, 0]);
      const address = b.localAddress!;
      b.close();
      a.sendTo(port.buffer("x"), address);
      assertEquals(port.outcome(), [1225, 0]);
    },
  );

  itUnless(
    unlessDatagrams,
    "a receiver that does not read stops the sender, and none is lost",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
      const COUNT = 200;
      for (let i = 0; i < COUNT; i++) a.sendTo(port.buffer(`${i}`), b.localAddress!, 1);
      const texts: string[] = [];
      b.receiveFrom(port.buffer(8), 2);
      while (texts.length < COUNT) {
        const packet = port.takeDone();
        if (packet.operation!.tag === 1) continue;
        texts.push(textOf(packet));
        if (texts.length < COUNT) b.receiveFrom(packet.operation!.buffer!, 2);
      }
      assertEquals(texts, texts.map((_, i) => `${i}`));
    },
  );
});

describe("Unix-domain sockets: descriptors and credentials", () => {
  itUnless(unlessLinux, "descriptors arrive open, as the receiver's own, and close on exec", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const paths = ["one", "two"].map((name) => folder.file(name, name));
    const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
    const before = openCount();
    const sent = paths.map(open);
    a.sendMessage({
      data: port.buffer("two files"),
      address: b.localAddress!,
      control: { descriptors: sent },
    });
    assertEquals(port.outcome(), [0, 9]);
    for (const fd of sent) libc().close(fd);
    const [text, { control }] = received(port, b);
    assertEquals(text, "two files");
    assertEquals(control.descriptors!.map(target), paths);
    assertEquals(control.descriptors!.map(closesOnExec), [true, true]);
    for (const fd of control.descriptors!) libc().close(fd);
    assertEquals(openCount(), before);
  });

  itUnless(
    unlessLinux,
    "descriptors that there is no room for, or that nobody asks for, are closed",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
      const fd = open("/dev/null");
      const before = openCount();
      const send = () => {
        const control = { descriptors: Array.from({ length: 20 }, () => fd) };
        a.sendMessage({ data: port.buffer("x"), address: b.localAddress!, control });
        assertEquals(port.outcome(), [0, 1]);
      };
      send();
      const [, { control, isControlTruncated }] = received(port, b, 32);
      assertEquals([control.descriptors?.length, isControlTruncated], [4, true]);
      for (const came of control.descriptors!) libc().close(came);
      send();
      assertEquals(received(port, b, 0)[1].control, {});
      send();
      assertEquals(port.receive(b, 8)[0], "x");
      assertEquals(openCount(), before);
      libc().close(fd);
    },
  );

  itUnless(unlessLinux, "253 descriptors go with one message", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
    const fd = open("/dev/null");
    const control = { descriptors: Array.from({ length: 253 }, () => fd) };
    a.sendMessage({ data: port.buffer("x"), address: b.localAddress!, control });
    assertEquals(port.outcome(), [0, 1]);
    const { descriptors } = received(port, b, 2048)[1].control;
    assertEquals(descriptors!.length, 253);
    for (const came of [...descriptors!, fd]) libc().close(came);
  });

  itUnless(unlessLinux, "a number that is no open descriptor is refused in the packet", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
    const control = { descriptors: [1_000_000] };
    a.sendMessage({ data: port.buffer("x"), address: b.localAddress!, control });
    assertEquals(port.outcome(), [6, 0]);
  });

  itUnless(
    unlessLinux,
    "credentials: who sends, if the receiver asks; one's own may be said",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
      const own = { processId: process.pid, userId: process.getuid!(), groupId: process.getgid!() };
      const send = (control = {}) => {
        a.sendMessage({ data: port.buffer("x"), address: b.localAddress!, control });
        return port.outcome();
      };
      send();
      assertEquals(received(port, b)[1].control, {});
      b.setOptions({ credentials: true });
      send();
      assertEquals(received(port, b)[1].control, { credentials: own });
      assertEquals(send({ credentials: own }), [0, 1]);
      assertEquals(received(port, b)[1].control, { credentials: own });
      // A process that there is not.
      const code = send({ credentials: { ...own, processId: 0x3fffffff } })[0];
      assert(code !== 0, `${code}`);
    },
  );
});

describe("Unix-domain sockets: addresses", () => {
  itUnless(unlessDatagrams, "a path in use is named: WSAEADDRINUSE (10048)", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const path = folder.path("used");
    port.unix(DATAGRAM, path);
    const error = assertThrows(() => port.unix(DATAGRAM, path)) as Error & { code?: number };
    assertEquals(error.code, 10048);
    assert(error.message.includes(path), error.message);
  });

  itUnless(unlessLinux, "a folder that is not there: ERROR_FILE_NOT_FOUND with the path", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const path = folder.path("none/socket");
    const error = assertThrows(() => port.unix(DATAGRAM, path)) as Error & { code?: number };
    assertEquals(error.code, 2);
    assert(error.message.includes(path), error.message);
  });

  itUnless(unlessLinux, "a path of 107 bytes is one, of 108 a RangeError", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const path = folder.path("x").padEnd(107, "x");
    const socket = port.unix(DATAGRAM, path);
    assertEquals(socket.localAddress as UnixAddress, { path });
    port.send(port.unix(DATAGRAM), "x", { path });
    assertEquals(port.receive(socket, 8)[0], "x");
    assertThrows(() => socket.sendTo(port.buffer("x"), { path: path + "x" }), RangeError, "108");
  });
});
