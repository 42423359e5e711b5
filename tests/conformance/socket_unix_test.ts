import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe } from "@std/testing/bdd";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { type ReceivedMessage, SocketHandle, type UnixAddress } from "../../mod.ts";
import { libc } from "../../src/ffi/libc.ts";
import { Datagrams, textOf } from "./datagrams.ts";
import { Folder, isWindows, isWine, itUnless, unlessLinux } from "./fixture.ts";

/** Why a test of datagrams with paths is skipped. */
const unlessDatagrams: string | false = isWindows &&
  "Windows has Unix-domain sockets for streams only";

/** Why a test of streams with paths is skipped. */
const unlessUnix: string | false = isWine && "Wine has no Unix-domain sockets";

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
    assertEquals(port.receive(b, 8), ["x", null]);
    port.send(a, "y", b.localAddress!);
    assertEquals(received(port, b)[1].address, null);
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
    "a send that fails takes nothing of what its own socket has received",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [a, b] = [port.unix(DATAGRAM), port.unix(DATAGRAM, folder.path("b"))];
      port.send(a, "for b", b.localAddress!);
      b.sendTo(port.buffer("x"), { path: folder.path("none") });
      assertEquals(port.outcome(), [2, 0]);
      assertEquals(port.receive(b, 8)[0], "for b");
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

/** Both ends of a connection by a path in the folder. */
function connected(port: Datagrams, folder: Folder): [SocketHandle, SocketHandle] {
  const listener = port.unix({}, folder.path("listener"));
  listener.listen();
  const [server, client] = [port.unix({}), port.unix({})];
  listener.accept(server, 1);
  client.connect({ path: folder.path("listener") }, 2);
  for (const { error } of port.takeMany(2).values()) assertEquals(error, null);
  return [server, client];
}

describe("Unix-domain sockets: streams", () => {
  itUnless(unlessUnix, "bytes, the name of the listener, and the end", () => {
    using folder = new Folder();
    using port = new Datagrams();
    const [server, client] = connected(port, folder);
    assertEquals(client.remoteAddress, { path: folder.path("listener") });
    client.send(port.buffer("hello"));
    assertEquals(port.outcome(), [0, 5]);
    server.receive(port.buffer(64));
    assertEquals(textOf(port.takeDone()), "hello");
    client.close();
    server.receive(port.buffer(64));
    assertEquals(port.outcome(), [0, 0]);
  });

  itUnless(
    unlessLinux,
    "descriptors go with bytes of a stream, and come with the first of them",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [server, client] = connected(port, folder);
      const before = openCount();
      const sent = open(folder.file("file"));
      client.sendMessage({ data: port.buffer("with it"), control: { descriptors: [sent] } });
      assertEquals(port.outcome(), [0, 7]);
      libc().close(sent);
      client.send(port.buffer(" and more"));
      assertEquals(port.outcome(), [0, 9]);
      server.receiveMessage({ data: port.buffer(4) });
      const first = port.takeDone();
      const { address, control, isTruncated } = SocketHandle.message(first);
      assertEquals([textOf(first), isTruncated, address], ["with", false, null]);
      assertEquals(control.descriptors!.map(target), [folder.path("file")]);
      const [rest, { control: none }] = received(port, server);
      assertEquals([rest, none], [" it and more", {}]);
      libc().close(control.descriptors![0]);
      assertEquals(openCount(), before);
      client.shutdown("send");
      assertEquals(received(port, server), ["", {
        address: null,
        control: {},
        isTruncated: false,
        isControlTruncated: false,
      }]);
    },
  );

  itUnless(
    unlessLinux,
    "4 MiB with a descriptor go whole, the descriptor once, while the other end reads bit by bit",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const [server, client] = connected(port, folder);
      const SIZE = 4 << 20;
      const data = [port.buffer(SIZE / 2), port.buffer(SIZE / 4), port.buffer(SIZE / 4)];
      let next = 0;
      for (const { bytes } of data) {
        for (let i = 0; i < bytes.length; i++) {
          bytes[i] = next++ * 7 >>> 3;
        }
      }
      const sent = open("/dev/null");
      client.sendMessage({ data, control: { descriptors: [sent] } }, 1);
      const descriptors: number[] = [sent];
      const room = port.buffer(100_000);
      let [done, isSent] = [0, false];
      server.receiveMessage({ data: room }, 2);
      while (done < SIZE || !isSent) {
        const packet = port.takeDone();
        if (packet.operation!.tag === 1) {
          assertEquals(packet.bytesTransferred, SIZE);
          isSent = true;
          continue;
        }
        descriptors.push(...SocketHandle.message(packet).control.descriptors ?? []);
        for (const byte of room.bytes.subarray(0, packet.bytesTransferred)) {
          if (byte !== ((done++ * 7 >>> 3) & 0xff)) throw new Error(`byte ${done - 1} is ${byte}`);
        }
        if (done < SIZE) server.receiveMessage({ data: room }, 2);
      }
      assertEquals(descriptors.length, 2);
      for (const fd of descriptors) libc().close(fd);
    },
  );

  itUnless(
    unlessLinux,
    "a message on a stream that is not connected: WSAENOTCONN; nobody there: 1225",
    () => {
      using folder = new Folder();
      using port = new Datagrams();
      const socket = port.unix({});
      socket.sendMessage({ data: port.buffer("x") });
      assertEquals(port.outcome(), [10057, 0]);
      socket.receiveMessage({ data: port.buffer(8) });
      assertEquals(port.outcome(), [10057, 0]);
      const gone = port.unix({}, folder.path("gone"));
      const address = gone.localAddress!;
      gone.close();
      socket.connect(address);
      assertEquals(port.outcome(), [1225, 0]);
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
